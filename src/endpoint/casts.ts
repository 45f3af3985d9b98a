/** Casts of an endpoint: those it sends, and those it receives, over sessions and groups. */
import type { Capabilities, Suite } from "../backend/port.ts";
import { abortable, onAbort } from "../base/abort.ts";
import { equalBytes, toHex } from "../base/bytes.ts";
import { deferred } from "../base/deferred.ts";
import { Mp2pError } from "../base/errors.ts";
import { castGroups } from "../multicast/cast/cast-groups.ts";
import type {
  AnnouncedCast,
  CastContent,
  Casting,
  CastOptions,
  CastReceipt,
  CastReport,
  CastTarget,
  ReceiveCastOptions,
} from "../multicast/cast/contract.ts";
import { CAST_ID_BYTES, parseJoin } from "../multicast/cast/key-record.ts";
import type { Peer } from "../multicast/cast/peer.ts";
import { CastReceiver } from "../multicast/cast/receiver.ts";
import { CAST_SERVICE, RECORD, reasonRecord } from "../multicast/cast/records.ts";
import { CastSender } from "../multicast/cast/sender.ts";
import { PACKET_SIZES, type SenderOptions } from "../multicast/cast/sender-options.ts";
import type { Scope } from "../multicast/group-address.ts";
import { parseGroup } from "../multicast/group-kind.ts";
import type { GroupHub } from "../multicast/hub.ts";
import { parseTicket, type Ticket } from "../rendezvous/ticket.ts";
import type { AnnouncedCasts } from "./announced-casts.ts";
import type { ConnectOptions } from "./call-options.ts";
import { contentPort, delivered, readRecords, streamLink, targetPort } from "./cast-ports.ts";
import { CastRoom } from "./cast-room.ts";
import type { Session } from "./session.ts";
import type { Stream } from "./stream.ts";
import { suitesOf } from "./suites.ts";

const SECRET_BYTES = 16;
/** A block's hash and its signature have to fit one packet. */
const PACKET_BYTES = { least: 160, most: 8972 } as const;
const PROGRESS_MS = 100;

export interface CastsHost {
  readonly hub: GroupHub;
  /** Undefined where the endpoint has no multicast. */
  readonly announced: AnnouncedCasts | undefined;
  readonly capabilities: Capabilities;
  /** Of the groups that are derived from a cast. */
  readonly scope: Scope;
  /** The endpoint's ticket, with these fields besides. */
  ticket(extra: Pick<Ticket, "castId" | "castSecret">): string;
  connect(target: Ticket, options: ConnectOptions): Promise<Session>;
}

type CastTicket = Ticket & { readonly castId: Uint8Array };

interface Wanted {
  readonly castId: Uint8Array;
  readonly sender: Uint8Array;
  readonly secret: Uint8Array | undefined;
}

export class Casts {
  readonly #host: CastsHost;
  readonly #sending = new Map<string, CastSender>();

  constructor(host: CastsHost) {
    this.#host = host;
  }

