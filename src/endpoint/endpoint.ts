/** One's own end of all sessions: an identity listening and dialling on UDP sockets. */
import type { SocketCounters } from "../backend/counters.ts";
import type { Backend, DatagramSocket } from "../backend/port.ts";
import { backendNote, selectBackend } from "../backend/select.ts";
import { onAbort } from "../base/abort.ts";
import { Mp2pError } from "../base/errors.ts";
import type {
  AnnouncedCast,
  CastContent,
  Casting,
  CastOptions,
  CastReceipt,
  CastTarget,
  ReceiveCastOptions,
} from "../multicast/cast/contract.ts";
import { formatTicket, type Ticket } from "../rendezvous/ticket.ts";
import { Admission } from "./admission.ts";
import type { CastsNearbyOptions } from "./announced-casts.ts";
import type { LoopOptions } from "./async-queue.ts";
import type { BackendInfo, ConnectOptions, MulticastInfo, TicketOptions } from "./call-options.ts";
import {
  checkCast,
  checkConnect,
  checkEndpointOptions,
  checkReceiveCast,
  checkTicket,
} from "./check-endpoint.ts";
import { Connector, presentToken } from "./connector.ts";
import { EndpointCore } from "./core.ts";
import type { CoreConfig } from "./core-config.ts";
import { Doorkeeper } from "./doorkeeper.ts";
import { Driver } from "./driver.ts";
import type { EndpointGroups } from "./endpoint-groups.ts";
import { endpointParts, strangerFilter } from "./endpoint-parts.ts";
import { EndpointServices } from "./endpoint-services.ts";
import type { Group } from "./group.ts";
import type { GroupOptions } from "./group-options.ts";
import { IncomingSessions } from "./incoming-sessions.ts";
import { reachableAddresses } from "./local-addresses.ts";
import { type NearbyOptions, type NearbyPeer, nearbyPeers } from "./nearby.ts";
import { withoutMulticast } from "./open-groups.ts";
import { type OpenedSocket, openSocket } from "./open-socket.ts";
import { DEFAULT_SERVICES, type EndpointOptions } from "./options.ts";
import { chosenGroups } from "./own-groups.ts";
import { ownTicket } from "./own-ticket.ts";
import { Session } from "./session.ts";
import type { SessionHost } from "./session-host.ts";
import type { SessionRecord } from "./session-record.ts";
import { readTarget } from "./target.ts";

const OFFER_MS = 10 * 60_000;
const CONNECT_TIMEOUT_MS = 20_000;

export class Endpoint implements AsyncDisposable {
  readonly #options: EndpointOptions;
  readonly #backend: Backend;
  readonly #socket: DatagramSocket;
  readonly #config: CoreConfig;
  readonly #groups: EndpointGroups | undefined;
  readonly #connector: Connector;
  readonly #core: EndpointCore;
  readonly #driver: Driver;
  readonly #admission: Admission;
  readonly #host: SessionHost;
  readonly #incoming = new IncomingSessions<Session>();
  readonly #sessions = new WeakMap<SessionRecord, Session>();
  readonly #open = new Set<Session>();
  readonly #doorkeeper: Doorkeeper;
  readonly #services: EndpointServices;
  /** BLAKE3 of the backend, 32 bytes. */
  readonly blake3: (data: Uint8Array) => Uint8Array;
  #closing: Promise<void> | undefined;
  #unsignalled = (): void => undefined;

