/** What `--json` prints, one event a line: docs/CLI.md, "Events". Fields are added, never renamed. */
import type { ForgedSymbols } from "../index.ts";
import type { CliErrorCode } from "./exit-codes.ts";

export type PathKind =
  | "loopback"
  | "lan"
  | "direct"
  | "mapped"
  | "punched"
  | "multicast"
  | "gate"
  | "websocket";

/** The endpoint is reachable: hand `ticket` to the other side. */
export interface ReadyEvent {
  readonly t: "ready";
  readonly key: string;
  readonly ticket: string;
  readonly addresses: readonly string[];
}

/** A session got a path, or a better or worse one. */
export interface PathEvent {
  readonly t: "path";
  readonly peer: string;
  readonly path: PathKind;
  readonly rttMs: number;
  readonly why: string;
}

export interface OfferEvent {
  readonly t: "offer";
  readonly peer: string;
  readonly files: number;
  readonly bytes: number;
}

export interface AcceptEvent {
  readonly t: "accept";
  readonly peer: string;
  readonly files: number;
  /** What the receiver holds already, verified, from an earlier attempt. */
  readonly resumeBytes: number;
}

export interface ProgressEvent {
  readonly t: "progress";
  readonly peer: string;
  /** Handed to the network (sender) or taken from it (receiver), resumed bytes included. */
  readonly bytes: number;
  /** Verified by the receiver. */
  readonly confirmed: number;
  /** Null while a live cast is received. */
  readonly total: number | null;
  /** Files that are complete, of `filesTotal`. */
  readonly files: number;
  readonly filesTotal: number;
  /** Bytes a second, over the last seconds. */
  readonly rate: number;
  /** Null while it cannot be told. */
  readonly etaSeconds: number | null;
  readonly path: PathKind;
  /** Absent while a cast is received. */
  readonly rttMs?: number;
}

/** Of a cast, as its sender sees it: `progress` without `peer`. */
export interface CastProgressEvent {
  readonly t: "progress";
  /** Sent at least once. */
  readonly bytes: number;
  /** Verified by the slowest receiver that is still there, and by the median one. */
  readonly confirmed: number;
  readonly median: number;
  /** Null while a live cast runs. */
  readonly total: number | null;
  /** Receivers that were admitted, and of them those that have everything. */
  readonly receivers: number;
  readonly complete: number;
  /** Receivers that have yet to come, or to answer, before it begins. */
  readonly awaited: number;
  /** Bytes a second, as sent. */
  readonly rate: number;
  readonly etaSeconds: number | null;
  readonly path: "multicast";
}

/**
 * Neither `confirmed` nor `files` has grown for `seconds`; told after ten, and again after each twice as long. The
 * next `progress` in which one of them has says that it goes on. At the sender of a cast without `peer`. Of a pipe, the
 * peer has not answered for five seconds, and so on; with `seconds` 0 it answers again.
 */
export interface StalledEvent {
  readonly t: "stalled";
  readonly peer?: string;
  readonly seconds: number;
  readonly path: PathKind;
}

/**
 * A cast waits for a receiver that is silent, or was interrupted and may come back. Told once, and with `seconds` 0
 * when it is back; what became of one that stays away is in its `receiver`.
 */
export interface AbsentEvent {
  readonly t: "absent";
  readonly peer: string;
  /** Since when. */
  readonly seconds: number;
  /** After so long the cast goes on without it; 0 when it is back. */
  readonly leftSeconds: number;
}

/** What became of one receiver of a cast: one line each, when the cast is over. */
export interface ReceiverEvent {
  readonly t: "receiver";
  readonly peer: string;
  readonly outcome: "complete" | "partial" | "declined" | "lost";
  /** Bytes it has. */
  readonly bytes: number;
  readonly seconds: number;
  /** Lost on the way, 0 to 1. */
  readonly lossRate: number;
  /** How most of its bytes came. */
  readonly path: "multicast" | "unicast";
  readonly why?: string;
}

