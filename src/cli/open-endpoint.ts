import { networkInterfaces } from "node:os";
import { Endpoint, type EndpointOptions, Identity } from "../index.ts";
import type { Context } from "./context.ts";
import type { NetworkOptions } from "./options.ts";

/** Options of the command line as those of an endpoint. */
export function networkOf(options: NetworkOptions): Pick<EndpointOptions, "bind" | "discovery"> {
  const { bind, discovery: mode, scope, group: groups, interface: interfaces } = options;
  const discovery = {
    ...(mode && { mode }),
    ...(scope && { scope }),
    ...(groups && { groups }),
    ...(interfaces && { interfaces }),
  };
  return { ...(bind && { bind }), discovery };
}

/** The endpoint of this user, on the addresses asked for. */
export async function openEndpoint(
  options: Omit<EndpointOptions, "identity">,
  { reporter, signal }: Context,
): Promise<Endpoint> {
  const identity = await Identity.load();
  signal.throwIfAborted();
  const endpoint = await Endpoint.open({ identity, ...options });
  const { name, note } = endpoint.backend;
  reporter.detail(`backend: ${name}${note === undefined ? "" : ` (${note})`}`);
  const { missing = [] } = endpoint.multicast ?? {};
  if (missing.length > 0) {
    const there = Object.keys(networkInterfaces()).join(", ");
    const message = `no interface here is called ${missing.join(" or ")}: there are ${there}`;
    reporter.emit({
      t: "warning",
      message,
      hint: "check --interface; one that comes later is used then",
    });
  }
  return endpoint;
}
