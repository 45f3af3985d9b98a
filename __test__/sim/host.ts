/**
 * A host in virtual time: interfaces that come and go, a kernel that reports memberships to the switch only when
 * the first socket joins, and a switch that forgets. Endpoints' hubs on top are the real ones.
 */
import type { DatagramSocket, Primitives, ReceiveBatch } from "../../src/backend/port.ts";
import { ROW, ROW_PLAIN } from "../../src/backend/port.ts";
import { parseAddress } from "../../src/base/address.ts";
import { Mp2pError } from "../../src/base/errors.ts";
import { EndpointHub } from "../../src/endpoint/group-hub.ts";
import { hostOf, suitableInterfaces } from "../../src/endpoint/interfaces.ts";
import type { PathTable } from "../../src/endpoint/path-table.ts";
import type { SlotNumbers } from "../../src/endpoint/slot-numbers.ts";
import type { NetworkInterface } from "../../src/multicast/network-interface.ts";
import { Identity } from "../../src/noise/identity.ts";
import type { Clock } from "./clock.ts";

const UNIX_MS = 1_700_000_000_000;
const BOUND = ["0.0.0.0:0", "[::]:0"];

/** Ports that packets to a group are forwarded to. Without a querier, for so long after a report. */
export class SnoopingSwitch {
  forgetsAfterMs = 260_000;
  readonly #clock: Clock;
  readonly #reportedAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  report(port: string, group: string): void {
    this.#reportedAt.set(`${port} ${group}`, this.#clock.now);
  }

  left(port: string, group: string): void {
    this.#reportedAt.delete(`${port} ${group}`);
  }

  /** Its memory is lost: of one port where one is named. */
  forget(port?: string): void {
    for (const name of [...this.#reportedAt.keys()])
      if (port === undefined || name.startsWith(`${port} `)) this.#reportedAt.delete(name);
  }

  forwards(port: string, group: string): boolean {
    const at = this.#reportedAt.get(`${port} ${group}`);
    return at !== undefined && this.#clock.now - at < this.forgetsAfterMs;
  }
}

interface Device {
  readonly index: number;
  readonly name: string;
  addresses: readonly string[];
  hasCarrier: boolean;
  carrierChanges: number;
}

/** What one socket asked the kernel for. */
interface Membership {
  readonly group: string;
  readonly index: number;
  readonly source: string | undefined;
}

export class SimHost {
  readonly clock: Clock;
  readonly wire: SnoopingSwitch;
  readonly devices: Map<string, Device> = new Map();
  /** Interfaces that refuse groups. */
  readonly refusing: Set<string> = new Set();
  hasIpv6 = true;
  /** Memberships that one socket may hold. */
  room: number = Number.POSITIVE_INFINITY;
  /** Calls to join and leave. */
  calls = 0;
  readonly #joined = new Map<string, number>();
  #lastIndex = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    this.wire = new SnoopingSwitch(clock);
  }

  /** @param addresses - `"192.0.2.1/24"`, `"fe80::1/64"` */
  add(name: string, ...addresses: readonly string[]): void {
    const index = ++this.#lastIndex;
    this.devices.set(name, { index, name, addresses, hasCarrier: true, carrierChanges: 0 });
  }

  /** The interface goes, and the kernel's memberships with it. */
  remove(name: string): void {
    const device = this.devices.get(name);
    if (device === undefined) return;
    this.devices.delete(name);
    for (const key of [...this.#joined.keys()])
      if (key.startsWith(`${device.index} `)) this.#joined.delete(key);
    this.wire.forget(name);
  }

  /** The kernel keeps its memberships, the switch forgets the port. */
  setCarrier(name: string, hasCarrier: boolean): void {
    const device = this.devices.get(name);
    if (device === undefined || device.hasCarrier === hasCarrier) return;
    device.hasCarrier = hasCarrier;
    device.carrierChanges++;
    if (!hasCarrier) this.wire.forget(name);
  }

  readdress(name: string, ...addresses: readonly string[]): void {
    const device = this.devices.get(name);
    if (device !== undefined) device.addresses = addresses;
  }

  /** As `systemInterfaces` gives them. */
  list(): readonly NetworkInterface[] {
    const up = [...this.devices.values()].filter(({ hasCarrier }) => hasCarrier);
    return up.map(({ name, index, carrierChanges, addresses }) => ({
      name,
      isLoopback: name === "lo",
      link: `${index} ${carrierChanges}`,
      addresses: addresses.flatMap((cidr) => {
        const [host = "", bits = ""] = cidr.split("/");
        const address = parseAddress(host.includes(":") ? `[${host}]:0` : `${host}:0`);
        if (address === undefined || (address.family === 6 && !this.hasIpv6)) return [];
        const { family, bytes } = address;
        return [{ family, bytes, host, prefixBits: Number(bits) }];
      }),
    }));
  }

  join(membership: Membership, name: string): void {
    const key = keyOf(membership);
    const count = this.#joined.get(key) ?? 0;
    this.#joined.set(key, count + 1);
    if (count === 0) this.wire.report(name, membership.group);
  }

  leave(membership: Membership): void {
    const key = keyOf(membership);
    const count = this.#joined.get(key);
    if (count === undefined) return;
    if (count > 1) this.#joined.set(key, count - 1);
    else {
      this.#joined.delete(key);
      const device = [...this.devices.values()].find(({ index }) => index === membership.index);
      if (device?.hasCarrier) this.wire.left(device.name, membership.group);
    }
  }
}

function keyOf({ index, group }: Membership): string {
  return `${index} ${group}`;
}

/** An endpoint's groups on a host. */
export class SimMember {
  readonly hub: EndpointHub;
  /** Turns of its event loop. */
  runs = 0;
  readonly #host: SimHost;
  readonly #memberships = new Map<number, Membership>();
  #lastNumber = 0;
  #wakeAt: number = Number.POSITIVE_INFINITY;

  constructor(host: SimHost, primitives: Primitives) {
    this.#host = host;
    const socket = {
      addresses: BOUND,
      now: () => host.clock.now,
      join: (group: string, source?: string) => this.#join(group, source),
      leave: (number: number) => this.#leave(number),
      sendPlain: () => true,
    };
    this.hub = new EndpointHub({
      socket: socket as unknown as DatagramSocket,
      primitives,
      identity: new Identity(primitives, new Uint8Array(32).fill(1)),
      interfaces: () => suitableInterfaces(host.list(), BOUND, undefined),
      flush: () => this.#arm(host.clock.now),
      unixMs: () => UNIX_MS + host.clock.now,
    });
    this.hub.share({
      paths: { renew: () => undefined } as unknown as PathTable,
      slots: {} as SlotNumbers,
    });
    this.#arm(host.clock.now);
  }

  /** `"eth0 [ff12::8000:1]:6727"`: what the kernel holds for its socket, doubles included. */
  get memberships(): readonly string[] {
    const { devices } = this.#host;
    const names = new Map([...devices.values()].map(({ index, name }) => [index, name]));
    const all = [...this.#memberships.values()];
    return all.map(({ index, group }) => `${names.get(index) ?? "gone"} ${group}`).sort();
  }

  /** A datagram to a group comes in, by every membership that fits. */
  receive(group: string, interfaceName: string, source: string): void {
    const { clock, devices } = this.#host;
    for (const [number, one] of this.#memberships) {
      const isBy = one.index === devices.get(interfaceName)?.index && one.group === group;
      if (!isBy || (one.source !== undefined && one.source !== hostOf(source))) continue;
      const rows = new Float64Array(ROW.STRIDE);
      rows[ROW.kind] = ROW_PLAIN;
      rows[ROW.path] = -1;
      rows[ROW.time] = clock.now;
      rows[ROW.group] = number;
      const batch: ReceiveBatch = {
        slab: new Uint8Array(0),
        rows,
        rowCount: 1,
        strangers: [source],
      };
      this.hub.take(batch, 0);
    }
    this.#arm(clock.now);
  }

  #join(text: string, source: string | undefined): number {
    const host = this.#host;
    host.calls++;
    const address = parseAddress(text);
    const device = host.devices.get(address?.scope ?? "");
    if (device === undefined || host.refusing.has(device.name))
      throw new Mp2pError("MP2P_NO_MULTICAST", `cannot join ${text}`);
    if (this.#memberships.size >= host.room) throw new Mp2pError("MP2P_LIMIT", "no room");
    const group = text.replace(`%${device.name}`, "");
    const membership = { group, index: device.index, source };
    host.join(membership, device.name);
    do this.#lastNumber = (this.#lastNumber % 65_535) + 1;
    while (this.#memberships.has(this.#lastNumber));
    this.#memberships.set(this.#lastNumber, membership);
    return this.#lastNumber;
  }

  #leave(number: number): void {
    const membership = this.#memberships.get(number);
    if (membership === undefined) throw new Error(`${number} was left before`);
    this.#host.calls++;
    this.#memberships.delete(number);
    this.#host.leave(membership);
  }

  #arm(at: number): void {
    if (at >= this.#wakeAt || at === Number.POSITIVE_INFINITY) return;
    this.#wakeAt = at;
    const { clock } = this.#host;
    clock.at(at, () => {
      if (this.#wakeAt !== at) return;
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.runs++;
      this.hub.run(clock.now);
      this.#arm(this.hub.nextAt());
    });
  }
}
