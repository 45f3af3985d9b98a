import type { ReceiverStatus } from "../../src/index.ts";

/** One receiver of a cast as its sender sees it. @param seed - its key is 32 bytes of it */
export function castReceiver(seed: number, changes: Partial<ReceiverStatus> = {}): ReceiverStatus {
  return {
    key: new Uint8Array(32).fill(seed),
    state: "receiving",
    bytes: 0,
    seconds: 0,
    lossRate: 0,
    path: "multicast",
    why: undefined,
    absence: undefined,
    ...changes,
  };
}
