/** Multicast in memory: switches that snoop and may forget, and routers between them. */
import { parseAddress } from "../../src/base/address.ts";
import type { Clock } from "./clock.ts";
import type { SimPacket } from "./link.ts";
import type { Random } from "./random.ts";

/** Where a host's interface is plugged in. */
export interface Port {
  readonly interfaceName: string;
  readonly segment: string;
}

export interface Member {
  readonly address: string;
  readonly ports: readonly Port[];
  /** Of packets to groups wider than the link. */
  readonly hopLimit: number;
  /** @param group - as joined, interface included */
  arriveInGroup(from: string, group: string, packet: SimPacket): void;
}

export interface SwitchOptions {
  readonly delayMs: number;
  /** Probability for each receiver apart. */
  readonly loss?: number;
  /** Larger UDP payloads are lost. */
  readonly largestBytes?: number;
  /** The switch has no querier: a membership is forgotten so long after it was reported. */
  readonly forgetsAfterMs?: number;
}

/** A packet this router passes on has lost one hop. */
interface Router {
  readonly between: readonly [string, string];
}

export class Switch {
  options: SwitchOptions;
  /** Whether packets to groups pass from one host to another now. */
  reaches: (from: string, to: string) => boolean = () => true;
  readonly routers: Router[] = [];
  /** Packets to groups, in the order they were sent. */
  readonly seen: { readonly from: string; readonly to: string; readonly packet: SimPacket }[] = [];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #members = new Map<Member, Map<string, number>>();

  constructor(clock: Clock, random: Random, options: SwitchOptions) {
    this.#clock = clock;
    this.#random = random;
    this.options = options;
  }

  /** A report of this membership went out. */
  report(member: Member, group: string): void {
    const groups = this.#members.get(member) ?? new Map<string, number>();
    this.#members.set(member, groups.set(group, this.#clock.now));
  }

  leave(member: Member, group: string): void {
    this.#members.get(member)?.delete(group);
  }

  unplug(member: Member): void {
    this.#members.delete(member);
  }

  /** @param to - group and sending interface */
  send(from: Member, to: string, packet: SimPacket): void {
    this.seen.push({ from: from.address, to, packet });
    const { group, scope, linkOnly } = partsOf(to);
    const start = from.ports.find(({ interfaceName }) => interfaceName === scope)?.segment;
    if (start === undefined) throw new Error(`${from.address} has no interface ${scope}`);
    const segments = this.#flood(start, linkOnly ? 1 : from.hopLimit);
    for (const [member, joined] of this.#members) {
      for (const { interfaceName, segment } of member.ports) {
        if (!segments.has(segment)) continue;
        const address = group.replace("%", `%${interfaceName}`);
        const at = joined.get(address);
        if (at !== undefined) this.#deliver(from, member, address, at, packet);
      }
    }
  }

  #deliver(from: Member, to: Member, group: string, joinedAt: number, packet: SimPacket): void {
    const { delayMs, loss = 0, largestBytes = Infinity, forgetsAfterMs = Infinity } = this.options;
    if (from === to) {
      this.#clock.after(0, () => to.arriveInGroup(from.address, group, packet));
      return;
    }
    if (this.#clock.now - joinedAt > forgetsAfterMs || packet.size > largestBytes) return;
    if (!this.reaches(from.address, to.address) || this.#random.chance(loss)) return;
    this.#clock.after(delayMs, () => to.arriveInGroup(from.address, group, packet));
  }

  /** Segments that a packet gets to. */
  #flood(start: string, hops: number): Set<string> {
    const reached = new Set([start]);
    for (let left = hops; left > 1; left--) {
      const before = new Set(reached);
      for (const { between } of this.routers) {
        if (between.some((segment) => before.has(segment)))
          for (const segment of between) reached.add(segment);
      }
    }
    return reached;
  }
}

/** `group` has an empty place where the interface was: `"[ff12::1%]:6727"`. */
function partsOf(to: string): { group: string; scope: string; linkOnly: boolean } {
  const address = parseAddress(to);
  if (address?.scope === undefined) throw new Error(`${to} names no interface`);
  const linkOnly = address.family === 6 && ((address.bytes[1] as number) & 15) <= 2;
  return { group: to.replace(`%${address.scope}`, "%"), scope: address.scope, linkOnly };
}
