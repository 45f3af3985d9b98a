/** What goes into a session engine and what comes out: the types the endpoint's driver speaks. */
import type { SendPlan, Suite } from "../backend/port.ts";
import type { Limits } from "../wire/limits.ts";
import type { BlockPool } from "./block-pool.ts";

export interface SessionConfig {
  /** Bit 0 of the ids of streams opened here: 0 for the smaller of the two (key ‖ instance). */
  readonly opener: 0 | 1;
  /** What this side grants. */
  readonly local: Limits;
  readonly congestion: "rate" | "cubic";
  readonly random: (length: number) => Uint8Array;
  /** A PING after so long without a packet while streams are open; default 15,000, 0 is never. */
  readonly keepAliveMs?: number;
  /** Largest UDP payload that packet-size discovery tries: 1,472 over IPv4, 1,452 over IPv6. */
  readonly ceilingBytes: number;
  /** Bytes one stream buffers for sending; grows from 4 MiB to twice bandwidth × delay by default. */
  readonly sendBufferBytes?: number;
  /** Blocks of send buffers, shared by all sessions of an endpoint; own ones by default. */
  readonly blocks?: BlockPool;
  /** What is known of a path that packets came by before data takes it; default: nothing special. */
  readonly properties?: (path: number) => PathProperties;
}

/** The keys of one handshake, installed in the socket under these slots. */
export interface Generation {
  readonly id: number;
  readonly sendSlot: number;
  readonly receiveSlot: number;
  readonly sendCid: Uint8Array;
  readonly receiveCid: Uint8Array;
  readonly suite: Suite;
  /** What the peer grants; of the first generation only. */
  readonly remote: Limits;
  /** Whether this side sent the INIT. */
  readonly initiator: boolean;
}

export interface PathProperties {
  readonly loopback: boolean;
  readonly ipv6: boolean;
  /** Of the handshake, where it was not repeated. */
  readonly initialRttMs?: number;
  /** The peer's address, 16 bytes and port, told to it in PATH_RESPONSE. */
  readonly observed?: Uint8Array;
  /** The path leads through a multicast group: many hear it, so it is used with care. */
  readonly group?: GroupLimits;
}

export interface GroupLimits {
  /** UDP payload of a full packet; no larger one is tried, as no router reports those it drops. */
  readonly packetBytes: number;
  /** Most packets of one burst. */
  readonly trainPackets: number;
  /** Pacing goes no faster, in bytes a millisecond. */
  readonly capBytesPerMs: number;
}

export type Output =
  | { kind: "send"; slot: number; path: number; plan: SendPlan }
  | { kind: "event"; event: SessionEvent }
  /** Milliseconds on the clock of `now`; Infinity where only input can change anything. */
  | { kind: "wait"; until: number };

export type RehandshakeReason = "age" | "limit" | "silence" | "expired";

export type SessionEvent =
  /** The first valid packet under a generation arrived. */
  | { kind: "confirmed"; generation: Generation }
  | { kind: "stream"; stream: number }
  /** Bytes, or the end, can be read. */
  | { kind: "readable"; stream: number }
  | { kind: "writable"; stream: number }
  /** More streams can be opened. */
  | { kind: "streams" }
  /** All bytes of ours and the end are acknowledged. */
  | { kind: "finished"; stream: number }
  | { kind: "reset"; stream: number; code: number }
  | { kind: "stopped"; stream: number; code: number }
  | { kind: "datagram"; bytes: Uint8Array }
  /** A datagram was refused because too many waited, and half of them have left. */
  | { kind: "drain" }
  /** The peer has owed an answer for so long. */
  | { kind: "silent"; ms: number }
  /** After `silent`: something came. */
  | { kind: "heard" }
  /** Data now takes another path: the peer was validated there. */
  | { kind: "path"; path: number }
  /** Repeated with growing intervals until a generation comes. */
  | { kind: "rehandshake"; reason: RehandshakeReason }
  /** Nothing uses the generation any more: its slots can be removed. */
  | { kind: "retired"; generation: Generation }
  /** The last word on streams; `retired` follows for each generation once repeats are answered. */
  | { kind: "closed"; code: number; text: string; by: "peer" | "local" | "idle" | "protocol" };

export interface SessionEngineStats {
  readonly path: number;
  readonly rttMs: number;
  readonly minRttMs: number;
  /** Packets lost of packets sent, 0 to 1. */
  readonly lossRate: number;
  /** UDP payload bytes. */
  readonly bytesSent: number;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  /** Stream bytes, new ones only. */
  readonly streamBytesSent: number;
  readonly streamBytesReceived: number;
  readonly streamBytesAcked: number;
  /** Stream bytes sent again. */
  readonly retransmittedBytes: number;
  readonly packetsLost: number;
  /** Congestion window and bytes in flight. */
  readonly windowBytes: number;
  readonly inFlightBytes: number;
  /** Bytes per second the controller thinks the path carries; 0 while unknown. */
  readonly rate: number;
  /** UDP payload of a full packet. */
  readonly packetBytes: number;
  /** Largest datagram that goes into one now: it changes with the path. */
  readonly datagramBytes: number;
  readonly streams: number;
  readonly ptoCount: number;
}
