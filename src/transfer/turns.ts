/** Others' turns on the event loop while many entries are looked at in a row: by how many, not by a clock. */

/** UTF-16 units of names between two turns: one of the longest paths, whose 2,000 folders take 30 ms. */
export const TURN_UNITS: number = 4096;
/** What an entry costs besides its name, as units. */
export const ENTRY_UNITS = 64;

export class Turns {
  readonly #check: () => void;
  #units = 0;

  /** @param check - throws where the transfer has ended meanwhile */
  constructor(check: () => void) {
    this.#check = check;
  }

  /**
   * Counts an entry.
   *
   * @param units - UTF-16 units of its name
   * @returns undefined where the next may follow at once; otherwise to be awaited: rejects as `check` throws
   */
  after(units: number): Promise<void> | undefined {
    this.#units += units + ENTRY_UNITS;
    return this.#units < TURN_UNITS ? undefined : this.#turn();
  }

  async #turn(): Promise<void> {
    this.#units = 0;
    await new Promise((resolve) => setImmediate(resolve));
    this.#check();
  }
}
