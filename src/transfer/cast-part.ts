/** An open part file of a cast: what it loses after it was written is taken back in the journal. */
import { closeFile, sync } from "./file-calls.ts";

export class CastPart {
  readonly fd: number;
  /** None of its blocks counts any more. */
  readonly #disown: () => Promise<void>;

  constructor(fd: number, disown: () => Promise<void>) {
    this.fd = fd;
    this.#disown = disown;
  }

  sync(): Promise<void> {
    return this.#kept(sync(this.fd));
  }

  close(): Promise<void> {
    return this.#kept(closeFile(this.fd));
  }

  /** What was written and then could not be kept is said only here (fsync(2), close(2)), once, and of no block. */
  async #kept(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      await this.#disown();
      throw error;
    }
  }
}
