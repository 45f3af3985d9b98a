/** How a packet came, and so how its answer goes. */
import { type ReceiveBatch, ROW } from "../backend/port.ts";
import { isGroup, scopeOf } from "../path/ladder.ts";

export interface Way {
  /** Where answers go: to the sender, or to the group and the interface that the packet came by. */
  readonly address: string;
  /** Unicast address of the sender; the same unless it spoke to a group. */
  readonly source: string;
}

/**
 * @param paths - and groups, by the numbers that rows name them with
 * @returns undefined for a path or a group that was given up while the batch waited: network loss
 */
export function wayOf(
  { rows, strangers }: ReceiveBatch,
  at: number,
  paths: { address(id: number): string | undefined },
  groups: { addressOf(membership: number): string | undefined } | undefined,
): Way | undefined {
  const path = rows[at + ROW.path] as number;
  const source = path < 0 ? strangers[-1 - path] : paths.address(path);
  const membership = rows[at + ROW.group] as number;
  const address = membership === 0 ? source : groups?.addressOf(membership);
  return source === undefined || address === undefined ? undefined : { source, address };
}

/** Whom to count against (WIRE item 18): a host, and for one that speaks to a group the interface too. */
export function hostOf({ address, source }: Way): string {
  const host = source.slice(0, source.lastIndexOf(":"));
  return address !== source && isGroup(address) ? `${host} on ${scopeOf(address)}` : host;
}
