import { FRAME } from "../wire/frames.ts";
import type { ControlItem } from "./control.ts";
import type { SentRun } from "./ledger.ts";
import type { Settlement } from "./recovery.ts";
import type { SendHalf } from "./send-half.ts";
import type { SessionState } from "./session-state.ts";

/** A stream that was full takes bytes again once this part of its buffer is free. */
const WRITABLE_SHARE = 0.5;
const SEND_BUFFER_BYTES = 4 * 1024 * 1024;
/** Of one stream, and of all streams of a session beside their least: a reader that stops may have opened thousands. */
const SEND_BUFFER_BYTES_MAX = 64 * 1024 * 1024;
const SEND_BUFFER_BYTES_LEAST = 64 * 1024;

/** What becomes of the content of packets: delivered, or to be sent again. */
export class Delivery implements Settlement {
  readonly #state: SessionState;

  constructor(state: SessionState) {
    this.#state = state;
  }

  /** Bytes that a stream may take now. None waits for others: each may hold the least there is. */
  roomFor(half: SendHalf): number {
    return Math.max(0, this.#mostOf(half) - half.buffered);
  }

  /** Bytes a stream may hold: what its path needs, as far as the session's other streams leave it. */
  #mostOf(half: SendHalf): number {
    const left = SEND_BUFFER_BYTES_MAX - this.#state.streams.held.bytes;
    return Math.min(this.#bufferBytes(), Math.max(SEND_BUFFER_BYTES_LEAST, half.buffered + left));
  }

  /** Enough for two round trips at the rate of the path. */
  #bufferBytes(): number {
    const path = this.#state.paths.active;
    const product =
      path === undefined ? 0 : Math.ceil(2 * path.controller.bandwidth * path.rtt.smoothed);
    return (
      this.#state.config.sendBufferBytes ??
      Math.min(SEND_BUFFER_BYTES_MAX, Math.max(SEND_BUFFER_BYTES, product))
    );
  }

  acked(run: SentRun): void {
    if (run.stream !== undefined) this.#streamAcked(run.stream, run.offset, run.length, run.fin);
    if (run.items === undefined) return;
    for (const item of run.items) {
      if (item.half !== undefined)
        this.#streamAcked(item.half, item.offset ?? 0, item.length ?? 0, item.fin ?? false);
      else if (item.kind === FRAME.PADDING) run.burst.path.size.probeAcked(item.id);
      else if (item.kind === FRAME.RESET) this.#resetAcked(item.id);
    }
  }

  lost(run: SentRun): void {
    if (run.stream !== undefined) this.#streamLost(run.stream, run.offset, run.length, run.fin);
    if (run.items === undefined) return;
    for (const item of run.items) {
      if (item.half !== undefined)
        this.#streamLost(item.half, item.offset ?? 0, item.length ?? 0, item.fin ?? false);
      else if (item.kind === FRAME.PADDING) run.burst.path.size.probeLost(item.id);
      else this.#state.control.repeat(item);
    }
  }

  /** Sends the first packet's worth of a run again, without giving the run up (RFC 9002 section 6.2.4). */
  probe(run: SentRun): void {
    const length = Math.min(run.length, run.payload);
    if (run.stream === undefined) this.lost(run);
    else this.#streamLost(run.stream, run.offset, length, run.fin && length === run.length);
  }

  /** A span did not leave the socket: as if it had never been taken. */
  unsent(run: SentRun): void {
    if (run.stream !== undefined)
      this.#giveBack(run.stream, run.offset, run.length, run.fin, run.fresh);
    for (const item of [...(run.items ?? [])].reverse()) {
      if (item.half !== undefined) this.#giveBackItem(item.half, item);
      else if (item.kind === FRAME.PADDING) this.#state.paths.active?.size.probeSent(0);
      else if (item.kind === FRAME.PING) this.#state.control.ping();
      else this.#state.control.repeat(item);
    }
  }

  /** Forgets a stream that is done on both sides, and lets the peer open another. */
  settle(id: number): void {
    const kind = this.#state.streams.settle(id);
    if (kind !== undefined) this.#state.control.streams(kind);
  }

  #streamAcked(half: SendHalf, offset: number, length: number, fin: boolean): void {
    const { counters } = this.#state;
    const before = half.delivered;
    counters.streamBytesAcked += half.acked(offset, length, fin);
    if (half.wantsRoom && half.buffered <= this.#mostOf(half) * WRITABLE_SHARE) {
      half.wantsRoom = false;
      this.#state.emit({ kind: "writable", stream: half.id });
    }
    if (before || !half.delivered || half.resetCode !== undefined) return;
    this.#state.emit({ kind: "finished", stream: half.id });
    this.settle(half.id);
  }

  #streamLost(half: SendHalf, offset: number, length: number, fin: boolean): void {
    half.lost(offset, length, fin);
    this.#state.queue.add(half);
  }

  #giveBack(half: SendHalf, offset: number, length: number, fin: boolean, fresh: boolean): void {
    const { counters, queue } = this.#state;
    const back = half.giveBack(offset, length, fin, fresh);
    queue.used -= back;
    if (fresh) counters.streamBytesSent -= back;
    else counters.retransmittedBytes -= length;
    queue.add(half);
  }

  #giveBackItem(half: SendHalf, item: ControlItem): void {
    this.#giveBack(
      half,
      item.offset ?? 0,
      item.length ?? 0,
      item.fin ?? false,
      item.fresh ?? false,
    );
  }

  #resetAcked(id: number): void {
    const half = this.#state.streams.send(id);
    if (half === undefined) return;
    half.resetAcked = true;
    this.settle(id);
  }
}
