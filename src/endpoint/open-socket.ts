/** The socket of an endpoint: both families where there are two, groups where they can be had. */
import type { Backend, DatagramSocket, MulticastOptions } from "../backend/port.ts";
import { GROUP_PORT } from "../multicast/group-address.ts";
import { DEFAULT_BIND, type DiscoveryOptions, hopLimitOf } from "./options.ts";

export interface OpenedSocket {
  readonly socket: DatagramSocket;
  /** Whether groups can be joined with it. */
  readonly hasGroups: boolean;
}

/** @throws {Mp2pError} `MP2P_PORT_IN_USE`, `MP2P_NO_NETWORK`, `MP2P_PERMISSION` or `MP2P_SOCKET` */
export async function openSocket(
  backend: Backend,
  bind: readonly string[] | undefined,
  { mode = "on", scope }: DiscoveryOptions = {},
): Promise<OpenedSocket> {
  const hasGroups = backend.capabilities.multicast && mode !== "off";
  const multicast = hasGroups ? { port: GROUP_PORT, hopLimit: hopLimitOf(scope) } : undefined;
  if (bind !== undefined) return withGroups(backend, bind, multicast);
  try {
    return await withGroups(backend, DEFAULT_BIND, multicast);
  } catch (error) {
    // A machine without IPv6 has no [::]; the other family is tried alone before giving up.
    const [ipv4] = DEFAULT_BIND;
    return withGroups(backend, [ipv4 as string], multicast).catch(() => Promise.reject(error));
  }
}

/** Another program may keep the groups' port to itself: there are other ways to a peer. */
async function withGroups(
  backend: Backend,
  bind: readonly string[],
  multicast: MulticastOptions | undefined,
): Promise<OpenedSocket> {
  if (multicast !== undefined) {
    try {
      return { socket: await backend.openSocket({ bind, multicast }), hasGroups: true };
    } catch {
      // What else is wrong shows without groups too.
    }
  }
  return { socket: await backend.openSocket({ bind }), hasGroups: false };
}
