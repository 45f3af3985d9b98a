/** What the endpoint's service needs of a group; `Group` is the one that programs see. */
import type { GroupEngine } from "../multicast/group/engine.ts";
import type { Party } from "../multicast/group/proof.ts";

export interface OpenGroup {
  /** 32 bytes. */
  readonly id: Uint8Array;
  readonly engine: GroupEngine;
  /** Whether the program lets this key in. Never throws. */
  allows(key: Uint8Array): Promise<boolean>;
  close(): Promise<void>;
}

/** A conversation that we asked a peer for. */
export interface Invitation {
  readonly peer: Party;
  /** The conversation we began is over; never where the peer had begun one before. */
  readonly over: Promise<void>;
}
