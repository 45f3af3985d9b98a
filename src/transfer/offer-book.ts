/** Collects an offer as it comes, and refuses what may not be in it. */
import { fold, type NameRules, whyNotLink, whyNotPath } from "./names.ts";
import { printable } from "./printable.ts";
import { type Entry, KIND, type Kind } from "./records.ts";
import type { Turns } from "./turns.ts";
import { WideMap } from "./wide-map.ts";

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
  readonly #kinds = new WideMap<Kind>();
  /** Paths with something below them. */
  readonly #parents = new WideMap<true>();

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
  async refuseCollisions(folding: Folding, turns: Turns): Promise<void> {
    if (!folding.caseless && !folding.normalising) return;
    const spellings = new Spellings(folding);
    for (const [number, { path }] of this.fit()) {
      const other = spellings.otherOf(path);
      if (other !== undefined) {
        const names = `${printable(path)} and ${printable(other)}`;
        this.refused.set(number, `${names} are the same name in the target`);
      }
      const turn = turns.after(path.length);
      if (turn !== undefined) await turn;
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
    for (const parent of above) this.#parents.set(parent, true);
    return undefined;
  }
}

interface Folder {
  readonly number: number;
  /** Another spelling, of the folder or of one it is in. */
  readonly other: string | undefined;
}

const TOP: Folder = { number: 0, other: undefined };

/** What was spelled first, folder by folder: a name is folded once, however many paths go through it. */
class Spellings {
  readonly #folding: Folding;
  /** In which entries are, by path. */
  readonly #folders = new WideMap<Folder>();
  /** All, by the number of the folder they are in and their name. */
  readonly #named = new WideMap<Folder>();
  #count = 0;
  /** Paths, by the number of their folder and their folded name. */
  readonly #firsts = new WideMap<string>();

  constructor(folding: Folding) {
    this.#folding = folding;
  }

  /** @returns the other spelling of the path or of a folder it is in */
  otherOf(path: string): string | undefined {
    const at = path.lastIndexOf("/");
    const folder = at < 0 ? TOP : this.#folder(path.slice(0, at));
    return this.#otherIn(folder, path.slice(at + 1), path);
  }

  /** Name by name from the top: looking folders up by their whole paths is quadratic in their depth. */
  #folder(path: string): Folder {
    let folder = this.#folders.get(path);
    if (folder !== undefined) return folder;
    folder = TOP;
    for (let from = 0, end = 0; end < path.length && folder.other === undefined; from = end + 1) {
      const next = path.indexOf("/", from);
      end = next < 0 ? path.length : next;
      folder = this.#below(folder, path.slice(from, end), path.slice(0, end));
    }
    this.#folders.set(path, folder);
    return folder;
  }

  #below(folder: Folder, name: string, path: string): Folder {
    const key = `${folder.number}/${name}`;
    const known = this.#named.get(key);
    if (known !== undefined) return known;
    const other = this.#otherIn(folder, name, path);
    const below = { number: ++this.#count, other };
    this.#named.set(key, below);
    return below;
  }

  #otherIn({ number, other }: Folder, name: string, path: string): string | undefined {
    if (other !== undefined) return other;
    const key = `${number}/${folded(name, this.#folding)}`;
    const first = this.#firsts.get(key);
    if (first === undefined) this.#firsts.set(key, path);
    return first === path ? undefined : first;
  }
}

function folded(name: string, folding: Folding): string {
  if (folding.caseless && folding.normalising) return fold(name);
  return folding.caseless ? name.toUpperCase().toLowerCase() : name.normalize("NFC");
}
