/** Reaches a peer for whoever asked: dials what its ticket says and what is known of it besides. */
import { deferred } from "../base/deferred.ts";
import { Mp2pError } from "../base/errors.ts";
import type { Ticket } from "../rendezvous/ticket.ts";
import { abortable } from "./abort.ts";
import type { EndpointCore } from "./core.ts";
import type { Driver } from "./driver.ts";
import { TOKEN_SERVICE } from "./service.ts";
import type { Session } from "./session.ts";
import type { SessionRecord } from "./session-record.ts";

export class Connector {
  readonly #core: EndpointCore;
  readonly #driver: Driver;

  constructor(core: EndpointCore, driver: Driver) {
    this.#core = core;
    this.#driver = driver;
  }

  async dial(ticket: Ticket, timeoutMs: number, signal?: AbortSignal): Promise<SessionRecord> {
    const result = deferred<SessionRecord>();
    const met = this.#core.acquaintances.find(ticket.key);
    const target = {
      key: ticket.key,
      ...(ticket.instance === undefined ? {} : { instance: ticket.instance }),
      ...(met === undefined ? {} : { staticKey: met.staticKey }),
      addresses: [...ticket.candidates, ...(met?.addresses ?? [])],
      timeoutMs,
    };
    const done = (outcome: SessionRecord | Mp2pError) => {
      if (outcome instanceof Mp2pError) result.reject(outcome);
      else result.resolve(outcome);
    };
    const giveUp = this.#core.dial(target, done, this.#driver.now());
    this.#driver.flush();
    try {
      return await abortable(result.promise, signal);
    } catch (error) {
      giveUp();
      throw error;
    }
  }
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
