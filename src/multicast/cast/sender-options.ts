import type { Suite } from "../../backend/port.ts";
import type { CastOptions } from "./contract.ts";

/** UDP payload of a packet that an Ethernet carries in IPv6, with room for a tunnel's header. */
export const DEFAULT_PACKET_BYTES = 1452;

export interface SenderOptions {
  readonly cast: CastOptions;
  readonly castId: Uint8Array;
  readonly secret: Uint8Array | undefined;
  readonly groups: readonly string[];
  readonly suite: Suite;
  /** Even. */
  readonly packetBytes: number;
  admits(key: Uint8Array, done: (admitted: boolean) => void): void;
}
