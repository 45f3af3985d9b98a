/** Why datagrams were not taken, and how many. */

export type Drop =
  /** None of the three messages, to the byte. */
  | "malformed"
  /** A declared address that nobody should be sent to. */
  | "address"
  /** An initiation for somebody else. */
  | "destination"
  | "notAllowed"
  /** An initiation from where no address was declared. */
  | "undeclared"
  | "signature"
  /** An X25519 key of low order. */
  | "weakKey"
  /** A session id in use. */
  | "taken"
  /** More than the budget of strangers allows. */
  | "busy"
  | "unknownSession"
  | "forged"
  /** Our own message sent back to us. */
  | "reflected"
  /** The same message again; its answer may be said again, but it is not heard again. */
  | "repeated"
  /** A key with as many messages as it may have. */
  | "worn"
  /** An answer to nothing that was asked. */
  | "unasked";

export class DropCounts {
  readonly #counts = new Map<Drop, number>();

  count(reason: Drop): void {
    this.#counts.set(reason, this.of(reason) + 1);
  }

  of(reason: Drop): number {
    return this.#counts.get(reason) ?? 0;
  }

  toJSON(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
