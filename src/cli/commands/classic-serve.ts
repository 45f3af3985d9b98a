import { once } from "node:events";
import { Identity, serveClassic } from "../../index.ts";
import type { Context } from "../context.ts";
import type { ClassicServeOptions } from "./classic.ts";
import { keyFromHex } from "./classic-key.ts";

/** `mp2p classic serve`: until a signal ends it. */
export async function classicServe(options: ClassicServeOptions, context: Context): Promise<void> {
  const { reporter, signal } = context;
  const { port, reply, ipv4, prefix, allow: texts } = options;
  const allowed = texts?.map((text) => keyFromHex(text).toString("hex"));
  const answer = reply === undefined ? undefined : new TextEncoder().encode(reply);
  await using server = await serveClassic({
    identity: await Identity.load(),
    interface: options.interface,
    port,
    ...((ipv4 || prefix) && { addresses: ipv4 ? "ipv4" : "ipv6-prefix" }),
    ...(allowed && { allow: (key) => allowed.includes(Buffer.from(key).toString("hex")) }),
    usesIdentityKey: options.classicSameKey === true,
    answer({ peer, text }) {
      const heard = new TextDecoder().decode(text);
      reporter.emit({ t: "message", peer: Buffer.from(peer).toString("hex"), text: heard });
      return answer ?? text;
    },
  });
  const { address: group, key } = server;
  const address = group.slice(0, group.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  const addresses = [group];
  reporter.emit({ t: "ready", key: Buffer.from(key).toString("hex"), address, port, addresses });
  if (!signal.aborted) await once(signal, "abort");
  reporter.detail(`not taken: ${JSON.stringify(server.drops())}`);
  signal.throwIfAborted();
}
