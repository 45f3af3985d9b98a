import type { GroupDrops } from "../counters.ts";

const MOST_REPORTED = 256;
/** Sources remembered before the less busy half is forgotten, so that a new one has its chance. */
const MOST_REMEMBERED = 2 * MOST_REPORTED;

/** The counters of a socket that are also kept by source. */
const COLUMNS = {
  droppedUnknown: "unknown",
  droppedForged: "forged",
  droppedReplayed: "replayed",
} as const;

type Mutable = { -readonly [Key in keyof GroupDrops]: GroupDrops[Key] };

/** Who sends us by groups what we cannot open: bounded, and keeps the busiest. */
export class GroupDropLog {
  readonly #bySource = new Map<string, Mutable>();

  /** @param counter - one of SocketCounters; others are not kept by source */
  count(source: string, interfaceName: string, counter: string): void {
    const column = COLUMNS[counter as keyof typeof COLUMNS];
    if (column === undefined) return;
    const key = `${source} ${interfaceName}`;
    let drops = this.#bySource.get(key);
    if (drops === undefined) {
      if (this.#bySource.size >= MOST_REMEMBERED) this.#forgetTheLeast();
      drops = { source, interface: interfaceName, unknown: 0, forged: 0, replayed: 0 };
      this.#bySource.set(key, drops);
    }
    drops[column]++;
  }

  /** The busiest first. */
  busiest(): readonly GroupDrops[] {
    return this.#sorted().map(([, drops]) => ({ ...drops }));
  }

  #sorted(): [key: string, drops: Mutable][] {
    const all = [...this.#bySource].sort(([, left], [, right]) => total(right) - total(left));
    return all.slice(0, MOST_REPORTED);
  }

  #forgetTheLeast(): void {
    const busiest = this.#sorted();
    this.#bySource.clear();
    for (const [key, drops] of busiest) this.#bySource.set(key, drops);
  }
}

function total({ unknown, forged, replayed }: GroupDrops): number {
  return unknown + forged + replayed;
}