export interface FileEvent {
  readonly t: "file";
  readonly name: string;
  readonly bytes: number;
  /** Hex; hash over the unit hashes (docs/PROTOCOL.md, "Transfer"), so not what `b3sum` prints. */
  readonly root?: string;
  readonly result: "written" | "skipped" | "renamed" | "refused";
  readonly why?: string;
}

/** The end of a transfer, or of a pipe (`files` is then 0 and `bytes` counts both directions). */
export interface DoneEvent {
  readonly t: "done";
  readonly peer?: string;
  readonly bytes: number;
  readonly files: number;
  /** Files left alone: the receiver keeps its own. */
  readonly skipped?: number;
  readonly seconds: number;
  readonly path?: PathKind;
  /** Of the files, what did not have to be sent again. */
  readonly resumedBytes: number;
  /** File content that crossed the session now. */
  readonly payloadBytes: number;
  /** UDP payload in the direction of the files, earlier attempts of the same command included. */
  readonly wireBytes: number;
  /** Of a cast, at its sender: receivers that have everything. */
  readonly receivers?: number;
  /** Of a cast, at its receiver: who sent symbols that the sender did not; absent where nobody did. */
  readonly forged?: readonly ForgedSymbols[];
}

/** Something is not as it was asked for, and the command goes on. */
export interface WarningEvent {
  readonly t: "warning";
  readonly message: string;
  readonly hint: string;
}

export interface ErrorEvent {
  readonly t: "error";
  readonly code: CliErrorCode;
  readonly message: string;
  /** What lies behind it, the nearest first. */
  readonly why?: string;
  readonly hint?: string;
  /** The peer concerned, where the command goes on without it. */
  readonly peer?: string;
}

/** `mp2p classic serve` listens: address and key are what its callers need. */
export interface ClassicReadyEvent {
  readonly t: "ready";
  /** Hex, as the original prints it. */
  readonly key: string;
  /** The group, without its port. */
  readonly address: string;
  readonly port: number;
  readonly addresses: readonly string[];
}

/** What `mp2p classic serve` heard. */
export interface ClassicMessageEvent {
  readonly t: "message";
  /** Hex key. */
  readonly peer: string;
  readonly text: string;
}

/** The answer that `mp2p classic call` got. */
export interface ClassicDoneEvent {
  readonly t: "done";
  /** Hex key. */
  readonly peer: string;
  readonly text: string;
}

/** `mp2p peers --nearby` found an endpoint. */
export interface PeerEvent {
  readonly t: "peer";
  readonly peer: string;
  /** Hex. */
  readonly instance: string;
  readonly addresses: readonly string[];
  readonly interface: string;
  /** Its key is in the file `contacts`. */
  readonly trusted: boolean;
}

/** The end of `mp2p peers --nearby`. */
export interface PeersDoneEvent {
  readonly t: "done";
  readonly peers: number;
}

/** The one line of `mp2p id`. */
export interface IdDoneEvent {
  readonly t: "done";
  readonly key: string;
}

/** The one line of `mp2p doctor`. */
export interface DoctorDoneEvent {
  readonly t: "done";
  readonly checks: readonly DoctorCheck[];
}

export interface DoctorCheck {
  readonly name: string;
  readonly result: "ok" | "warn" | "fail";
  readonly detail: string;
  readonly fix?: string;
}

export type CliEventBody =
  | ReadyEvent
  | PathEvent
  | OfferEvent
  | AcceptEvent
  | ProgressEvent
  | CastProgressEvent
  | StalledEvent
  | AbsentEvent
  | ReceiverEvent
  | FileEvent
  | DoneEvent
  | WarningEvent
  | ErrorEvent
  | ClassicReadyEvent
  | ClassicMessageEvent
  | ClassicDoneEvent
  | PeerEvent
  | PeersDoneEvent
  | IdDoneEvent
  | DoctorDoneEvent;

/** `v` is the version of this table, `at` the unix time in milliseconds. */
export type CliEvent = CliEventBody & { readonly v: 1; readonly at: number };
