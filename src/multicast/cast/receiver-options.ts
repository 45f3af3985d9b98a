/** What is to be known before a cast is received. */

export interface ReceiverOptions {
  readonly castId: Uint8Array;
  /** The sender's key. */
  readonly sender: Uint8Array;
  readonly secret?: Uint8Array;
  readonly suites: readonly number[];
  /** 0 to 1. */
  readonly random: () => number;
}
