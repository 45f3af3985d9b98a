import { SparseMap, SparseSet } from "../base/sparse.ts";
import { FRAME, type StreamKind } from "../wire/frames.ts";
import type { FrameWriter } from "../wire/frames-write.ts";
import type { SendHalf } from "./send-half.ts";
import type { Streams } from "./streams.ts";

/** One frame of a sent packet, as far as its loss or delivery matters. */
export interface ControlItem {
  /** A FRAME type; PADDING stands for a packet-size probe. */
  readonly kind: number;
  /** Stream id, kind of streams, or size of a probe. */
  readonly id: number;
  /** Of STREAM frames. */
  readonly half?: SendHalf;
  readonly offset?: number;
  readonly length?: number;
  readonly fin?: boolean;
  /** Of STREAM frames: sent for the first time. */
  readonly fresh?: boolean;
}

interface Reset {
  readonly code: number;
  readonly finalSize: number;
}

/** Control frames that wait to be sent. Values are read when a frame is written, so a repeat is never stale. */
export class ControlQueue {
  readonly #streams: Streams;
  #creditDue = false;
  #pingDue = false;
  readonly #streamsDue: [boolean, boolean] = [false, false];
  readonly #creditsDue = new SparseSet<number>();
  readonly #resets = new SparseMap<number, Reset>();
  readonly #stops = new SparseMap<number, number>();

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  get pending(): boolean {
    if (this.#creditDue || this.#pingDue || this.#streamsDue[0] || this.#streamsDue[1]) return true;
    return this.#creditsDue.size + this.#resets.size + this.#stops.size > 0;
  }

  ping(): void {
    this.#pingDue = true;
  }

  credit(): void {
    this.#creditDue = true;
  }

  streamCredit(stream: number): void {
    this.#creditsDue.add(stream);
  }

  streams(kind: StreamKind): void {
    this.#streamsDue[kind] = true;
  }

  reset(stream: number, code: number, finalSize: number): void {
    this.#resets.set(stream, { code, finalSize });
  }

  stop(stream: number, code: number): void {
    this.#stops.set(stream, code);
  }

  /** Writes what fits and notes it in `items`. */
  fill(writer: FrameWriter, items: ControlItem[], now: number, rttMs: number): void {
    if (this.#creditDue && writer.room >= 7) {
      writer.credit(this.#streams.window.grant(now, rttMs));
      this.#creditDue = false;
      items.push({ kind: FRAME.CREDIT, id: 0 });
    }
    this.#fillStreams(writer, items);
    this.#fillStreamCredits(writer, items, now, rttMs);
    for (const [id, { code, finalSize }] of this.#resets) {
      if (!writer.reset(id, code, finalSize)) break;
      this.#resets.delete(id);
      items.push({ kind: FRAME.RESET, id, length: finalSize, offset: code });
    }
    for (const [id, code] of this.#stops) {
      if (!writer.stop(id, code)) break;
      this.#stops.delete(id);
      items.push({ kind: FRAME.STOP, id, offset: code });
    }
    if (this.#pingDue && writer.ping()) {
      this.#pingDue = false;
      items.push({ kind: FRAME.PING, id: 0 });
    }
  }

  /** A frame did not arrive, or did not leave: it goes again if it still says something. */
  repeat(item: ControlItem): void {
    switch (item.kind) {
      case FRAME.CREDIT:
        this.#creditDue = true;
        break;
      case FRAME.STREAM_CREDIT:
        this.#creditsDue.add(item.id);
        break;
      case FRAME.STREAMS:
        this.#streamsDue[item.id as StreamKind] = true;
        break;
      case FRAME.RESET:
        this.#resets.set(item.id, { code: item.offset ?? 0, finalSize: item.length ?? 0 });
        break;
      case FRAME.STOP:
        if (this.#streams.receive(item.id)?.over === false)
          this.#stops.set(item.id, item.offset ?? 0);
        break;
    }
  }

  #fillStreamCredits(writer: FrameWriter, items: ControlItem[], now: number, rttMs: number): void {
    for (const id of this.#creditsDue) {
      const receive = this.#streams.receive(id);
      if (receive !== undefined && !receive.over) {
        if (writer.room < 11) break;
        writer.streamCredit(id, receive.window.grant(now, rttMs));
        items.push({ kind: FRAME.STREAM_CREDIT, id });
      }
      this.#creditsDue.delete(id);
    }
  }

  #fillStreams(writer: FrameWriter, items: ControlItem[]): void {
    for (const kind of [0, 1] as const) {
      if (!this.#streamsDue[kind] || writer.room < 6) continue;
      writer.streams(kind, this.#streams.grantStreams(kind));
      this.#streamsDue[kind] = false;
      items.push({ kind: FRAME.STREAMS, id: kind });
    }
  }
}
