/** The content of a cast that is in memory, with an empty manifest. */
import type { CastContent } from "../../src/multicast/cast/contract.ts";

export function contentOf(bytes: Uint8Array): CastContent {
  return {
    manifest: new Uint8Array(0),
    bytes: bytes.length,
    read: async (offset, into) => {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}