  cast(content: CastContent, options: CastOptions = {}): Casting {
    const { hub } = this.#host;
    const { primitives } = hub;
    options.signal?.throwIfAborted();
    const castId = primitives.randomBytes(CAST_ID_BYTES);
    const name = toHex(castId);
    const secret =
      (options.admit ?? "secret") === "secret" ? primitives.randomBytes(SECRET_BYTES) : undefined;
    const report = deferred<CastReport>();
    const settings = this.#settings(castId, secret, options);
    let stopListening: (() => void) | undefined;
    let unannounce: (() => void) | undefined;
    const sender = new CastSender(hub, contentPort(content), settings, (done, error) => {
      this.#sending.delete(name);
      unannounce?.();
      stopListening?.();
      if (done === undefined) report.reject(error);
      else report.resolve(done);
    });
    this.#sending.set(name, sender);
    const isAnnounced = (options.announce ?? true) && secret === undefined;
    if (isAnnounced) unannounce = this.#host.announced?.announce(castId);
    stopListening = onAbort(options.signal, () => sender.fail(options.signal?.reason));
    const close = async () => {
      sender.stop();
      await report.promise.catch(() => undefined);
    };
    const castSecret = secret === undefined ? {} : { castSecret: secret };
    return {
      ticket: this.#host.ticket({ castId, ...castSecret }),
      progress: () => sender.progress(),
      receivers: () => sender.receivers(),
      done: report.promise,
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  async receive(
    from: string | AnnouncedCast,
    target: CastTarget,
    options: ReceiveCastOptions = {},
  ): Promise<CastReceipt> {
    const { signal, timeoutMs } = options;
    const connecting = {
      ...(signal === undefined ? {} : { signal }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
    const isAnnounced = Object(from).castId instanceof Uint8Array;
    if (typeof from !== "string" && !isAnnounced)
      throw new TypeError("receiveCast takes a cast's ticket, or one that endpoint.casts() yields");
    const ticket = typeof from === "string" ? readCastTicket(from) : undefined;
    const wanted = ticket ?? announcedTicket(from as AnnouncedCast);
    const { castId } = wanted;
    const session = await this.#host.connect(wanted, connecting);
    const stream = await session.openStream({
      service: CAST_SERVICE,
      ...(signal === undefined ? {} : { signal }),
    });
    const secret = ticket?.castSecret;
    return this.#receive(stream, { castId, sender: session.peer.key, secret }, target, options);
  }

  /** A stream of service `cast/1` that a peer opened. */
  serve(session: Session, stream: Stream): void {
    let joined: { readonly sender: CastSender; readonly peer: Peer } | undefined;
    const received = (type: number, body: Uint8Array) => {
      joined ??= this.#find(session, stream, type, body);
      joined?.sender.receive(joined.peer, type, body);
    };
    readRecords(stream, received, (error) => {
      const isClosed = error instanceof Mp2pError && error.code === "MP2P_CLOSED";
      joined?.sender.left(joined.peer, isClosed);
      if (stream.writable) stream.end();
    });
  }

  /** Ends all casts: their receivers are told. */
  close(): void {
    for (const sender of [...this.#sending.values()]) sender.stop();
  }

  #find(session: Session, stream: Stream, type: number, body: Uint8Array) {
    const join = type === RECORD.JOIN ? parseJoin(body) : undefined;
    const sender = join === undefined ? undefined : this.#sending.get(toHex(join.castId));
    const link = streamLink(stream);
    if (sender !== undefined) return { sender, peer: sender.join(session.peer.key, link) };
    const why = "there is no such cast here, or it is over";
    link.send(reasonRecord(RECORD.ABORT, { code: "MP2P_REFUSED", why }));
    link.close();
    return undefined;
  }

  #settings(castId: Uint8Array, secret: Uint8Array | undefined, cast: CastOptions): SenderOptions {
    const { packetBytes, admit } = cast;
    const { least, most } = PACKET_BYTES;
    const isFit = packetBytes === undefined || (packetBytes >= least && packetBytes <= most);
    if (!isFit || (packetBytes ?? 0) % 2 !== 0) {
      throw new RangeError(
        `packets of a cast have 160 to 8,972 bytes, an even number: ${packetBytes}`,
      );
    }
    const [suite] = suitesOf(this.#host.capabilities);
    return {
      cast,
      castId,
      secret,
      packetSizes: packetBytes === undefined ? PACKET_SIZES : [packetBytes],
      suite: suite as Suite,
      groups: this.#groups(castId, cast.group),
      admits: (key, done) => {
        if (admit === undefined || typeof admit === "string") return done(true);
        const ask = async () => (typeof admit === "function" ? admit(key) : admit.some(is(key)));
        ask().then(done, () => done(false));
      },
    };
  }

  #groups(castId: Uint8Array, chosen: string | undefined): readonly string[] {
    const { hub, scope } = this.#host;
    if (chosen !== undefined) {
      const group = parseGroup(chosen);
      if (group === undefined) throw new TypeError(`not a multicast group: ${chosen}`);
      return [group.address];
    }
    return castGroups(hub.key, castId, scope, (data) => hub.primitives.sha512(data));
  }

  async #receive(
    stream: Stream,
    { castId, sender, secret }: Wanted,
    target: CastTarget,
    { signal, onProgress }: ReceiveCastOptions,
  ): Promise<CastReceipt> {
    const receipt = deferred<CastReceipt>();
    const settings = {
      castId,
      sender,
      ...(secret === undefined ? {} : { secret }),
      suites: suitesOf(this.#host.capabilities),
      random: Math.random,
    };
    const ended = (done: CastReceipt | undefined, error: unknown) => {
      if (done === undefined) receipt.reject(error);
      else receipt.resolve(done);
    };
    const room = new CastRoom(() => engine.queuedBytes);
    const port = targetPort(target, () => room.written());
    const engine = new CastReceiver(this.#host.hub, streamLink(stream), port, settings, ended);
    const gone = (error: unknown) =>
      engine.lost(error ?? new Mp2pError("MP2P_CLOSED", "the sender ended the connection"));
    const receive = (type: number, body: Uint8Array) => engine.receive(type, body);
    readRecords(stream, receive, gone, () => room.wait());
    const show = async () => onProgress?.(engine.progress());
    // What the program's callback throws ends the cast here, not the process.
    const timer = setInterval(() => void show().catch(receipt.reject), PROGRESS_MS);
    timer.unref();
    try {
      return await abortable(receipt.promise, signal);
    } catch (error) {
      engine.decline(error);
      await delivered(stream);
      throw error;
    } finally {
      clearInterval(timer);
      onProgress?.(engine.progress());
    }
  }
}

function is(key: Uint8Array): (other: Uint8Array) => boolean {
  return (other) => equalBytes(key, other);
}

function announcedTicket({ addresses, ...cast }: AnnouncedCast): CastTicket {
  return { ...cast, candidates: addresses };
}

function readCastTicket(text: string): CastTicket {
  const ticket = parseTicket(text);
  const { castId } = ticket;
  if (castId !== undefined) return { ...ticket, castId };
  throw new Mp2pError("MP2P_TICKET_INVALID", "this ticket is not one of a cast", {
    hint: "use it with `mp2p receive` or `mp2p connect`, whichever its sender means",
  });
}
