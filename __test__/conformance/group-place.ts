/** Where groups are tried: an interface, a family and a port of this process's own. */
import type { ExecutionContext } from "ava";
import { type Load, type Opened, Recorder } from "./harness.ts";

export interface GroupPlace {
  /** `"lo"` */
  readonly interface: string;
  readonly family: 4 | 6;
  /** Of IPv6 groups. */
  readonly scope: number;
  /** Where sockets are bound: two hosts of the interface. */
  readonly hosts: readonly [host: string, other: string];
  readonly port: number;
}

let lastGroup = 0;

/** A group that no other test has. */
export function groupOn(place: GroupPlace, first?: number): string {
  return groupOnEach([place], first)[0] as string;
}

/** One group that no other test has, on several interfaces. */
export function groupOnEach(places: readonly GroupPlace[], first?: number): readonly string[] {
  lastGroup++;
  return places.map((place) => groupNumbered(place, lastGroup, first));
}

/** @param first - first byte of an IPv4 group, flags of an IPv6 one; those of groups anyone may use */
export function groupNumbered(place: GroupPlace, number: number, first?: number): string {
  const { family, scope, interface: name, port } = place;
  const on = `%${name}`;
  if (family === 4) return `${first ?? 239}.255.${1 + (number >> 8)}.${number & 255}${on}:${port}`;
  return `[ff${first ?? 1}${scope.toString(16)}::8000:${number.toString(16)}${on}]:${port}`;
}

/** A socket that may use groups. */
export async function openMember(
  t: ExecutionContext,
  load: Load,
  place: GroupPlace,
  host: string = place.hosts[0],
): Promise<Opened> {
  const socket = await (await load()).openSocket({
    bind: [`${host}:0`],
    multicast: { port: place.port, hopLimit: 3 },
  });
  t.teardown(() => socket.close());
  const recorder = new Recorder();
  socket.start(recorder);
  return { socket, address: socket.addresses[0] as string, recorder };
}

/** @param number - 0 to 255, to tell it by */
export function announcement(number: number): Uint8Array {
  return new Uint8Array(40).fill(0).map((_, at) => (at === 0 ? 0x58 : at === 1 ? number : at));
}
