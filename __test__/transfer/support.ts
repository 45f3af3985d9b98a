/** Two sessions in memory, and folders to send between them. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import type { ExecutionContext } from "ava";
import { createBLAKE3 } from "hash-wasm";
import type { TransferSession } from "../../src/transfer/session.ts";

const hasher = await createBLAKE3();

export function blake3(data: Uint8Array): Uint8Array {
  return hasher.init().update(data).digest("binary");
}

export interface MemoryOptions {
  /** Ends the session when the sender's side has carried this many bytes. */
  readonly cutAfterBytes?: number;
  /** Bytes on the way in one direction. */
  readonly bufferBytes?: number;
  /** Sizes of delivered pieces, in turn. */
  readonly pieces?: readonly number[];
  /** Streams have `consume`, whose bytes are overwritten as soon as the consumer returns. */
  readonly consumable?: boolean;
}

/**
 * A stream that, as an engine does, takes written bytes by reference, says so at once, and reads them
 * later: whoever changes a buffer before its bytes have arrived is found out.
 */
class MemoryStream extends Duplex {
  other!: MemoryStream;
  carried = 0;
  readonly #options: MemoryOptions;
  readonly #carried: (bytes: number) => void;
  #queue: Buffer[] = [];
  #queued = 0;
  #ending: (() => void) | undefined;
  #full: (() => void) | undefined;
  #wanted = false;
  #turn = 0;
  #scheduled = false;
  #taker: ((bytes: Uint8Array) => Promise<unknown> | undefined) | undefined;
  #held = false;

