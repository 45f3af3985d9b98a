/**
 * Which groups are joined on which interfaces, for how long, and again when: interfaces come and go,
 * addresses change, switches forget. Sans-IO: interfaces and time are arguments.
 */
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import { viewOf } from "../base/bytes.ts";
import type { Mp2pError } from "../base/errors.ts";
import { type MembershipPort, Seat } from "./membership-seat.ts";
import { type NetworkInterface, speaks, stateOf } from "./network-interface.ts";

const MAX_INTERFACES = 64;
/** Switches without a querier forget a member 260 s after its last report (2 * 125 + 10, RFC 3376 section 8). */
const REFRESH_MS = 125_000;
/** Clocks are not that exact: a refresh that is due again so soon was just done. */
const REFRESH_SLACK_MS = 1000;
/** A socket holds 1,024 memberships: so many numbers rest at least. */
const MAX_ARRIVALS = 4096;

/** A group somebody wants joined. */
export interface Kept {
  /** Interfaces it is joined on, those that something was heard on before others. */
  interfaces(): readonly string[];
  /** Why an interface refuses it, where none takes it. */
  refusal(): Mp2pError | undefined;
  /** Nothing is heard where something should be. */
  silent(now: number): void;
  leave(): void;
}

export interface Arrival {
  /** `"[ff12::8000:1]:6727"`. */
  readonly group: string;
  readonly interfaceName: string;
}

export interface Place {
  readonly interfaceName: string;
  readonly family: 4 | 6;
}

export interface Refusal {
  readonly interfaceName: string;
  readonly group: string;
  readonly error: Mp2pError;
}

interface Want {
  readonly name: string;
  readonly text: string;
  readonly group: Address;
  readonly source: string | undefined;
  readonly seats: Map<string, Seat>;
  holders: number;
}

export class Membership {
  readonly #port: MembershipPort;
  readonly #unixMs: () => number;
  readonly #wants = new Map<string, Want>();
  /** Those that were left stay until their number is used anew: rows that wait to be read name them. */
  readonly #arrivals = new Map<number, Arrival & { readonly seat: Seat }>();
  #interfaces: readonly NetworkInterface[] = [];
  #nextAt: number = Number.POSITIVE_INFINITY;

  /** @param unixMs - the wall clock, which all endpoints of this machine share */
  constructor(port: MembershipPort, unixMs: () => number) {
    this.#port = port;
    this.#unixMs = unixMs;
  }

  /** @throws {RangeError} for anything but a group with a port and without an interface */
  keep(text: string, source: string | undefined, now: number): Kept {
    const group = parseAddress(text);
    if (group === undefined || group.scope !== undefined)
      throw new RangeError(`not a group with a port: ${JSON.stringify(text)}`);
    const name = nameOf(text, source);
    let want = this.#wants.get(name);
    if (want === undefined) {
      want = { name, text, group, source, seats: new Map(), holders: 0 };
      this.#wants.set(name, want);
      for (const each of this.#interfaces) this.#seat(want, each, now);
    }
    want.holders++;
    return this.#hold(want);
  }

  /** The interfaces there are now. One that changed is left and joined: its network may be another. */
  update(interfaces: readonly NetworkInterface[], now: number): void {
    const before = new Map(this.#interfaces.map((each) => [each.name, each]));
    this.#interfaces = interfaces.slice(0, MAX_INTERFACES);
    const unchanged = (family: 4 | 6) =>
      this.#interfaces.filter((each) => {
        const was = before.get(each.name);
        return was !== undefined && stateOf(was, family) === stateOf(each, family);
      });
    const same = { 4: namesOf(unchanged(4)), 6: namesOf(unchanged(6)) };
    for (const want of this.#wants.values()) this.#reseat(want, same[want.group.family], now);
  }

  nextAt(): number {
    return this.#nextAt;
  }

  run(now: number): void {
    if (now < this.#nextAt) return;
    this.#nextAt = Number.POSITIVE_INFINITY;
    for (const want of this.#wants.values()) {
      for (const seat of want.seats.values()) {
        if (seat.dueAt <= now) seat.run(now);
        this.#settle(want, seat);
      }
    }
  }

  /** Where a row of this ROW.group came in. */
  arrival(number: number): Arrival | undefined {
    return this.#arrivals.get(number);
  }

  /** Names of interfaces that take groups, of one family where one is named. */
  usable(family?: 4 | 6): readonly string[] {
    const families = family === undefined ? ([4, 6] as const) : [family];
    const names = this.#interfaces.filter((each) =>
      families.some((one) => speaks(each, one) && !this.#refuses(each.name, one)),
    );
    return names.map(({ name }) => name);
  }

  /** Whether a membership has heard nothing for a while, so that `heard` is worth a call. */
  isQuiet(number: number, now: number): boolean {
    return this.#arrivals.get(number)?.seat.isQuiet(now) === true;
  }

  /** Something came in by a membership, from another machine. */
  heard(number: number, now: number): void {
    this.#arrivals.get(number)?.seat.heard(now);
  }

  /** What this machine itself sent came in by a membership. */
  echoed(number: number): void {
    this.#arrivals.get(number)?.seat.echoed();
  }

  /** Something was sent to a group by an interface: it is to come back where we are in it. */
  sent(text: string, interfaceName: string, now: number): void {
    this.#wants.get(nameOf(text, undefined))?.seats.get(interfaceName)?.sent(now);
  }

  /** Interfaces and families by which not even our own packets to groups come in; loopback aside. */
  deaf(now: number): readonly Place[] {
    return this.#outward().filter((place) => this.#isDeaf(place, now));
  }

  /** Interfaces and families by which groups of other machines may come in. */
  hearing(now: number): readonly Place[] {
    return this.#outward().filter((place) => !this.#isDeaf(place, now));
  }

  #outward(): readonly Place[] {
    const outward = this.#interfaces.filter(({ isLoopback }) => !isLoopback);
    return ([4, 6] as const).flatMap((family) =>
      outward
        .filter((each) => speaks(each, family) && !this.#refuses(each.name, family))
        .map(({ name }) => ({ interfaceName: name, family })),
    );
  }

  #isDeaf({ interfaceName, family }: Place, now: number): boolean {
    return [...this.#wants.values()].some(
      ({ group, seats }) =>
        group.family === family && seats.get(interfaceName)?.isDeaf(now) === true,
    );
  }

  /** Interfaces that refuse groups now, each once. */
  refusals(): readonly Refusal[] {
    const refusals = new Map<string, Refusal>();
    for (const { text, seats } of this.#wants.values()) {
      for (const { place, refusal: error } of seats.values()) {
        if (error === undefined) continue;
        const { interfaceName } = place;
        const name = `${interfaceName} ${error.message}`;
        if (!refusals.has(name)) refusals.set(name, { interfaceName, group: text, error });
      }
    }
    return [...refusals.values()];
  }

  #refuses(interfaceName: string, family: 4 | 6): boolean {
    let isRefused = false;
    for (const { group, seats } of this.#wants.values()) {
      const seat = group.family === family ? seats.get(interfaceName) : undefined;
      if (seat?.isTaken) return false;
      isRefused ||= seat !== undefined;
    }
    return isRefused;
  }

