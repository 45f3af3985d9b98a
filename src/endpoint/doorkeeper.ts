/**
 * Lets sessions in that others opened: at once, once their key is found allowed, or once they show
 * the token of an offer ticket. The rest get a session that only says why not.
 */
import { type Admission, TOKEN_BYTES } from "./admission.ts";
import type { Driver } from "./driver.ts";
import type { Session } from "./session.ts";
import type { Stream } from "./stream.ts";

/** How long a peer whose key is not allowed has to show a token. */
const TOKEN_WAIT_MS = 5000;

export class Doorkeeper {
  readonly #admission: Admission;
  readonly #driver: Driver;
  readonly #admitted: (session: Session) => void;
  /** Sessions that have yet to show a token, and how to stop waiting for it. */
  readonly #waiting = new Map<Session, () => void>();

  constructor(admission: Admission, driver: Driver, admitted: (session: Session) => void) {
    this.#admission = admission;
    this.#driver = driver;
    this.#admitted = admitted;
  }

  async knock(session: Session): Promise<void> {
    const { key } = session.peer;
    if (this.#admission.open) this.#admitted(session);
    // It may show its token while the program is asked.
    else if ((await this.#admission.allows(key)) || this.#admission.redeemedBy(key))
      this.#admitted(session);
    else if (!this.#admission.hasOffers(this.#driver.unixMs())) this.#refuse(session);
    else {
      const stop = this.#driver.after(TOKEN_WAIT_MS, () => this.#refuse(session));
      this.#waiting.set(session, stop);
    }
  }

  /** Reads a token; it counts once, for the key that shows it first. */
  async redeem(session: Session, stream: Stream): Promise<void> {
    let token: Uint8Array = new Uint8Array(0);
    for await (const chunk of stream) {
      token = Buffer.concat([token, chunk as Buffer]);
      if (token.length > TOKEN_BYTES) break;
    }
    const waits = this.#waiting.has(session);
    this.forget(session);
    if (this.#admission.redeem(token, session.peer.key, this.#driver.unixMs())) {
      session.admittedByOffer();
      if (waits) this.#admitted(session);
    } else if (waits) this.#refuse(session);
  }

  forget(session: Session): void {
    this.#waiting.get(session)?.();
    this.#waiting.delete(session);
  }

  #refuse(session: Session): void {
    this.#waiting.delete(session);
    session.refuse();
  }
}
