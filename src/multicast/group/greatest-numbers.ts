/** The greatest number heard of each sender, of the last thousand: older announcements are replays. */
const SENDERS_MAX = 1024;

export class GreatestNumbers {
  readonly #greatest = new Map<string, number>();

  isNew(name: string, number: number): boolean {
    return number > (this.#greatest.get(name) ?? -1);
  }

  take(name: string, number: number): void {
    this.#greatest.delete(name);
    this.#greatest.set(name, number);
    const [oldest] = this.#greatest.keys();
    if (this.#greatest.size > SENDERS_MAX && oldest !== undefined) this.#greatest.delete(oldest);
  }
}
