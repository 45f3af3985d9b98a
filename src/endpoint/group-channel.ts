/** The stream to another member of a group, as the group's engine wants it. */
import type { MemberChannel } from "../multicast/group/greeting.ts";
import type { Party } from "../multicast/group/proof.ts";
import { type GroupRecord, GroupRecordReader } from "../wire/group-records.ts";
import type { SessionRecord } from "./session-record.ts";
import type { Stream } from "./stream.ts";

/** Statistics of a session are dear where 255 are asked at every turn. */
const RTT_FRESH_MS = 1000;
/** Records that a peer does not fetch; beyond, it is no member worth keeping. */
const UNSENT_BYTES_MAX: number = 4 * 1024 * 1024;

export class GroupChannel implements MemberChannel {
  readonly peer: Party;
  readonly opened: boolean;
  readonly #record: SessionRecord;
  readonly #stream: Stream;
  readonly #now: () => number;
  #rttMs = 0;
  #rttAt: number = Number.NEGATIVE_INFINITY;

  constructor(record: SessionRecord, stream: Stream, opened: boolean, now: () => number) {
    this.peer = record.peer;
    this.opened = opened;
    this.#record = record;
    this.#stream = stream;
    this.#now = now;
    // The end of the stream is what counts, not its cause.
    stream.on("error", () => undefined);
  }

  get exporters(): readonly Uint8Array[] {
    return this.#record.exporters;
  }

  get rttMs(): number {
    const now = this.#now();
    if (now - this.#rttAt > RTT_FRESH_MS) {
      this.#rttMs = this.#record.engine.stats().rttMs;
      this.#rttAt = now;
    }
    return this.#rttMs;
  }

  get address(): string {
    return this.#record.address;
  }

  get unsentBytes(): number {
    return this.#stream.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (this.#stream.writableEnded || this.#stream.destroyed) return;
    if (this.#stream.writableLength > UNSENT_BYTES_MAX) this.#stream.destroy();
    else this.#stream.write(bytes);
  }

  close(): void {
    this.#stream.end(() => this.#stream.destroy());
  }

  /** Records in order until the stream ends, or says what no member says. */
  async *records(): AsyncGenerator<GroupRecord, void> {
    const reader = new GroupRecordReader();
    for await (const chunk of this.#stream) {
      const records = reader.push(chunk as Uint8Array);
      if (records === "malformed") return;
      yield* records;
    }
  }
}
