/**
 * The addon's exports, as crates/mp2p-napi has them. Sizes and numbers that both sides must know
 * stand here and in crates/mp2p-net/src/region.rs and nowhere else.
 */
import type { GroupDrops, SocketCounters } from "../counters.ts";
import type { Capabilities, Primitives } from "../port.ts";

/** Where there is nothing to return, the addon says null. */
export interface Addon extends Omit<Primitives, "x25519" | "open" | "noise"> {
  readonly NativeSocket: {
    open(
      bind: string[],
      receiveBytes?: number,
      sendBytes?: number,
      groupPort?: number,
      hopLimit?: number,
    ): NativeSocket;
  };
  capabilities(): AddonCapabilities;
  /** Monotonic milliseconds. */
  now(): number;
  x25519(secret: Uint8Array, peer: Uint8Array): Uint8Array | null;
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    header: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | null;
  noiseMixHash(state: Uint8Array, data: Uint8Array): void;
  noiseMixAgreed(state: Uint8Array, secret: Uint8Array, peer: Uint8Array): boolean;
  noiseSeal(state: Uint8Array, plaintext: Uint8Array): Uint8Array;
  noiseOpen(state: Uint8Array, sealed: Uint8Array): Uint8Array | null;
  noiseTransport(state: Uint8Array, suite: number): Uint8Array;
}

/** The receiving thread is no matter of the machine. */
export type AddonCapabilities = Omit<Capabilities, "receiveThread">;

export interface NativeSocket {
  start(wake: () => void): void;
  region(): ArrayBuffer;
  addresses(): string[];
  /** Granted receive and send buffers. */
  buffers(): [number, number];
  gsoSegments(): number;
  /** One of NEXT; also takes back the batch before. */
  next(): number;
  failure(): string;
  strangers(): string[];
  join(group: string, source?: string): number;
  leave(membership: number): void;
  groupDrops(): GroupDrops[];
  addPath(remote: string): number;
  removePath(path: number): void;
  sendPlain(remote: string, datagram: Uint8Array): boolean;
  installSend(
    slot: number,
    suite: number,
    key: Uint8Array,
    iv: Uint8Array,
    lane: number,
    cid: Uint8Array,
  ): void;
  installReceive(
    slot: number,
    suite: number,
    key: Uint8Array,
    iv: Uint8Array,
    lane: number,
    cid: Uint8Array,
    ofMany: boolean | undefined,
  ): void;
  removeSend(slot: number): void;
  removeReceive(slot: number): void;
  /** The result is in the control block. */
  sendSealed(
    slot: number,
    path: number,
    spans: Float64Array,
    spanNumbers: number,
    sources: readonly Uint8Array[],
    packetBytes: number,
    skip: number,
  ): void;
  flush(): boolean;
  setFilter(
    keys: Uint8Array,
    perSecond: number,
    perSourcePerSecond: number,
    perSourceBurst: number,
    announcementsPerSecond: number,
  ): void;
  expect(cid: Uint8Array): void;
  unexpect(cid: Uint8Array): void;
  /** In the order of COUNTERS. */
  counters(): number[];
  injectSendFault(errno: number, everyNth: number): void;
  close(): void;
}

/** Answers of `NativeSocket.next`. */
export const NEXT = { nothing: 0, batch: 1, writable: 2, failed: 3 } as const;

/** `Layout` of the shared region, in bytes. */
export const REGION = {
  controlBytes: 4096,
  /** The last one holds plain datagrams. */
  slabs: 9,
  slabBytes: 524_288,
  rows: 1024,
} as const;

/** Numbers of the control block. */
export const CONTROL = {
  firstPacket: 0,
  packets: 1,
  tooBig: 2,
  slab: 3,
  rowCount: 4,
  strangers: 5,
  NUMBERS: 6,
} as const;

/** Order of `NativeSocket.counters`. */
export const COUNTERS: readonly (keyof SocketCounters)[] = [
  "packetsSent",
  "bytesSent",
  "packetsReceived",
  "bytesReceived",
  "droppedMalformed",
  "droppedUnknown",
  "droppedForged",
  "droppedReplayed",
  "droppedStrangers",
  "droppedLimited",
  "droppedQueue",
  "cookiesSent",
  "droppedGroup",
  "droppedKernel",
  "sendCalls",
  "receiveCalls",
];
