/** Collects an offer as it comes, and refuses what may not be in it. */
import { fold, type NameRules, whyNotLink, whyNotPath } from "./names.ts";
import { printable } from "./printable.ts";
import { type Entry, KIND, type Kind } from "./records.ts";

/** An entry whose names were found fit. */
export interface FitEntry extends Entry {
  readonly path: string;
}

/** Which names the target's file system takes for the same. */
export interface Folding {
  readonly caseless: boolean;
  /** Unicode forms. */
  readonly normalising: boolean;
}

export class OfferBook {
  readonly entries: Entry[] = [];
  /** Why entries are refused, by number. */
  readonly refused: Map<number, string> = new Map();
  bytes = 0;
  files = 0;
  /** UTF-16 units of all paths and of what links lead to. */
  nameUnits = 0;
  /** Folders that names speak of and that were not offered before: a name of 4,096 bytes may speak of 2,047. */
  implied = 0;
  readonly #rules: NameRules;
  readonly #kinds = new Map<string, Kind>();
  /** Paths with something below them. */
  readonly #parents = new Set<string>();

  constructor(rules: NameRules) {
    this.#rules = rules;
  }

  add(entry: Entry): void {
    const number = this.entries.length;
    this.entries.push(entry);
    this.bytes += entry.size;
    this.nameUnits += (entry.path?.length ?? 0) + (entry.target?.length ?? 0);
    if (entry.kind === KIND.file) this.files++;
    const why = this.#whyNot(entry);
    if (why !== undefined) this.refused.set(number, why);
    else this.#kinds.set(entry.path as string, entry.kind);
  }

  /** The entries that may be taken, with their numbers. */
  *fit(): Generator<readonly [number, FitEntry], void, undefined> {
    for (const [number, entry] of this.entries.entries()) {
      if (!this.refused.has(number)) yield [number, entry as FitEntry];
    }
  }

  /** Refuses entries that the target could not keep apart. */
  refuseCollisions(folding: Folding): void {
    if (!folding.caseless && !folding.normalising) return;
    const spelled = new Map<string, string>();
    for (const [number, { path }] of [...this.fit()]) {
      const other = collision(path, spelled, folding);
      if (other === undefined) continue;
      const names = `${printable(path)} and ${printable(other)}`;
      this.refused.set(number, `${names} are the same name in the target`);
    }
  }

  #whyNot(entry: Entry): string | undefined {
    const { path, kind } = entry;
    if (path === undefined) return "a name is not UTF-8";
    const why = whyNotPath(path, this.#rules);
    if (why !== undefined) return why;
    if (this.#kinds.has(path)) return `${printable(path)} is offered twice`;
    if (kind !== KIND.folder && this.#parents.has(path)) {
      return `${printable(path)} is offered as a folder, too`;
    }
    if (kind === KIND.link) {
      if (entry.target === undefined) return `${printable(path)}: the link's target is not UTF-8`;
      const whyNot = whyNotLink(path, entry.target);
      if (whyNot !== undefined) return whyNot;
    }
    return this.#whyNotBelow(path);
  }

  #whyNotBelow(path: string): string | undefined {
    const above: string[] = [];
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      const parent = path.slice(0, at);
      if (this.#parents.has(parent)) break;
      const kind = this.#kinds.get(parent);
      if (kind !== undefined && kind !== KIND.folder) {
        return `${printable(path)} is below ${printable(parent)}, which is not offered as a folder`;
      }
      if (kind === undefined) this.implied++;
      above.push(parent);
    }
    for (const parent of above) this.#parents.add(parent);
    return undefined;
  }
}

/** @returns the other spelling of the path or of a folder it is in */
function collision(
  path: string,
  spelled: Map<string, string>,
  folding: Folding,
): string | undefined {
  for (let at = path.indexOf("/"); ; at = path.indexOf("/", at + 1)) {
    const prefix = at < 0 ? path : path.slice(0, at);
    const key = folded(prefix, folding);
    const known = spelled.get(key);
    if (known === undefined) spelled.set(key, prefix);
    else if (known !== prefix) return known;
    if (at < 0) return undefined;
  }
}

function folded(name: string, folding: Folding): string {
  if (folding.caseless && folding.normalising) return fold(name);
  return folding.caseless ? name.toUpperCase().toLowerCase() : name.normalize("NFC");
}
