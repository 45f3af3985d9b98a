/** What a session needs of its endpoint, and the plain data both show. */
import type { SessionEngineStats } from "../session/contract.ts";
import type { Session } from "./session.ts";
import type { SessionRecord } from "./session-record.ts";
import type { Stream } from "./stream.ts";

export interface PathInfo {
  /** Rung of the ladder. */
  readonly kind: "loopback" | "lan" | "direct" | "multicast";
  /** The peer's address, `"192.0.2.1:5000"`, or the group and interface, `"[ff12::8000:1%eth0]:6727"`. */
  readonly address: string;
  /** Smoothed round-trip time in milliseconds. */
  readonly rttMs: number;
  /** Why this path, for a person. */
  readonly why: string;
}

export interface SessionStats extends Omit<SessionEngineStats, "path"> {
  /** Datagrams that came while as many as are kept waited to be read. */
  readonly datagramsDropped: number;
  readonly path: PathInfo;
  readonly backend: "native" | "fallback";
}

export interface SessionHost {
  readonly services: readonly string[];
  readonly backendName: "native" | "fallback";
  readonly blake3: (data: Uint8Array) => Uint8Array;
  /** Monotonic milliseconds. */
  now(): number;
  /** The engine of this session has something to do. */
  changed(record: SessionRecord): void;
  /** Takes streams of services the endpoint itself provides. */
  internalService(name: string): ((session: Session, stream: Stream) => void) | undefined;
  ended(session: Session): void;
}
