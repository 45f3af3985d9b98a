/**
 * What a backend supplies: primitives, sockets and bulk packet protection. Everything above speaks
 * to these interfaces only; `__test__/conformance/` is their contract as tests.
 * Byte tables: docs/PROTOCOL.md, "Packets".
 */

import type { GroupDrops, SocketCounters } from "./counters.ts";
import type { NoiseSteps } from "./noise-steps.ts";

export interface Backend {
  /** For people and logs only: nothing above decides by it. */
  readonly name: "native" | "fallback";
  readonly capabilities: Capabilities;
  readonly primitives: Primitives;
  /** @throws {Mp2pError} `MP2P_PORT_IN_USE`, `MP2P_NO_NETWORK`, `MP2P_PERMISSION` or `MP2P_SOCKET` */
  openSocket(options: SocketOptions): Promise<DatagramSocket>;
}

/** Probed at start and corrected at run time (a GSO send that fails lowers `gsoSegments` to 1). */
export interface Capabilities {
  /** Packets one send call can hand to the kernel; 1 means no segmentation offload. */
  readonly gsoSegments: number;
  readonly gro: boolean;
  /** AES-256-GCM in hardware, offered in handshakes. */
  readonly aes: boolean;
  /** Destination address and interface of received packets are known. */
  readonly packetInfo: boolean;
  readonly ecn: boolean;
  /** Packets are opened away from the JavaScript thread. */
  readonly receiveThread: boolean;
  /** Groups can be joined. */
  readonly multicast: boolean;
  /** Groups can be joined for one source only (RFC 4607). */
  readonly sourceSpecific: boolean;
  /** The kernel keeps groups that other programs joined away from our sockets. */
  readonly multicastAll: boolean;
}

