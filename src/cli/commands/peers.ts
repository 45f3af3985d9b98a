import { setTimeout as delay } from "node:timers/promises";
import { trustedKeys } from "../contacts.ts";
import type { Context } from "../context.ts";
import { networkOf, openEndpoint } from "../open-endpoint.ts";
import type { PeersOptions } from "../options.ts";

/** `mp2p peers --nearby`: endpoints that let themselves be known on the local network. */
export async function peers(options: PeersOptions, context: Context): Promise<void> {
  const { reporter, signal } = context;
  await using endpoint = await openEndpoint(
    { services: [], allow: [], ...networkOf(options) },
    context,
  );
  const enough = new AbortController();
  const found = endpoint.nearby({
    contacts: await trustedKeys(),
    signal: AbortSignal.any([signal, enough.signal]),
  });
  const timeUp = delay(options.wait, undefined, { signal }).then(
    () => enough.abort(),
    () => undefined,
  );
  const known = new Set<string>();
  for await (const { keyText, instance, addresses, interface: name, trusted } of found) {
    const id = Buffer.from(instance).toString("hex");
    if (known.has(`${keyText}${id}`)) continue;
    known.add(`${keyText}${id}`);
    reporter.emit({
      t: "peer",
      peer: keyText,
      instance: id,
      addresses,
      interface: name,
      trusted,
    });
  }
  await timeUp;
  signal.throwIfAborted();
  reporter.emit({ t: "done", peers: known.size });
}
