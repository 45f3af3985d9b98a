import { setTimeout as delay } from "node:timers/promises";
import { type Endpoint, Mp2pError } from "../../index.ts";
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
  const trouble = known.size > 0 ? undefined : groupTrouble(endpoint);
  if (trouble !== undefined) throw trouble;
  reporter.emit({ t: "done", peers: known.size });
}

/** Where nobody can be found at all, "nobody" would be a lie; where multicast may pass, it is not. */
function groupTrouble({ multicast }: Endpoint): Mp2pError | undefined {
  if (multicast?.isCutOff !== true || multicast.trouble === undefined) return undefined;
  return new Mp2pError("MP2P_NO_MULTICAST", "no other device can be heard here", {
    hint: multicast.trouble,
  });
}
