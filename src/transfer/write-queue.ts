/**
 * Writes to one file, one at a time: the kernel lets no second one in meanwhile, and those that wait spin
 * at its lock, on processors that have better things to do. Neighbours that wait are one call.
 */
import fs from "node:fs";
import { writeAt } from "./file-calls.ts";
import { threaded } from "./quick-call.ts";

/** Half of a receiver's units: the others fill meanwhile. */
const CALL_BYTES = 3 * 1024 * 1024;

interface Write {
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class WriteQueue {
  readonly #fd: number;
  #waiting: Write[] = [];
  #isWriting = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Settles when the bytes are written, or cannot be: they are in use until then. */
  write(bytes: Uint8Array, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, position, resolve, reject });
      if (!this.#isWriting) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) await this.#call(this.#take());
    this.#isWriting = false;
  }

  /** The first one and those that go on where it ends. */
  #take(): readonly Write[] {
    const [first, ...others] = this.#waiting as [Write, ...Write[]];
    const taken = [first];
    let end = first.position + first.bytes.length;
    for (const write of others) {
      const next = end + write.bytes.length;
      if (write.position !== end || next - first.position > CALL_BYTES) break;
      taken.push(write);
      end = next;
    }
    this.#waiting = this.#waiting.slice(taken.length);
    return taken;
  }

  /** Never rejects. */
  async #call(writes: readonly Write[]): Promise<void> {
    const { position } = writes[0] as Write;
    const parts = writes.map(({ bytes }) => bytes);
    let written = 0;
    try {
      written = await threaded<number>((done) => fs.writev(this.#fd, parts, position, done));
    } catch (error) {
      for (const { reject } of writes) reject(error);
      return;
    }
    for (const { bytes, position: at, resolve, reject } of writes) {
      const here = Math.min(bytes.length, Math.max(0, position + written - at));
      // Where a call wrote less, another one says why.
      if (here === bytes.length) resolve();
      else await writeAt(this.#fd, bytes.subarray(here), at + here).then(resolve, reject);
    }
  }
}
