import { SparseSet } from "../base/sparse.ts";
import type { Limits } from "../wire/limits.ts";
import type { Fault } from "./close-codes.ts";
import { Closing } from "./closing.ts";
import type { SessionConfig, SessionEvent } from "./contract.ts";
import { ControlQueue } from "./control.ts";
import { Counters } from "./counters.ts";
import { DatagramQueue } from "./datagrams.ts";
import { Generations } from "./generations.ts";
import { Paths } from "./paths.ts";
import { SendQueue } from "./send-queue.ts";
import { Streams } from "./streams.ts";

/** Everything one session remembers; the engine's parts share it. */
export class SessionState {
  readonly config: SessionConfig;
  readonly events: SessionEvent[] = [];
  readonly generations: Generations;
  readonly paths: Paths;
  readonly streams: Streams;
  readonly queue: SendQueue = new SendQueue();
  readonly control: ControlQueue;
  readonly datagrams: DatagramQueue = new DatagramQueue();
  readonly counters: Counters = new Counters();
  /** Set once the session ends, by either side. */
  closing: Closing | undefined;
  /** What the peer granted in the first handshake. */
  remote: Limits | undefined;
  lastReceivedAt: number;
  lastSentAt: number;
  /** When the newest packets of a stream that goes on came; cleared once it was asked why no others do. */
  flowedAt: number = -Infinity;
  /** Streams that the peer broke off, of which the program hears once the events before are told. */
  readonly broken: SparseSet<number> = new SparseSet<number>();
  /** The program was refused a stream and waits for `streams`. */
  wantsStreams = false;

  constructor(config: SessionConfig, now: number) {
    this.config = config;
    this.generations = new Generations(config.random);
    this.paths = new Paths(config);
    this.streams = new Streams(config.opener, config.local, config.blocks, now);
    this.control = new ControlQueue(this.streams);
    this.lastReceivedAt = now;
    this.lastSentAt = now;
  }

  /** The shorter of what both sides keep a silent session for; 0 is for ever. */
  get idleSeconds(): number {
    const ours = this.config.local.idleSeconds;
    const theirs = this.remote?.idleSeconds ?? 0;
    return ours === 0 || theirs === 0 ? Math.max(ours, theirs) : Math.min(ours, theirs);
  }

  /** Since when the peer owes an answer: something is outstanding, and nothing came since. Infinity where it owes none. */
  get owedSince(): number {
    const path = this.paths.active;
    if (path === undefined || path.inFlight === 0) return Infinity;
    return Math.max(this.lastReceivedAt, path.busySince);
  }

  /** Nothing but the end is told once the session is closed. */
  emit(event: SessionEvent): void {
    if (this.closing !== undefined && event.kind !== "closed" && event.kind !== "retired") return;
    this.events.push(event);
  }

  /** The peer broke the protocol. */
  fail({ code, text }: Fault, now: number): void {
    this.end(code, text, "protocol", now);
  }

  /** The session is over: streams are gone at once, CLOSE is said and repeated until drained. */
  end(code: number, text: string, by: "peer" | "local" | "idle" | "protocol", now: number): void {
    if (this.closing !== undefined) return;
    const { awaitsPeer } = this.generations;
    const tells = by === "idle" ? "never" : awaitsPeer ? "shown" : "now";
    this.closing = new Closing(code, text, by, tells, this.paths.active, now);
    this.streams.clear();
    this.datagrams.clear();
    this.emit({ kind: "closed", code, text, by });
  }
}
