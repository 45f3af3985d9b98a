/** What goes to the groups: repairs first, then hashes asked for again, then content in order. */
import {
  BLOCK_SYMBOLS,
  DATA_HEADER_BYTES,
  PARITY_SYMBOLS,
  type Primitives,
  TAG_BYTES,
} from "../../backend/port.ts";
import { type AuthHead, type AuthSigner, authFrame, hashesPerPacket } from "./auth-frame.ts";
import type { BlockSource } from "./block-source.ts";
import { Burst, SPANS_MOST } from "./burst.ts";
import type { Channels } from "./channels.ts";
import type { Geometry } from "./geometry.ts";
import { ParityCache } from "./parity-cache.ts";
import { type Repair, RepairQueue } from "./repair.ts";

/** Repairs may leave though the window is closed: they open it. */
const REPAIRS_BEYOND_WINDOW = 64;

/** Kept, as a block is often repaired again a hundred blocks later: in advance, for one receiver, for another. */
const PARITY_BYTES = 16 * 1024 * 1024;

/** What one span of a burst stands for, once it has left. */
type Part =
  | { readonly kind: "hashes"; readonly first: number; readonly end: number }
  | { readonly kind: "repair"; readonly run: Repair }
  | { readonly kind: "content"; readonly run: Repair };

export interface TransmitterOptions extends AuthSigner {
  readonly primitives: Primitives;
  head(): AuthHead;
  /** Whether nobody needs this block. */
  skips(block: number): boolean;
  /** Parity symbols to send with each block before anybody asks. */
  parityAhead(): number;
}

export class Transmitter {
  readonly repairs: RepairQueue = new RepairQueue();
  /** Blocks below were sent whole, or nobody needed them. */
  block = 0;
  /** Of `block`: symbols below were sent. */
  #symbol = 0;
  /** Hashes of blocks below were sent once. */
  #announced = 0;
  readonly #asked = new Set<number>();
  readonly #options: TransmitterOptions;
  readonly #geometry: Geometry;
  readonly #source: BlockSource;
  readonly #channels: Channels;
  readonly #burst: Burst;
  readonly #hashesMost: number;
  /** Of as many blocks as a burst has spans, at least. */
  readonly #parities: ParityCache;
  #parts: Part[] = [];

  constructor(
    geometry: Geometry,
    source: BlockSource,
    channels: Channels,
    options: TransmitterOptions,
  ) {
    this.#geometry = geometry;
    this.#source = source;
    this.#channels = channels;
    this.#options = options;
    this.#burst = new Burst(geometry);
    const parities = Math.floor(PARITY_BYTES / (PARITY_SYMBOLS * geometry.symbolBytes));
    this.#parities = new ParityCache(options.primitives, geometry, Math.max(SPANS_MOST, parities));
    const plaintextBytes = geometry.packetBytes - DATA_HEADER_BYTES - TAG_BYTES;
    this.#hashesMost = hashesPerPacket(plaintextBytes);
  }

  /** Everything was sent at least once. */
  get isDone(): boolean {
    return this.block >= this.#geometry.blocks;
  }

