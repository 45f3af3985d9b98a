import { FRAME, OBSERVED_BYTES } from "../wire/frames.ts";
import { FRAMES_OVERHEAD_BYTES } from "./burst-plan.ts";
import type { KeyGeneration } from "./key-generation.ts";
import { BASE_PACKET_BYTES } from "./packet-size.ts";
import type { PathState } from "./path-state.ts";
import type { Candidate } from "./paths.ts";
import type { Planner } from "./planner.ts";
import type { SessionState } from "./session-state.ts";

/** A PATH_CHALLENGE this small still fits where the peer sent next to nothing. */
const CHALLENGE_BYTES_MIN: number = FRAMES_OVERHEAD_BYTES + 9;
const PROBE_PACKETS = 2;
/** From this probe on they are small, in case the path swallows large packets. */
const SMALL_PROBES_FROM = 2;
const UNKNOWN_ADDRESS = new Uint8Array(OBSERVED_BYTES);

/** What a plan is for: the path it takes may differ from the one data takes. */
export interface Sending {
  keys: KeyGeneration;
  path: number;
}

/** Decides what leaves next: answers and probes of paths first, then acknowledgements, control and data. */
export class Outbox {
  /** When pacing lets the next burst go; Infinity while pacing is not what holds it back. */
  paceAt: number = Infinity;
  readonly #state: SessionState;
  readonly #planner: Planner;

  constructor(state: SessionState, planner: Planner) {
    this.#state = state;
    this.#planner = planner;
  }

  /** Plans the next burst. @returns under which keys and where to it goes, undefined for none */
  next(now: number): Sending | undefined {
    this.paceAt = Infinity;
    const { generations, paths } = this.#state;
    const path = paths.active;
    const keys = generations.sending(now);
    if (path === undefined || keys === undefined) return undefined;
    return (
      this.#aside(keys, path, now) ??
      this.#confirm(path, now) ??
      this.#leave(keys, path, now) ??
      this.#probeSize(keys, path, now) ??
      this.#data(keys, path, now)
    );
  }

  /** CLOSE, and nothing else any more. */
  close(now: number): Sending | undefined {
    const { closing, generations, paths } = this.#state;
    const path = paths.active;
    const keys = generations.sending(now);
    if (closing === undefined || path === undefined || keys === undefined || closing.sayAt > now)
      return undefined;
    closing.said(now);
    this.#planner.begin(keys, path, BASE_PACKET_BYTES);
    this.#planner.frames((writer) => writer.close(closing.code, closing.text));
    return { keys, path: path.id };
  }

  /** Whether there is anything to send that would need keys. */
  get wants(): boolean {
    const { control, datagrams, queue } = this.#state;
    return control.pending || datagrams.head !== undefined || queue.head() !== undefined;
  }

  /** Answers to challenges, and challenges of addresses the peer may have moved to. */
  #aside(keys: KeyGeneration, path: PathState, now: number): Sending | undefined {
    const { paths } = this.#state;
    const response = paths.responses.shift();
    if (response !== undefined) {
      this.#planner.begin(keys, path, BASE_PACKET_BYTES, response.path);
      this.#planner.frames((writer) =>
        writer.pathResponse(response.token, path.properties.observed ?? UNKNOWN_ADDRESS),
      );
      return { keys, path: response.path };
    }
    const candidate = paths.dueChallenge(now);
    return candidate === undefined ? undefined : this.#challenge(candidate, keys, path, now);
  }

  #challenge(
    candidate: Candidate,
    keys: KeyGeneration,
    path: PathState,
    now: number,
  ): Sending | undefined {
    candidate.challenges++;
    candidate.challengeAt = now + path.rtt.ptoMs * 2 ** candidate.challenges;
    const room = Math.min(BASE_PACKET_BYTES, this.#state.paths.allowance(candidate.path));
    if (room < CHALLENGE_BYTES_MIN) return undefined;
    this.#planner.begin(keys, path, BASE_PACKET_BYTES, candidate.path);
    this.#planner.frames((writer) => {
      writer.pathChallenge(candidate.token);
      writer.padTo(room - FRAMES_OVERHEAD_BYTES);
    });
    return { keys, path: candidate.path };
  }

  /** A PING under new keys, until they are confirmed. */
  #confirm(path: PathState, now: number): Sending | undefined {
    for (const keys of this.#state.generations.all) {
      if (keys.pingAt > now || !keys.usable(now)) continue;
      keys.pingAt = now + path.rtt.ptoMs;
      this.#planner.begin(keys, path, path.size.current);
      this.#planner.frames((writer, items) => {
        writer.ping();
        items.push({ kind: FRAME.PADDING, id: -1 });
      });
      return { keys, path: path.id };
    }
    return undefined;
  }

  /** The last packet under keys that newer ones replaced. */
  #leave(sending: KeyGeneration, path: PathState, now: number): Sending | undefined {
    const old = this.#state.generations.left(sending);
    if (old === undefined) return undefined;
    old.leftAt = now;
    old.pingAt = Infinity;
    if (!old.usable(now)) return undefined;
    this.#planner.begin(old, path, path.size.current);
    this.#planner.frames((writer) => writer.retire(0));
    return { keys: old, path: path.id };
  }

  /** A padded PING of a size not yet known to pass. */
  #probeSize(keys: KeyGeneration, path: PathState, now: number): Sending | undefined {
    const bytes = keys.confirmed ? path.size.probe(now) : 0;
    if (bytes === 0) return undefined;
    path.size.probeSent(bytes);
    this.#planner.begin(keys, path, bytes);
    this.#planner.frames((writer, items) => {
      writer.ping();
      writer.padTo(bytes - FRAMES_OVERHEAD_BYTES);
      items.push({ kind: FRAME.PADDING, id: bytes });
    });
    return { keys, path: path.id };
  }

  #data(keys: KeyGeneration, path: PathState, now: number): Sending | undefined {
    const probing = path.probes > 0;
    const small = probing && path.ptoCount > SMALL_PROBES_FROM;
    const packetBytes = small ? BASE_PACKET_BYTES : path.size.current;
    const budget = probing ? PROBE_PACKETS * packetBytes : this.#budget(path, now, packetBytes);
    this.#planner.begin(keys, path, packetBytes);
    this.#planner.addFrames(now, budget);
    this.#planner.addStreams(budget);
    this.#noteLimits(path);
    if (this.#planner.empty) return undefined;
    path.probes = 0;
    if (!path.properties.loopback) path.pacer.spend(this.#planner.bytes);
    return { keys, path: path.id };
  }

  /** What is delivered from now on says little of the path where the program, not the window, is the limit. */
  #noteLimits(path: PathState): void {
    const inFlight = path.inFlight + this.#planner.bytes;
    if (this.#state.queue.head() !== undefined || inFlight >= path.controller.window) return;
    path.appLimitedTo = path.delivered + inFlight;
  }

  /** Bytes that window and pacing let go now. */
  #budget(path: PathState, now: number, packetBytes: number): number {
    const { controller, pacer } = path;
    const { queue } = this.#state;
    const room = controller.window - path.inFlight;
    if (room < packetBytes || path.properties.loopback) return Math.max(0, room);
    if (queue.head() === undefined && this.#state.datagrams.head === undefined) return 0;
    const { capBytesPerMs = Infinity, trainPackets = Infinity } = path.properties.group ?? {};
    const rate = Math.min(controller.rate, capBytesPerMs);
    const paced = pacer.allowance(now, rate, packetBytes);
    if (paced === 0) this.paceAt = pacer.readyAt(rate, packetBytes);
    return Math.min(room, paced, trainPackets * packetBytes);
  }
}
