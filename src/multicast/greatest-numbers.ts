/** The greatest number heard of each sender, of the last thousand: older announcements are replays. */
import { RecentMap } from "../base/recent-map.ts";

const SENDERS_MAX = 1024;

export class GreatestNumbers {
  readonly #greatest = new RecentMap<string, number>(SENDERS_MAX);

  isNew(name: string, number: number): boolean {
    return number > (this.#greatest.get(name) ?? -1);
  }

  take(name: string, number: number): void {
    this.#greatest.set(name, number);
  }
}