  /** Somebody lacks the hash of a block. @returns whether that makes one more packet */
  askHash(block: number): boolean {
    const page = Math.floor(block / this.#hashesMost);
    if (block >= this.#announced || this.#asked.has(page)) return false;
    this.#asked.add(page);
    return true;
  }

  /** Says where we are: on the channels in use, or on all of them with a packet of full size. */
  pulse(everywhere: boolean): void {
    this.#burst.clear();
    const padTo = everywhere ? this.#geometry.packetBytes - DATA_HEADER_BYTES - TAG_BYTES : 0;
    this.#burst.frames(authFrame(this.#options, this.#options.head(), undefined, padTo));
    if (everywhere) this.#channels.sendAll(this.#burst);
    else this.#channels.send(this.#burst);
  }

  /**
   * Sends one burst.
   *
   * @param paced - packets that pacing allows. @param window - packets that the window allows
   * @returns UDP payload bytes that left; 0 where there is nothing to send, or no room
   */
  send(now: number, paced: number, window: number): number {
    this.#burst.clear();
    this.#parts = [];
    const repairs = Math.min(paced, Math.max(window, REPAIRS_BEYOND_WINDOW));
    this.#addHashes();
    this.#addRepairs(now, repairs);
    this.#addContent(Math.min(paced, window));
    const { packets, wireBytes } = this.#burst;
    const taken = packets === 0 ? 0 : this.#channels.send(this.#burst);
    this.#commit(taken, now);
    return packets === 0 ? 0 : Math.round((wireBytes * taken) / packets);
  }

  /** Moves on without sending: nobody listens to the groups. */
  skipTo(block: number): void {
    this.block = Math.max(this.block, block);
    this.#announced = Math.max(this.#announced, block);
    this.#symbol = 0;
  }

  #addHashes(): void {
    for (const page of this.#asked) {
      if (this.#burst.room === 0) return;
      const first = page * this.#hashesMost;
      const end = Math.min(first + this.#hashesMost, this.#announced);
      if (first >= this.#source.firstHash) this.#addPage(first, end);
      // Nobody needs a block of it any more.
      else this.#asked.delete(page);
    }
  }

  #addPage(first: number, end: number): void {
    const hashes: Uint8Array[] = [];
    for (let block = first; block < end; block++) hashes.push(this.#source.hash(block));
    this.#burst.frames(authFrame(this.#options, this.#options.head(), { first, hashes }));
    this.#parts.push({ kind: "hashes", first, end });
  }

  #addRepairs(now: number, most: number): void {
    for (const { block, need } of this.repairs.due(now)) {
      if (this.#burst.packets >= most || this.#burst.room === 0) return;
      if (this.#source.get(block) === undefined) {
        this.#source.want(block);
        continue;
      }
      const runs = this.repairs.runs(block, need, this.#geometry.symbolsOf(block));
      for (const run of runs) this.#addRun(run, most);
    }
  }

  /** As much of a run as there is room for. */
  #addRun(run: Repair, most: number): void {
    const { room, packets } = this.#burst;
    const count = Math.min(run.count, room, most - packets);
    if (count <= 0) return;
    const { symbolBytes } = this.#geometry;
    const { block, first, of } = run;
    const isParity = first >= BLOCK_SYMBOLS;
    const symbols = this.#source.symbols(block);
    if (symbols === undefined) return;
    const bytes = isParity ? this.#parities.get(block, symbols) : symbols;
    const at = (isParity ? first - BLOCK_SYMBOLS : first) * symbolBytes;
    this.#burst.symbols(block, first, count, bytes, at);
    this.#parts.push({ kind: "repair", run: { block, first, count, of } });
  }

  #addContent(most: number): void {
    let block = this.block;
    let symbol = this.#symbol;
    let announced = this.#announced;
    while (this.#burst.packets < most && this.#burst.room > 0 && block < this.#geometry.blocks) {
      const bytes = block < this.#source.hashed ? this.#source.symbols(block) : undefined;
      if (bytes === undefined) {
        this.#source.ahead(block);
        return;
      }
      if (block >= announced) {
        announced = Math.min(this.#source.hashed, block + this.#hashesMost);
        this.#addPage(block, announced);
        this.#source.ahead(block + this.#source.chunkBlocks);
      }
      const sources = this.#options.skips(block) ? 0 : this.#geometry.symbolsOf(block);
      symbol += this.#addSymbols(block, symbol, sources, bytes, most);
      if (symbol < sources) return;
      if (sources > 0) this.#addAhead(block, sources, most);
      block++;
      symbol = 0;
    }
  }

  /** As many source symbols as there is room for. @returns how many */
  #addSymbols(
    block: number,
    first: number,
    sources: number,
    bytes: Uint8Array,
    most: number,
  ): number {
    const room = Math.min(this.#burst.room, Math.max(1, most - this.#burst.packets));
    const count = Math.max(0, Math.min(sources - first, room));
    const at = first * this.#geometry.symbolBytes;
    if (count > 0) this.#burst.symbols(block, first, count, bytes, at);
    if (count > 0 || sources <= first) {
      this.#parts.push({ kind: "content", run: { block, first, count, of: sources } });
    }
    return count;
  }

  #addAhead(block: number, of: number, most: number): void {
    const parity = this.#options.parityAhead();
    const run = { block, first: BLOCK_SYMBOLS, count: parity, of };
    if (parity > 0) this.#addRun(run, Math.max(most, this.#burst.packets + parity));
  }

  /** What has left becomes true; what has not is sent by the next burst. */
  #commit(taken: number, now: number): void {
    const repaired = new Map<number, Repair[]>();
    let left = taken;
    for (const part of this.#parts) {
      const packets = part.kind === "hashes" ? 1 : part.run.count;
      const count = Math.min(packets, left);
      left -= count;
      if (count === 0 && packets > 0) break;
      if (part.kind === "hashes") this.#commitHashes(part.first, part.end);
      else if (part.kind === "content") this.#commitContent(part.run, count);
      else {
        const { block } = part.run;
        repaired.set(block, [...(repaired.get(block) ?? []), { ...part.run, count }]);
      }
    }
    const ends = [...this.#channels.active].map(({ number, next }) => [number, next] as const);
    for (const runs of repaired.values()) this.repairs.sent(runs, ends, now);
  }

  #commitHashes(first: number, end: number): void {
    this.#announced = Math.max(this.#announced, end);
    if (first % this.#hashesMost === 0) this.#asked.delete(first / this.#hashesMost);
  }

  #commitContent({ block, first }: Repair, count: number): void {
    const sources = this.#options.skips(block) ? 0 : this.#geometry.symbolsOf(block);
    const isWhole = first + count >= sources;
    this.block = isWhole ? block + 1 : block;
    this.#symbol = isWhole ? 0 : first + count;
  }
}
