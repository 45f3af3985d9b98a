/** How a packet came, and so how its answer goes. */
import { isGroup, scopeOf } from "../path/ladder.ts";

export interface Way {
  /** Where answers go: to the sender, or to the group and the interface that the packet came by. */
  readonly address: string;
  /** Unicast address of the sender; the same unless it spoke to a group. */
  readonly source: string;
}

/** Whom to count against (WIRE item 18): a host, and for one that speaks to a group the interface too. */
export function hostOf({ address, source }: Way): string {
  const host = source.slice(0, source.lastIndexOf(":"));
  return address !== source && isGroup(address) ? `${host} on ${scopeOf(address)}` : host;
}