  private constructor(options: EndpointOptions, backend: Backend, opened: OpenedSocket) {
    const { socket } = opened;
    const { identity, services = DEFAULT_SERVICES } = options;
    const { primitives, capabilities } = backend;
    this.#options = options;
    this.#backend = backend;
    this.#socket = socket;
    const running = { flush: () => this.#driver.flush(), unixMs: () => this.#driver.unixMs() };
    const { config, groups } = endpointParts(options, backend, opened, running);
    this.#config = config;
    this.#groups = groups;
    this.#admission = new Admission(options.allow);
    this.#core = new EndpointCore(this.#config, {
      opened: (record, dialled) => this.#opened(record, dialled),
    });
    this.#driver = new Driver(socket, this.#core, () => void this.close());
    this.#connector = new Connector(this.#core, this.#driver, groups);
    this.#doorkeeper = new Doorkeeper(this.#admission, this.#driver, (session) =>
      this.#incoming.push(session),
    );
    this.blake3 = (data) => primitives.blake3(data);
    this.#host = {
      services,
      backendName: backend.name,
      blake3: this.blake3,
      now: () => this.#driver.now(),
      changed: (record) => {
        this.#core.touch(record);
        this.#driver.flush();
      },
      internalService: (name) => this.#services.of(name),
      ended: (session) => this.#ended(session),
    };
    this.#services = new EndpointServices({
      hub: groups?.hub,
      announced: groups?.casts,
      primitives,
      capabilities,
      identity,
      instance: config.instance,
      scope: options.discovery?.scope,
      driver: this.#driver,
      doorkeeper: this.#doorkeeper,
      ticket: (extra) => formatTicket({ ...this.#ticket(), ...extra }),
      connect: (target, how) => this.connect(target, how),
    });
  }

  /**
   * @throws {Mp2pError} `MP2P_PORT_IN_USE`, `MP2P_NO_NETWORK`, `MP2P_PERMISSION`, `MP2P_SOCKET`,
   * `MP2P_BACKEND_MISSING` or, for a listed key, `MP2P_KEY_INVALID`
   * @throws {TypeError} for what is no option, or is none of its values
   * @throws {RangeError} for a limit that cannot be
   */
  static async open(options: EndpointOptions): Promise<Endpoint> {
    checkEndpointOptions(options);
    options.signal?.throwIfAborted();
    const backend = await selectBackend(options.backend);
    chosenGroups(options.discovery?.groups ?? []);
    const opened = await openSocket(backend, options.bind, options.discovery);
    try {
      options.signal?.throwIfAborted();
      const endpoint = new Endpoint(options, backend, opened);
      endpoint.#start();
      return endpoint;
    } catch (error) {
      await opened.socket.close();
      throw error;
    }
  }

  /** Ed25519 public key, 32 bytes: the address of this identity. */
  get key(): Uint8Array {
    return this.#options.identity.key;
  }

  /** The key as 52 characters of z-base-32. */
  get keyText(): string {
    return this.#options.identity.keyText;
  }

  /** Bound addresses. */
  get addresses(): readonly string[] {
    return this.#socket.addresses;
  }

  /** Which backend runs, what it can do here, and why it is not the native one where it is not. */
  get backend(): BackendInfo {
    const { name, capabilities } = this.#backend;
    return { name, capabilities, buffers: this.#socket.buffers, note: backendNote(this.#backend) };
  }

  /** Interfaces that groups are joined on now, and those that refuse; undefined where discovery is off. */
  get multicast(): MulticastInfo | undefined {
    return this.#groups?.info;
  }

  /** Totals of the sockets: packets, bytes, and what was dropped for which reason. */
  counters(): SocketCounters {
    return this.#socket.counters();
  }

  /**
   * Text with which a peer reaches this endpoint: key, instance and addresses. With `offer` it also
   * holds a secret that lets its first user in, and expires.
   */
  ticket(options: TicketOptions = {}): string {
    checkTicket(options);
    const ticket = this.#ticket(options.addresses);
    if (!options.offer) return formatTicket(ticket);
    const expiresMs = this.#driver.unixMs() + (options.lifetimeMs ?? OFFER_MS);
    const token = this.#admission.offer(this.#config.primitives, expiresMs);
    return formatTicket({ ...ticket, token, expires: Math.ceil(expiresMs / 1000) });
  }

  /** Sessions that peers open with us, each once. Ends when the endpoint closes. */
  sessions(options: LoopOptions = {}): AsyncIterable<Session> {
    return this.#incoming.loop(options);
  }

  /**
   * A session with a peer: the one that exists, or a new one. A peer that does not let our key in says so afterwards:
   * the session closes with `MP2P_NOT_ALLOWED`. One that is not asked for by its own key does not answer at all.
   *
   * @param target - a ticket, its text, a key on this network or met before, or for a peer that stays at its address
   * over restarts `{ key, candidates: ["192.0.2.1:4000"] }`
   * @throws {Mp2pError} `MP2P_TICKET_INVALID`, `MP2P_TICKET_EXPIRED`, `MP2P_KEY_INVALID`,
   * `MP2P_NO_ADDRESS`, `MP2P_NO_PATH`, `MP2P_VERSION`, `MP2P_CLOSED`, or the signal's reason
   */
  async connect(
    target: string | Uint8Array | Ticket,
    options: ConnectOptions = {},
  ): Promise<Session> {
    checkConnect(options);
    const { signal, timeoutMs = CONNECT_TIMEOUT_MS } = options;
    signal?.throwIfAborted();
    if (this.#closing !== undefined) throw new Mp2pError("MP2P_CLOSED", "the endpoint was closed");
    const ticket = readTarget(target, this.#driver.unixMs(), this.#config);
    const existing = this.#core.table.find(ticket.key, ticket.instance);
    const record = existing ?? (await this.#connector.dial(ticket, timeoutMs, signal));
    const session = this.#sessions.get(record) as Session;
    // A refusal may have come with the very answer.
    session.throwIfClosed();
    if (ticket.token !== undefined && existing === undefined)
      await presentToken(session, ticket.token, signal);
    return session;
  }

  /**
   * Endpoints on the local network that let themselves be known, each once, and again where its addresses
   * changed. What they announce is signed, and a hint all the same: `connect` proves who is there.
   *
   * @throws {Mp2pError} `MP2P_NO_MULTICAST` where discovery is off or not to be had
   */
  nearby(options: NearbyOptions = {}): AsyncIterable<NearbyPeer> {
    const { contacts = this.#admission.listed, signal } = options;
    return nearbyPeers(this.#multicastGroups().discovery, contacts, signal);
  }

  /**
   * Casts that trusted keys announce on the local network, for `receiveCast`: each once, and again after a
   * minute while it is on. Those whose ticket holds a secret are not announced.
   *
   * @throws {Mp2pError} `MP2P_NO_MULTICAST` where discovery is off or not to be had
   */
  casts(options: CastsNearbyOptions = {}): AsyncIterable<AnnouncedCast> {
    const { trusted = this.#admission.listed, signal } = options;
    return this.#multicastGroups().casts.heard(trusted, signal);
  }

  /** Sends content once to everybody who comes with the ticket of what this returns. */
  cast(content: CastContent, options: CastOptions = {}): Casting {
    checkCast(options);
    if (this.#closing !== undefined) throw new Mp2pError("MP2P_CLOSED", "the endpoint was closed");
    return this.#services.casts.cast(content, options);
  }

  /**
   * Receives a cast, by its ticket or as it was heard of on the network.
   *
   * @throws {Mp2pError} what `connect` throws, `MP2P_REFUSED` where the cast is over, `MP2P_NOT_ALLOWED`,
   * what the target throws, or the signal's reason
   */
  async receiveCast(
    from: string | AnnouncedCast,
    target: CastTarget,
    options: ReceiveCastOptions = {},
  ): Promise<CastReceipt> {
    checkReceiveCast(options);
    return this.#services.casts.receive(from, target, options);
  }

  /**
   * A secure group: many members, each known by its key, one upload for all. Members find each other on the
   * network by what they agree on, and admit each other one by one.
   *
   * @throws {TypeError} where the options leave open which group, or who may join
   * @throws {Mp2pError} `MP2P_WEAK_SECRET`, `MP2P_KEY_INVALID`, `MP2P_NO_MULTICAST`, `MP2P_LIMIT`, `MP2P_CLOSED`,
   * `MP2P_USAGE` for a group that this endpoint has open
   */
  async openGroup(options: GroupOptions): Promise<Group> {
    if (this.#closing !== undefined) throw new Mp2pError("MP2P_CLOSED", "the endpoint was closed");
    return this.#services.groups.open(options);
  }

  /** Ends all sessions, tells the peers, and gives the port back. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #start(): void {
    this.#hear(false);
    this.#driver.start();
    this.#groups?.start();
    this.#unsignalled = onAbort(this.#options.signal, () => void this.close());
  }

  #multicastGroups(): EndpointGroups {
    if (this.#groups !== undefined) return this.#groups;
    throw withoutMulticast();
  }

  #hear(hasSessions: boolean): void {
    const filter = strangerFilter(this.#config, this.#options, this.#backend, hasSessions);
    this.#socket.setFilter(filter);
  }

  #ticket(named?: readonly string[]): Ticket {
    const candidates = named ?? reachableAddresses(this.#socket.addresses);
    return ownTicket(this.key, this.#config.instance, candidates, this.#groups?.named);
  }

  #opened(record: SessionRecord, dialled: boolean): void {
    const session = Session.make(record, this.#host, dialled);
    this.#sessions.set(record, session);
    this.#services.groups.opened(session, record);
    this.#open.add(session);
    if (this.#open.size === 1) this.#hear(true);
    if (!dialled) void this.#doorkeeper.knock(session);
  }

  #ended(session: Session): void {
    this.#doorkeeper.forget(session);
    if (this.#open.delete(session) && this.#open.size === 0) this.#hear(false);
  }

  async #close(): Promise<void> {
    this.#unsignalled();
    await this.#services.groups.close();
    this.#groups?.close();
    this.#services.casts.close();
    this.#core.close(this.#driver.now());
    this.#driver.flush();
    await Promise.all([...this.#open].map((session) => session.close()));
    this.#incoming.end();
    await this.#driver.drained();
    await this.#driver.close();
  }
}
