/** Opens groups on an endpoint, and keeps them until they or it are closed. */
import { onAbort } from "../base/abort.ts";
import { Mp2pError } from "../base/errors.ts";
import { Beacon } from "../multicast/group/beacon.ts";
import { GroupEngine, type GroupEngineHooks } from "../multicast/group/engine.ts";
import { DEFAULT_RATE_BYTES_PER_SECOND } from "../multicast/group/rate.ts";
import { type GroupKeys, groupKeys } from "../multicast/group/terms.ts";
import type { Scope } from "../multicast/group-address.ts";
import type { GroupHub } from "../multicast/hub.ts";
import type { Ticket } from "../rendezvous/ticket.ts";
import { Admission } from "./admission.ts";
import { Group } from "./group.ts";
import { type GroupOptions, groupTerms } from "./group-options.ts";
import { GroupService } from "./group-service.ts";
import type { Session } from "./session.ts";
import type { SessionRecord } from "./session-record.ts";
import type { Stream } from "./stream.ts";

const GROUPS_MAX = 64;
const DIAL_TIMEOUT_MS = 10_000;

export interface OpenGroupsConfig {
  /** Undefined where the endpoint was opened without multicast. */
  readonly hub: GroupHub | undefined;
  /** 8 bytes. */
  readonly instance: Uint8Array;
  /** How far IPv6 groups reach. */
  readonly scope: Scope;
  readonly connect: (
    target: string | Uint8Array | Ticket,
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
  ) => Promise<Session>;
  readonly unixMs: () => number;
  readonly after: (ms: number, call: () => void) => () => void;
}

export class OpenGroups {
  readonly #config: OpenGroupsConfig;
  readonly #service: GroupService;
  #count = 0;

  constructor(config: OpenGroupsConfig) {
    this.#config = config;
    this.#service = new GroupService({
      now: () => config.hub?.now() ?? 0,
      after: config.after,
      reach: ({ key, instance }, address) =>
        config.connect(
          { key, instance, candidates: [address], sameHost: true },
          { timeoutMs: DIAL_TIMEOUT_MS },
        ),
    });
  }

  /** See `Endpoint.openGroup`. */
  open(options: GroupOptions): Group {
    const { hub } = this.#config;
    const terms = groupTerms(options);
    options.signal?.throwIfAborted();
    if (hub === undefined) throw withoutMulticast();
    if (this.#count >= GROUPS_MAX)
      throw new Mp2pError("MP2P_LIMIT", `an endpoint has up to ${GROUPS_MAX} groups open`);
    const keys = groupKeys(hub.primitives, terms);
    const owner = terms.owner.length > 0 ? terms.owner : undefined;
    if (this.#service.has(keys.id))
      throw new Mp2pError("MP2P_USAGE", "this endpoint has this group open already", {
        hint: "use what openGroup returned, or open it on another endpoint",
      });
    return this.#make(hub, keys, owner, options);
  }

  /** Every session of the endpoint comes by here when it is made. */
  opened(session: Session, record: SessionRecord): void {
    this.#service.opened(session, record);
  }

  /** A stream of service `group/1`. */
  accept(session: Session, stream: Stream): void {
    void this.#service.accept(session, stream);
  }

  async close(): Promise<void> {
    await this.#service.close();
  }

  #make(
    hub: GroupHub,
    keys: GroupKeys,
    owner: Uint8Array | undefined,
    options: GroupOptions,
  ): Group {
    const { instance, scope, connect, after, unixMs } = this.#config;
    const { reliable = false, maxRate: rate = DEFAULT_RATE_BYTES_PER_SECOND, signal } = options;
    const service = this.#service;
    const engine = (hooks: GroupEngineHooks) =>
      new GroupEngine({ hub, keys, instance, scope, reliable, rate, owner, hooks });
    const group: Group = Group.make({
      id: keys.id,
      admission: new Admission(options.members),
      engine,
      connect: (target, signal) => connect(target, signal === undefined ? {} : { signal }),
      invite: (to, session) => service.invite(to, session),
      after,
      ended: (closed) => {
        stopListening();
        beacon.close();
        this.#count--;
        return service.delete(closed);
      },
    });
    const stopListening = onAbort(signal, () => void group.close());
    service.add(group);
    this.#count++;
    const beacon = new Beacon(
      {
        hub,
        group: keys.id,
        beaconKey: keys.beacon,
        instance,
        counters: group.engine.counters,
        groups: () => group.engine.groups,
        wants: (peer) => group.engine.wants(peer),
        found: (peer, address) => void service.find(group, peer, address),
      },
      unixMs(),
    );
    return group;
  }
}

export function withoutMulticast(): Mp2pError {
  return new Mp2pError("MP2P_NO_MULTICAST", "discovery is off, or this system has no multicast", {
    hint: 'open the endpoint with discovery mode "on" or "private"',
  });
}
