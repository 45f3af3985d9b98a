import { callClassic, Identity } from "../../index.ts";
import type { Context } from "../context.ts";
import type { ClassicCallOptions } from "./classic.ts";
import { keyFromHex } from "./classic-key.ts";

/** `mp2p classic call`: one message, one answer. */
export async function classicCall(options: ClassicCallOptions, context: Context): Promise<void> {
  const { reporter, signal } = context;
  const { address, port, key: peer, timeout: timeoutMs } = options;
  const key = keyFromHex(peer);
  const [answer] = await callClassic({
    identity: await Identity.load(),
    interface: options.interface,
    address,
    port,
    key,
    messages: [new TextEncoder().encode(options.text)],
    usesIdentityKey: options.classicSameKey === true,
    timeoutMs,
    signal,
  });
  reporter.emit({ t: "done", peer: key.toString("hex"), text: new TextDecoder().decode(answer) });
}
