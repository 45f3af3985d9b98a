import type { Tasks } from "./gate.ts";
import type { Inbox } from "./inbox.ts";
import type { Conflict } from "./place.ts";
import type { Settling, Telling } from "./settling.ts";
import type { Target } from "./target.ts";

/** What it takes to put files, folders and links in their places: a transfer has it, and so has a cast. */
export interface Placing {
  readonly settling: Settling;
  readonly target: Target;
  readonly inbox: Inbox;
  readonly channel: Telling;
  readonly tasks: Tasks;
  /** Folders made in this attempt, or found to be as they are offered. */
  readonly made: Set<string>;
  /** Sync each file to the disk before it gets its name. */
  readonly durable: boolean;
  /** What to do when the entry's name is taken. */
  policy(number: number): Promise<Conflict>;
}
