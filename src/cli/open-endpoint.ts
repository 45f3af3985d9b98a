import { Endpoint, type EndpointOptions, Identity } from "../index.ts";
import type { Context } from "./context.ts";

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
  return endpoint;
}
