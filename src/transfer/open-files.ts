/** Files kept open for their next use: the longest unused is closed when there are too many. */
import { allDone } from "./all-done.ts";

interface Closable {
  close(): Promise<void>;
}

interface Slot<File> {
  readonly opening: Promise<File>;
  users: number;
}

export class OpenFiles<File extends Closable> {
  readonly #open: (number: number) => Promise<File>;
  readonly #most: number;
  /** In order of last use. */
  readonly #slots = new Map<number, Slot<File>>();

  constructor(open: (number: number) => Promise<File>, most: number) {
    this.#open = open;
    this.#most = most;
  }

  /** Works with a file that stays open until `work` is done. */
  async use<T>(number: number, work: (file: File) => Promise<T>): Promise<T> {
    const slot = this.#slots.get(number) ?? { opening: this.#open(number), users: 0 };
    slot.users++;
    this.#slots.delete(number);
    this.#slots.set(number, slot);
    try {
      return await work(await slot.opening);
    } catch (error) {
      // A file that could not be opened is tried anew by the next user.
      const isOpen = await slot.opening.then(
        () => true,
        () => false,
      );
      if (!isOpen && this.#slots.get(number) === slot) this.#slots.delete(number);
      throw error;
    } finally {
      slot.users--;
      if (this.#slots.size > this.#most) await this.#closeSome();
    }
  }

  /** It may not be in use. */
  async close(number: number): Promise<void> {
    const slot = this.#slots.get(number);
    this.#slots.delete(number);
    if (slot !== undefined) await closed(slot.opening);
  }

  /** No file may be in use. @throws the first error, when all are closed */
  async closeAll(): Promise<void> {
    const numbers = [...this.#slots.keys()];
    await allDone(numbers.map((number) => this.close(number)));
  }

  async #closeSome(): Promise<void> {
    for (const [number, slot] of this.#slots) {
      if (this.#slots.size <= this.#most) return;
      if (slot.users > 0) continue;
      this.#slots.delete(number);
      await closed(slot.opening);
    }
  }
}

async function closed(opening: Promise<Closable>): Promise<void> {
  const file = await opening.catch(() => undefined);
  await file?.close();
}