/** Synchronous; every input is borrowed for the call, every output is fresh. Wrong sizes throw RangeError. */
export interface Primitives {
  randomBytes(length: number): Uint8Array;
  /** 64 bytes. */
  sha512(data: Uint8Array): Uint8Array;
  /** 64 bytes. */
  hmacSha512(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** RFC 5869 with SHA-512; length 0 to 16,320. Noise's HKDF(ck, ikm, n) is this with empty info and 64 n bytes. */
  hkdfSha512(salt: Uint8Array, ikm: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** 32-byte public key of a 32-byte secret (clamped inside). */
  x25519PublicKey(secret: Uint8Array): Uint8Array;
  /** 32 bytes. @returns undefined where the shared secret is all zeros (low-order peer key). */
  x25519(secret: Uint8Array, peer: Uint8Array): Uint8Array | undefined;
  /** 32-byte public key of a 32-byte seed. */
  ed25519PublicKey(seed: Uint8Array): Uint8Array;
  /** 64 bytes, RFC 8032, deterministic. */
  ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array;
  /** Strict: small-order and non-canonical points refused; both backends accept the same set. */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** ChaCha20-Poly1305 (RFC 8439), 32-byte key, 12-byte nonce. Ciphertext followed by the 16-byte tag. */
  seal(key: Uint8Array, nonce: Uint8Array, header: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** @returns undefined where the tag does not match. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    header: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | undefined;
  /** Where a backend does a step of a handshake faster at once than by the primitives above. */
  readonly noise?: NoiseSteps;
  /** 32 bytes. */
  blake3(data: Uint8Array): Uint8Array;
  /**
   * Reed-Solomon parity of a cast's block: any BLOCK_SYMBOLS of its source and parity symbols restore it.
   *
   * @param block - BLOCK_SYMBOLS symbols of equal, even size
   * @param parity - becomes PARITY_SYMBOLS symbols of that size: a new array for each block would cost more
   * than its parity
   */
  parity(block: Uint8Array, parity: Uint8Array): void;
  /**
   * Fills in the missing symbols of a block where they lie.
   *
   * @param missing - numbers of the absent source symbols, ascending
   * @param have - numbers (0 to PARITY_SYMBOLS - 1) of the parity symbols at hand, at least as many as are missing
   * @param parity - those symbols, one after the other, in the order of `have`
   */
  restore(block: Uint8Array, missing: Uint8Array, have: Uint8Array, parity: Uint8Array): void;
}

/** Source symbols of a block of a cast; a shorter last block is filled up with zeros that are not sent. */
export const BLOCK_SYMBOLS = 128;
export const PARITY_SYMBOLS = 64;

export interface SocketOptions {
  /** One to eight of `"0.0.0.0:0"`, `"[::]:0"`, `"127.0.0.1:4000"`; port 0 lets the system choose. */
  readonly bind: readonly string[];
  /** Asked of the kernel, in bytes; what was granted is in `buffers`. */
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
  /** Groups can be joined and sent to; without it, neither. */
  readonly multicast?: MulticastOptions;
}

export interface MulticastOptions {
  /** Where groups are received, by sockets of their own that share the port with other processes. */
  readonly port: number;
  /** Of datagrams to groups wider than the link; those to link-scope groups carry 255. 1 to 255. */
  readonly hopLimit: number;
}

/** Cipher suite numbers of the handshake. */
export const SUITE_CHACHA20_POLY1305 = 1;
export const SUITE_AES_256_GCM = 2;
export type Suite = typeof SUITE_CHACHA20_POLY1305 | typeof SUITE_AES_256_GCM;

/** Keys of one direction of one slot. Nonce = iv XOR (lane u32 ‖ packet number u64). */
export interface PacketKeys {
  readonly suite: Suite;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly iv: Uint8Array;
  readonly lane: number;
  /** 8 bytes: the connection id written into (send) or expected in (receive) each header. */
  readonly cid: Uint8Array;
}

/**
 * One burst, at most 64 spans and 1 MiB of payload. `spans` holds SPAN.STRIDE numbers a span, laid
 * out by SPAN; payloads lie in `sources`. Packet numbers run on over the spans in order.
 */
export interface SendPlan {
  readonly spans: Float64Array;
  readonly spanCount: number;
  readonly sources: readonly Uint8Array[];
  /** UDP payload of a full packet, header and tag included; 80 to 8,972. */
  readonly packetBytes: number;
  /** Added to the packet number before the first packet of this plan (optimistic-ACK defence). */
  readonly skip: number;
}

/** Columns of one span of a SendPlan. */
export const SPAN = {
  /** SPAN_FRAMES or SPAN_STREAM. */
  kind: 0,
  /** Index into `sources`. */
  source: 1,
  /** First byte within the source. */
  at: 2,
  /** Bytes. 0 is legal for a stream's bare FIN. */
  length: 3,
  /** Stream id; unused for frames. */
  stream: 4,
  /** Stream offset of the first byte; unused for frames. */
  offset: 5,
  /** 1 where the last packet of the span is the last of the stream. */
  fin: 6,
  STRIDE: 7,
} as const;

/** One packet whose plaintext is the source bytes as they are (control frames, datagrams). */
export const SPAN_FRAMES = 0;
/** ceil(length / (packetBytes - 42)) packets (at least one), each `0x10|fin, id4, off6, data`. */
export const SPAN_STREAM = 1;
/**
 * Symbols of one block of a cast, numbers ascending: length / (packetBytes - 40) packets, a whole
 * number, each `0x14, object2, block4, symbol2, data`. `stream` is the object, `offset` is
 * block * 65,536 + first symbol.
 */
export const SPAN_SYMBOLS = 2;

/** Sizes that the plan and the engine share. */
export const DATA_HEADER_BYTES = 15;
export const TAG_BYTES = 16;
export const STREAM_HEADER_BYTES = 11;
/** Overhead of a bulk packet: packetBytes - 42 payload bytes each. */
export const BULK_OVERHEAD_BYTES: number = DATA_HEADER_BYTES + TAG_BYTES + STREAM_HEADER_BYTES;
export const SYMBOL_HEADER_BYTES = 9;
/** Overhead of a symbol's packet: packetBytes - 40 bytes of symbol each. */
export const SYMBOL_OVERHEAD_BYTES: number = DATA_HEADER_BYTES + TAG_BYTES + SYMBOL_HEADER_BYTES;

export interface SendResult {
  /** Packet number of the first packet of the plan. */
  firstPacket: number;
  /** Packets taken, counted over the plan; fewer than planned where the socket is full. */
  packets: number;
  /** Packets taken but dropped because the path refuses their size (EMSGSIZE): lost at once. */
  tooBig: number;
}

/** Numbers of one row of a ReceiveBatch; ROW.STRIDE numbers a row. */
export const ROW = {
  kind: 0,
  /** Receive slot; 0 for plain rows. */
  slot: 1,
  /** Packet number of the first packet. */
  packet: 2,
  /** Packets in the run; 1 unless a stream run. */
  count: 3,
  /** Stream id of a stream run; object of a symbol run. */
  stream: 4,
  /** Stream offset of the first byte of a stream run; block * 65,536 + first symbol of a symbol run. */
  offset: 5,
  /** First byte within the slab. */
  at: 6,
  /** Bytes. */
  length: 7,
  /** 1 where the run ends the stream. */
  fin: 8,
  /** Path id (`addPath`), or -1 - i for `batch.strangers[i]`. */
  path: 9,
  /** ECN bits 0 to 3 of the IP header; 0 where unknown. */
  ecn: 10,
  /** Milliseconds on the clock of `DatagramSocket.now()`. */
  time: 11,
  /** Membership (`join`) it arrived by; 0 for unicast. `path` tells the source all the same. */
  group: 12,
  STRIDE: 13,
} as const;

/** A plaintext of control frames or a datagram: one packet. */
export const ROW_FRAMES = 0;
/** Consecutive packets of one stream, offsets joined, payloads contiguous in the slab. */
export const ROW_STREAM = 1;
/** An unsealed datagram that passed the stranger filter, as received. */
export const ROW_PLAIN = 2;
/** Consecutive packets of one block of a cast, symbol numbers ascending by one, symbols contiguous in the slab. */
export const ROW_SYMBOLS = 3;

/** Borrowed for the duration of `SocketHandler.receive`: copy what must outlive it. */
export interface ReceiveBatch {
  readonly slab: Uint8Array;
  readonly rows: Float64Array;
  readonly rowCount: number;
  /** Source addresses of rows whose path is negative, `"192.0.2.1:5000"` or `"[2001:db8::1]:5000"`. */
  readonly strangers: readonly string[];
}

/** Who may reach JavaScript without a session. Sorted in the receive thread where there is one. */
export interface StrangerFilter {
  /** INIT packets must carry a mac1 under one of these. Empty: no INIT passes. */
  readonly addressees: readonly Addressee[];
  /** INITs admitted a second before cookies are demanded. */
  readonly initsPerSecond: number;
  /** INITs admitted a second from one source (IPv4 address, IPv6 /64) without a cookie. */
  readonly initsPerSourcePerSecond: number;
  /** Burst of one source. */
  readonly initsPerSourceBurst: number;
  /**
   * ANNOUNCE packets (0x58) admitted a second, by groups only, a tenth of them from one address on one
   * interface; more count as limited. 0: none.
   */
  readonly announcementsPerSecond: number;
}

export interface Addressee {
  /** 32 bytes: key of mac1. */
  readonly mac1Key: Uint8Array;
  /** 32 bytes: key from which the boxes of COOKIE answers are derived. */
  readonly cookieKey: Uint8Array;
}

export interface SocketHandler {
  /** Never throws. Called again only after it returned. */
  receive(batch: ReceiveBatch): void;
  /** A socket that was full takes packets again. */
  writable(): void;
  /** The socket is beyond repair; `close` is still to be called. */
  failed(error: Error): void;
}

/** One or more bound UDP sockets used as one: shared slots, one handler. Sends choose the bind of the remote's family. */
export interface DatagramSocket {
  /** Bound addresses with their ports, in the order of `bind`. */
  readonly addresses: readonly string[];
  /** Granted by the kernel, in bytes, smallest over the binds. */
  readonly buffers: { readonly receiveBytes: number; readonly sendBytes: number };

  /** Starts delivery. Called once. */
  start(handler: SocketHandler): void;
  /** Monotonic milliseconds, the clock of ROW.time. */
  now(): number;

  /**
   * Joins a group on one interface, for one source where one is named. Both are in the address:
   * `"[ff12::8000:1%eth0]:6727"`, `"239.255.1.2%eth0:6727"`. In this form groups are sent to as well
   * (`addPath`, `sendPlain`), from a port on which answers reach this socket. What is sent to a group
   * comes back to members on this machine, this one included.
   *
   * @param source - `"192.0.2.7"`, `"fe80::1"`
   * @returns the membership's number for ROW.group, 1 to 65,535
   * @throws {Mp2pError} `MP2P_NO_MULTICAST` where the interface or the system refuses, `MP2P_LIMIT`
   */
  join(group: string, source?: string): number;
  /** Leaves; a number rests before it is used anew. Joining anew sends a new report to switches and routers. */
  leave(membership: number): void;
  /** Who sends us what we cannot open, by group: at most 256 sources, the busiest. */
  groupDrops(): readonly GroupDrops[];

  /** The id, 1 or more, of a remote address; the same address has one id. At most 4,096. @throws {Mp2pError} `MP2P_LIMIT` */
  addPath(remote: string): number;
  removePath(path: number): void;

  /** @returns false where the socket is full or the path is unreachable just now: the caller retries later. */
  sendPlain(remote: string, datagram: Uint8Array): boolean;

  /** Slots are numbers 1 to 65,535 chosen by the caller; sending and receiving slots are apart. */
  installSend(slot: number, keys: PacketKeys): void;
  /**
   * @param ofMany - others than the sender hold these keys, as in casts and groups: each source (address, port,
   *   interface) has its own replay window, so that nobody's numbers make another's too old. A recorded
   *   packet that is sent again from elsewhere comes in again; false by default
   */
  installReceive(slot: number, keys: PacketKeys, ofMany?: boolean): void;
  removeSend(slot: number): void;
  removeReceive(slot: number): void;

  /**
   * Frames, seals and sends a burst. Packet numbers are the slot's own and never repeat; what was
   * sealed but not sent is kept and goes out first, byte-identical.
   *
   * @returns the same object at each call: read it before the next one
   */
  sendSealed(slot: number, path: number, plan: SendPlan): SendResult;

  setFilter(filter: StrangerFilter): void;
  /** RESP, FIN, COOKIE and VERNEG pass only for these 8-byte connection ids. */
  expect(cid: Uint8Array): void;
  unexpect(cid: Uint8Array): void;

  counters(): SocketCounters;
  /** Idempotent; no handler call follows. */
  close(): Promise<void>;
  /** Whether the open socket keeps the process alive; true until told. */
  ref(): void;
  unref(): void;
}