  constructor(options: MemoryOptions, carried: (bytes: number) => void) {
    super({ allowHalfOpen: true, highWaterMark: 1024 * 1024 });
    this.#options = options;
    this.#carried = carried;
    if (options.consumable) Object.assign(this, { consume: this.#consume.bind(this) });
  }

  #consume(take: (bytes: Uint8Array) => Promise<unknown> | undefined): void {
    this.#taker = take;
    this.resume();
  }

  /** @returns whether more is wanted */
  #hand(bytes: Uint8Array): boolean {
    if (this.#taker === undefined) return this.push(Buffer.from(bytes));
    const borrowed = new Uint8Array(bytes);
    const pending = this.#taker(borrowed);
    borrowed.fill(0xee);
    this.#held = pending !== undefined;
    void pending?.then(() => {
      this.#held = false;
      this.#deliverSoon();
    });
    return true;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#queue.push(chunk);
    this.#queued += chunk.length;
    if (this.#queued < (this.#options.bufferBytes ?? 1 << 22)) done();
    else this.#full = done;
    this.other.#deliverSoon();
  }

  override _final(done: () => void): void {
    this.#ending = done;
    this.other.#deliverSoon();
  }

  override _read(): void {
    this.#wanted = true;
    this.#deliverSoon();
  }

  /** As an engine does: the other side is told to stop, and what it has not read is gone. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    setImmediate(() => this.other.destroy());
    done(error);
  }

  #deliverSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const from = this.other;
    while (this.#wanted && !this.#held && from.#queue.length > 0 && !this.destroyed) {
      const first = from.#queue[0] as Buffer;
      const pieces = this.#options.pieces ?? [65_536];
      const bytes = Math.min(pieces[this.#turn++ % pieces.length] as number, first.length);
      if (bytes === first.length) from.#queue.shift();
      else from.#queue[0] = first.subarray(bytes);
      from.#queued -= bytes;
      from.carried += bytes;
      this.#wanted = this.#hand(first.subarray(0, bytes));
      from.#carried(from.carried);
    }
    const full = from.#full;
    if (full !== undefined && from.#queued < (this.#options.bufferBytes ?? 1 << 22)) {
      from.#full = undefined;
      full();
    }
    const isEmpty = from.#queue.length === 0 && !this.#held;
    if (from.#ending !== undefined && isEmpty && !this.destroyed) {
      this.push(null);
      from.#ending();
      from.#ending = undefined;
    }
  }
}

export interface MemoryPair {
  readonly sender: TransferSession;
  readonly receiver: TransferSession;
  /** Bytes the sender's streams carried. */
  carried(): number;
  /** Both sides lose the session, in silence. */
  cut(): void;
  /** The sender's ends of the streams. */
  readonly streams: Duplex[];
}

const SENDER_KEY: Uint8Array = new Uint8Array(32).fill(1);
const RECEIVER_KEY = new Uint8Array(32).fill(2);

export function memoryPair(options: MemoryOptions = {}): MemoryPair {
  const streams: MemoryStream[] = [];
  const arrived: Duplex[] = [];
  const waiting: ((result: IteratorResult<Duplex>) => void)[] = [];
  let over: () => void = () => {};
  const closed = new Promise<void>((resolve) => {
    over = resolve;
  });
  let isOver = false;
  const cut = () => {
    isOver = true;
    for (const stream of streams) {
      stream.other.destroy();
      stream.destroy();
    }
    for (const resolve of waiting.splice(0)) resolve({ done: true, value: undefined });
    over();
  };
  const open = async () => {
    const near = new MemoryStream(options, (bytes) => {
      if (bytes >= (options.cutAfterBytes ?? Number.POSITIVE_INFINITY)) cut();
    });
    const far = new MemoryStream(options, () => {});
    near.other = far;
    far.other = near;
    streams.push(near);
    const next = waiting.shift();
    if (next === undefined) arrived.push(far);
    else next({ done: false, value: far });
    return near;
  };
  const next = async (): Promise<IteratorResult<Duplex>> => {
    const value = arrived.shift();
    if (value !== undefined) return { done: false, value };
    if (isOver) return { done: true, value: undefined };
    return new Promise((resolve) => waiting.push(resolve));
  };
  const nobody = async () => Promise.reject(new Error("only the sender opens streams"));
  const peer = (key: Uint8Array) => ({ key, keyText: `key ${key[0]}` });
  const none = async function* () {};
  return {
    sender: { peer: peer(RECEIVER_KEY), blake3, openStream: open, streams: none, closed },
    receiver: {
      peer: peer(SENDER_KEY),
      blake3,
      openStream: nobody,
      streams: () => ({ [Symbol.asyncIterator]: () => ({ next }) }),
      closed,
    },
    carried: () => streams.reduce((sum, stream) => sum + stream.carried, 0),
    cut,
    streams,
  };
}

/** A folder that is gone when the test is over. */
export async function scratch(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mp2p-transfer-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Bytes that repeat nowhere, the same for the same seed. */
export function noise(bytes: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let state = seed >>> 0 || 1;
  for (let at = 0; at < words.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[at] = state ^ at;
  }
  return Buffer.from(words.buffer, 0, bytes);
}

/** What a folder holds: a line of kind, mode, time and content for each path. */
export async function listing(folder: string, below = ""): Promise<Record<string, string>> {
  const lines: Record<string, string> = {};
  for (const name of (await readdir(join(folder, below))).sort()) {
    const path = below === "" ? name : `${below}/${name}`;
    const at = join(folder, path);
    const stat = fs.lstatSync(at, { bigint: true });
    const mode = (Number(stat.mode) & 0o7777).toString(8);
    const time = String(stat.mtimeNs / 1000n);
    if (stat.isSymbolicLink()) {
      lines[path] = `link ${await readlink(at)}`;
    } else if (stat.isDirectory()) {
      lines[path] = `folder ${mode} ${time}`;
      Object.assign(lines, await listing(folder, path));
    } else {
      lines[path] = `file ${mode} ${time} ${sha256(await readFile(at))}`;
    }
  }
  return lines;
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Replaces functions of node:fs for one test; tests that do are serial. */
export function patch(
  t: ExecutionContext,
  patches: Partial<Record<keyof typeof fs, unknown>>,
): void {
  for (const [name, replacement] of Object.entries(patches)) {
    const original = Reflect.get(fs, name);
    Reflect.set(fs, name, replacement);
    t.teardown(() => Reflect.set(fs, name, original));
  }
}
