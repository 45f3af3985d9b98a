import type { Suite } from "../../backend/port.ts";
import type { CastOptions } from "./contract.ts";

/** UDP payloads of packets, tried from the largest: Ethernet, tunnels of usual sizes, the least of IPv6. */
export const PACKET_SIZES: readonly number[] = [1452, 1412, 1372, 1352, 1312, 1272, 1232];

export interface SenderOptions {
  readonly cast: CastOptions;
  readonly castId: Uint8Array;
  readonly secret: Uint8Array | undefined;
  readonly groups: readonly string[];
  readonly suite: Suite;
  /** UDP payloads to try, descending and even. */
  readonly packetSizes: readonly number[];
  admits(key: Uint8Array, done: (admitted: boolean) => void): void;
}
