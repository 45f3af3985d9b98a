/**
 * Which groups are joined on which interfaces, for how long, and again when: interfaces come and go,
 * addresses change, switches forget. Sans-IO: interfaces and time are arguments.
 */
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import type { Mp2pError } from "../base/errors.ts";
import { type MembershipPort, Seat } from "./membership-seat.ts";
import { addressesOf, type NetworkInterface } from "./network-interface.ts";

const MAX_INTERFACES = 64;
/** Reports that leave at once; the rest of what is due follows after a pause. */
const REPORTS_PER_TURN = 32;
const PAUSE_MS = 100;

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
  readonly #wants = new Map<string, Want>();
  /** Those that were left stay until their number is used anew: rows that wait to be read name them. */
  readonly #arrivals = new Map<number, Arrival & { readonly seat: Seat }>();
  #interfaces: readonly NetworkInterface[] = [];
  #nextAt: number = Number.POSITIVE_INFINITY;

  constructor(port: MembershipPort) {
    this.#port = port;
  }

  /** @throws {RangeError} for anything but a group with a port and without an interface */
  keep(text: string, source: string | undefined, now: number): Kept {
    const group = parseAddress(text);
    if (group === undefined || group.scope !== undefined)
      throw new RangeError(`not a group with a port: ${JSON.stringify(text)}`);
    const name = `${text} ${source ?? ""}`;
    let want = this.#wants.get(name);
    if (want === undefined) {
      want = { name, text, group, source, seats: new Map(), holders: 0 };
      this.#wants.set(name, want);
      for (const each of this.#interfaces) this.#seat(want, each, now);
    }
    want.holders++;
    return this.#hold(want);
  }

  /** The interfaces there are now. One whose addresses changed is left and joined: its network may be another. */
  update(interfaces: readonly NetworkInterface[], now: number): void {
    const before = new Map(this.#interfaces.map((each) => [each.name, each]));
    this.#interfaces = interfaces.slice(0, MAX_INTERFACES);
    const unchanged = (family: 4 | 6) =>
      this.#interfaces.filter((each) => {
        const was = before.get(each.name);
        return was !== undefined && addressesOf(was, family) === addressesOf(each, family);
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
    let reports = 0;
    for (const want of this.#wants.values()) {
      for (const seat of want.seats.values()) {
        if (seat.dueAt <= now && reports < REPORTS_PER_TURN && seat.run(now)) reports++;
        this.#settle(want, seat);
        if (seat.dueAt <= now) this.#nextAt = now + PAUSE_MS;
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
      families.some((one) => addressesOf(each, one) !== "" && !this.#refuses(each.name, one)),
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

  /** Interfaces that refuse groups now, each once. */
  refusals(): readonly Refusal[] {
    const refusals = new Map<string, Refusal>();
    for (const { text, seats } of this.#wants.values()) {
      for (const { interfaceName, refusal } of seats.values()) {
        const error = refusal;
        if (error === undefined) continue;
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
      if (seat?.number) return false;
      isRefused ||= seat !== undefined;
    }
    return isRefused;
  }

  #hold(want: Want): Kept {
    let isHeld = true;
    return {
      interfaces: () => {
        const joined = [...want.seats.values()].filter(({ number }) => number !== 0);
        joined.sort((a, b) => Number(a.isSecondChoice) - Number(b.isSecondChoice));
        return joined.map(({ interfaceName }) => interfaceName);
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
      if (!same.has(seat.interfaceName)) this.#vacate(want, seat);
    for (const each of this.#interfaces)
      if (!want.seats.has(each.name)) this.#seat(want, each, now);
  }

  #seat(want: Want, each: NetworkInterface, now: number): void {
    const { group, source, seats } = want;
    if (addressesOf(each, group.family) === "") return;
    const address = formatAddress({ ...group, scope: each.name });
    const seat = new Seat(this.#port, address, each.name, source);
    seats.set(each.name, seat);
    seat.join(now);
    this.#settle(want, seat);
  }

  #vacate(want: Want, seat: Seat): void {
    seat.leave();
    want.seats.delete(seat.interfaceName);
  }

  /** A seat may have another number now, and another time. */
  #settle({ text }: Want, seat: Seat): void {
    const { number, interfaceName } = seat;
    if (number !== 0 && this.#arrivals.get(number)?.seat !== seat)
      this.#arrivals.set(number, { group: text, interfaceName, seat });
    this.#nextAt = Math.min(this.#nextAt, seat.dueAt);
  }
}

function namesOf(interfaces: readonly NetworkInterface[]): ReadonlySet<string> {
  return new Set(interfaces.map(({ name }) => name));
}