  #hold(want: Want): Kept {
    let isHeld = true;
    return {
      interfaces: () => {
        const joined = [...want.seats.values()].filter(({ isTaken }) => isTaken);
        joined.sort((a, b) => Number(a.isSecondChoice) - Number(b.isSecondChoice));
        return joined.map(({ place }) => place.interfaceName);
      },
      refusal: () => [...want.seats.values()].find(({ refusal }) => refusal)?.refusal,
      silent: (now) => {
        for (const seat of want.seats.values()) {
          seat.silent(now);
          this.#settle(want, seat);
        }
      },
      leave: () => {
        if (!isHeld) return;
        isHeld = false;
        if (--want.holders > 0) return;
        this.#wants.delete(want.name);
        for (const seat of want.seats.values()) this.#vacate(want, seat);
      },
    };
  }

  #reseat(want: Want, same: ReadonlySet<string>, now: number): void {
    for (const seat of [...want.seats.values()])
      if (!same.has(seat.place.interfaceName)) this.#vacate(want, seat);
    for (const each of this.#interfaces)
      if (!want.seats.has(each.name)) this.#seat(want, each, now);
  }

  #seat(want: Want, each: NetworkInterface, now: number): void {
    const { group, source, seats } = want;
    if (!speaks(each, group.family)) return;
    const seat = new Seat(this.#port, {
      address: formatAddress({ ...group, scope: each.name }),
      interfaceName: each.name,
      source,
      refreshAt: (at) => this.#refreshAt(group, at),
      believedMs: REFRESH_MS / 2,
    });
    seats.set(each.name, seat);
    seat.join(now);
    this.#settle(want, seat);
  }

  #vacate(want: Want, seat: Seat): void {
    seat.leave();
    want.seats.delete(seat.place.interfaceName);
  }

  /** Each group has a time of its own within the period, which all endpoints of this machine know. */
  #refreshAt({ bytes }: Address, now: number): number {
    const phase = (viewOf(bytes).getUint16(bytes.length - 2) / 65_536) * REFRESH_MS;
    const left = REFRESH_MS - ((this.#unixMs() - phase) % REFRESH_MS);
    return now + (left < REFRESH_SLACK_MS ? left + REFRESH_MS : left);
  }

  /** A seat may have another number now, and another time. */
  #settle({ text }: Want, seat: Seat): void {
    const { number, place } = seat;
    if (number !== 0 && this.#arrivals.get(number)?.seat !== seat) {
      // Behind the others, which go first where there are too many.
      this.#arrivals.delete(number);
      this.#arrivals.set(number, { group: text, interfaceName: place.interfaceName, seat });
      if (this.#arrivals.size > MAX_ARRIVALS) this.#forgetOldest();
    }
    this.#nextAt = Math.min(this.#nextAt, seat.dueAt);
  }

  #forgetOldest(): void {
    for (const [number, { seat }] of this.#arrivals) {
      if (this.#arrivals.size <= MAX_ARRIVALS / 2) return;
      if (seat.number !== number) this.#arrivals.delete(number);
    }
  }
}

function nameOf(text: string, source: string | undefined): string {
  return `${text} ${source ?? ""}`;
}

function namesOf(interfaces: readonly NetworkInterface[]): ReadonlySet<string> {
  return new Set(interfaces.map(({ name }) => name));
}
