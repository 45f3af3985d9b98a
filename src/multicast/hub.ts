/**
 * What casts, groups and discovery use of an endpoint. `endpoint/group-hub.ts` is the real one; tests
 * plug a simulated switch in. Groups are written without an interface here, `"[ff12::8000:1]:6727"`:
 * the hub joins and sends on every suitable one.
 */
import type { PacketKeys, Primitives, SendPlan, SendResult } from "../backend/port.ts";

/** One row of a received batch; borrowed, as its bytes are, until the call returns. */
export interface GroupRow {
  /** ROW_FRAMES or ROW_SYMBOLS. */
  readonly kind: number;
  /** Packet number of the first packet, and how many they are. */
  readonly packet: number;
  readonly count: number;
  /** Of symbols: the object, its block, and the first symbol's number. */
  readonly object: number;
  readonly block: number;
  readonly symbol: number;
  readonly bytes: Uint8Array;
  /** Where it came from, `"192.0.2.7:5000"`, and the interface it came in by. */
  readonly source: string;
  readonly interface: string;
  /** Milliseconds on the hub's clock. */
  readonly time: number;
}

/** A group that is kept joined: joined anew as interfaces come, change and go. */
export interface Joined {
  /** Interfaces it is joined on now. */
  readonly interfaces: readonly string[];
  /** Nothing is heard where something should be: leave and join, at most once in 30 s. */
  silent(): void;
  leave(): void;
}

/** A sending slot: packet numbers of its own, never reused. */
export interface Speaker {
  /**
   * Seals and sends a burst to a group on one interface, or to a unicast address.
   *
   * @returns the same object at each call; fewer packets than planned where the socket is full: `writable` follows
   */
  send(to: string, plan: SendPlan): SendResult;
  remove(): void;
}

/** Something that lives by the endpoint's clock: called when due, after `changed`, and when the socket has room. */
export interface Service {
  run(now: number): void;
  /** When it wants to be run next; Infinity for not at all. */
  nextAt(): number;
}

export interface GroupHub {
  readonly primitives: Primitives;
  /** Our Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  /** Signs with the identity key; `message` begins with a NUL-ended label (WIRE item 13). */
  sign(message: Uint8Array): Uint8Array;
  /** Monotonic milliseconds. */
  now(): number;
  /** Names of interfaces that groups are joined on. */
  interfaces(): readonly string[];
  /** `"[ff12::8000:1%eth0]:6727"`: the form in which one interface of a group is sent to. */
  on(group: string, interfaceName: string): string;
  /** @throws {Mp2pError} `MP2P_NO_MULTICAST` where no interface takes it */
  join(group: string, source?: string): Joined;
  /** Receives what these keys open, from any group joined. @returns a function that ends it */
  listen(keys: PacketKeys, receive: (row: GroupRow) => void): () => void;
  speak(keys: PacketKeys): Speaker;
  /** Bytes that the kernel holds for us while we are busy. */
  readonly receiveBufferBytes: number;
  /** Packets it dropped since because that was full; 0 where it does not say. */
  readonly droppedKernel: number;
  /** ANNOUNCE packets of one kind (`wire/announce.ts`), unverified. @returns a function that ends it */
  announcements(
    kind: number,
    heard: (packet: Uint8Array, source: string, interfaceName: string, group: string) => void,
  ): () => void;
  /** Sends a datagram to a group on every interface. */
  announce(group: string, datagram: Uint8Array): void;
  /** @returns a function that detaches it */
  attach(service: Service): () => void;
  /** A service has something to do: it is run before this turn ends. */
  changed(): void;
}
