import process from "node:process";
import { loadPrimitives } from "./fallback/primitives.ts";
import { openFallbackSocket } from "./fallback/socket.ts";
import type { Backend } from "./port.ts";

/** Where libuv cannot join for one source. */
const WITHOUT_SOURCES: ReadonlySet<string> = new Set(["android", "netbsd", "openbsd"]);

/**
 * The backend without a native addon: `node:dgram`, libsodium and hash-wasm. Speaks the same bytes,
 * one packet a call, on the JavaScript thread; offers no AES.
 */
export async function loadFallback(): Promise<Backend> {
  const { heap, primitives } = await loadPrimitives();
  return {
    name: "fallback",
    capabilities: {
      gsoSegments: 1,
      gro: false,
      aes: false,
      packetInfo: false,
      ecn: false,
      receiveThread: false,
      multicast: true,
      sourceSpecific: !WITHOUT_SOURCES.has(process.platform),
      multicastAll: false,
    },
    primitives,
    openSocket: (options) => openFallbackSocket(options, heap, primitives),
  };
}
