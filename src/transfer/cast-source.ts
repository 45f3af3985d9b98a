/** The content of a cast of files: read ahead while it is read in order, and at any offset again. */
import type { CastContent } from "../multicast/cast/contract.ts";
import { CastLayout } from "./cast-layout.ts";
import { OpenFiles } from "./open-files.ts";
import { SourceFile } from "./source-file.ts";
import type { SourceEntry } from "./source-tree.ts";

/** A cast reads a block of some 180 kB at a time: larger reads keep a disk busy. */
const CHUNK_BYTES: number = 1024 * 1024;
const CHUNKS_AHEAD = 8;
const OPEN_AT_ONCE = 32;

interface Chunk {
  readonly buffer: Uint8Array;
  readonly reading: Promise<void>;
  /** Reads that copy from it. */
  users: number;
}

export class CastSource implements CastContent {
  readonly manifest: Uint8Array;
  readonly bytes: number;
  readonly #layout: CastLayout;
  readonly #files: OpenFiles<SourceFile>;
  /** Read or being read, by number. */
  readonly #chunks = new Map<number, Chunk>();
  readonly #free: Uint8Array[] = [];
  /** Where the next read in order begins. */
  #next = 0;

  constructor(manifest: Uint8Array, entries: readonly SourceEntry[]) {
    this.manifest = manifest;
    this.#layout = new CastLayout(entries);
    this.bytes = this.#layout.bytes;
    const open = (number: number) => SourceFile.open(entries[number] as SourceEntry);
    this.#files = new OpenFiles(open, OPEN_AT_ONCE);
  }

  /** @throws {Mp2pError} `MP2P_SOURCE_CHANGED`, `MP2P_SOURCE`, `MP2P_PERMISSION` */
  async read(offset: number, into: Uint8Array): Promise<number> {
    const content = into.subarray(0, Math.max(0, Math.min(into.length, this.bytes - offset)));
    if (content.length === 0) return 0;
    if (offset === this.#next) {
      this.#next += content.length;
      await this.#takeAhead(offset, content);
    } else {
      await this.#fill(offset, content);
    }
    return content.length;
  }

  /** No read may be under way. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#chunks.values()].map(({ reading }) => reading));
    this.#chunks.clear();
    await this.#files.close();
  }

  /** Copies from chunks whose reading began before anybody asked. */
  async #takeAhead(offset: number, into: Uint8Array): Promise<void> {
    const first = Math.floor(offset / CHUNK_BYTES);
    const last = Math.floor((offset + into.length - 1) / CHUNK_BYTES);
    const used: Chunk[] = [];
    for (let number = first; number <= last + CHUNKS_AHEAD; number++) {
      if (number * CHUNK_BYTES >= this.bytes) break;
      const chunk = this.#chunks.get(number) ?? this.#start(number);
      if (number <= last) used.push(chunk);
    }
    for (const chunk of used) chunk.users++;
    try {
      for (const [index, { buffer, reading }] of used.entries()) {
        await reading;
        const start = (first + index) * CHUNK_BYTES;
        const from = Math.max(offset, start);
        into.set(buffer.subarray(from - start, offset + into.length - start), from - offset);
      }
    } finally {
      for (const chunk of used) chunk.users--;
      this.#dropUsed();
    }
  }

  #start(number: number): Chunk {
    const offset = number * CHUNK_BYTES;
    const bytes = Math.min(CHUNK_BYTES, this.bytes - offset);
    const buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const reading = this.#fill(offset, buffer.subarray(0, bytes));
    // Whoever needs the chunk hears of it.
    reading.catch(() => undefined);
    const chunk = { buffer, reading, users: 0 };
    this.#chunks.set(number, chunk);
    return chunk;
  }

  #dropUsed(): void {
    for (const [number, chunk] of this.#chunks) {
      if ((number + 1) * CHUNK_BYTES > this.#next || chunk.users > 0) return;
      this.#chunks.delete(number);
      this.#free.push(chunk.buffer);
    }
  }

  async #fill(offset: number, into: Uint8Array): Promise<void> {
    for (const { entry, position, from, length } of this.#layout.pieces(offset, into.length)) {
      await this.#files.use(entry, async (file) => {
        await file.read(into.subarray(from, from + length), position);
        // After the read: this vouches for it.
        await file.check();
      });
    }
  }
}
