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
    const spellings = new Spellings(folding);
    for (const [number, { path }] of [...this.fit()]) {
      const other = spellings.otherOf(path);
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

interface Folder {
  readonly number: number;
  /** Another spelling, of the folder or of one it is in. */
  readonly other: string | undefined;
}

/** What was spelled first, folder by folder: a name is folded once, however many paths go through it. */
class Spellings {
  readonly #folding: Folding;
  readonly #folders = new Map<string, Folder>([["", { number: 0, other: undefined }]]);
  /** Paths, by the number of their folder and their folded name. */
  readonly #firsts = new Map<string, string>();

  constructor(folding: Folding) {
    this.#folding = folding;
  }

  /** @returns the other spelling of the path or of a folder it is in */
  otherOf(path: string): string | undefined {
    const at = path.lastIndexOf("/");
    const { number, other } = this.#folder(path.slice(0, Math.max(0, at)));
    if (other !== undefined) return other;
    const name = `${number}/${folded(path.slice(at + 1), this.#folding)}`;
    const first = this.#firsts.get(name);
    if (first === undefined) this.#firsts.set(name, path);
    return first === path ? undefined : first;
  }

  #folder(path: string): Folder {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const other = this.otherOf(path);
    const folder = { number: this.#folders.size, other };
    this.#folders.set(path, folder);
    return folder;
  }
}

function folded(name: string, folding: Folding): string {
  if (folding.caseless && folding.normalising) return fold(name);
  return folding.caseless ? name.toUpperCase().toLowerCase() : name.normalize("NFC");
}
