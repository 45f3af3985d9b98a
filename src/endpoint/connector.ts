/** Reaches a peer for whoever asked: dials what its ticket says and what is known and heard of it besides. */

import { abortable } from "../base/abort.ts";
import { parseAddress } from "../base/address.ts";
import { deferred } from "../base/deferred.ts";
import { Mp2pError } from "../base/errors.ts";
import { GROUP_PORT } from "../multicast/group-address.ts";
import type { Ticket } from "../rendezvous/ticket.ts";
import type { EndpointCore } from "./core.ts";
import type { DialTarget } from "./dialer.ts";
import type { Driver } from "./driver.ts";
import type { EndpointGroups } from "./endpoint-groups.ts";
import { HintAllowance } from "./hint-allowance.ts";
import { TOKEN_SERVICE } from "./service.ts";
import type { Session } from "./session.ts";
import type { SessionRecord } from "./session-record.ts";
import { explained } from "./unreachable.ts";

export class Connector {
  readonly #core: EndpointCore;
  readonly #driver: Driver;
  readonly #groups: EndpointGroups | undefined;

  constructor(core: EndpointCore, driver: Driver, groups: EndpointGroups | undefined) {
    this.#core = core;
    this.#driver = driver;
    this.#groups = groups;
  }

  async dial(ticket: Ticket, timeoutMs: number, signal?: AbortSignal): Promise<SessionRecord> {
    const result = deferred<SessionRecord>();
    const done = (outcome: SessionRecord | Mp2pError) => {
      if (outcome instanceof Mp2pError) result.reject(outcome);
      else result.resolve(outcome);
    };
    const giveUp = this.#core.dial(this.#target(ticket, timeoutMs), done, this.#driver.now());
    const stopListening = this.#listenFor(ticket.key);
    this.#driver.flush();
    try {
      return await abortable(result.promise, signal);
    } catch (error) {
      giveUp();
      throw explained(error, this.#groups?.info);
    } finally {
      stopListening();
    }
  }

  #target(ticket: Ticket, timeoutMs: number): Omit<DialTarget, "epoch" | "groups"> {
    const { key, instance, candidates, groups = [] } = ticket;
    const met = this.#core.acquaintances.find(key);
    const seen = this.#groups?.discovery.known(key);
    const staticKey = met?.staticKey ?? seen?.staticKey;
    return {
      key,
      ...(instance === undefined ? {} : { instance }),
      ...(staticKey === undefined ? {} : { staticKey }),
      addresses: [...candidates, ...(met?.addresses ?? []), ...(seen?.addresses ?? [])],
      namedGroups: [...groups, ...(seen?.groups ?? [])].filter(isOnOurPort),
      timeoutMs,
    };
  }

  /** What the network says of this key joins the attempt. */
  #listenFor(key: Uint8Array): () => void {
    const allowance = new HintAllowance();
    const stop = this.#groups?.discovery.search(key, ({ addresses }) =>
      this.#core.addCandidates(key, allowance.take(addresses, this.#driver.now())),
    );
    return stop ?? (() => undefined);
  }
}

/** Groups are received on one port, and so are the answers that come by them. */
function isOnOurPort(group: string): boolean {
  return parseAddress(group)?.port === GROUP_PORT;
}

/** Shows the token of an offer ticket: a short stream the peer's endpoint reads itself. */
export async function presentToken(
  session: Session,
  token: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const options = { service: TOKEN_SERVICE, unidirectional: true, priority: 0 };
  const stream = await session.openStream(signal === undefined ? options : { ...options, signal });
  stream.on("error", () => undefined);
  stream.end(token);
}
