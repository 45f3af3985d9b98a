/**
 * Where the system lets no more files be open (EMFILE of this process, ENFILE of all): those kept for a later
 * use are closed, and those in use are waited for, as most are open for a moment.
 */
import { setTimeout as delay } from "node:timers/promises";

const TOO_MANY: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE"]);
/** Before each further try. */
const WAITS_MS: readonly number[] = [0, 5, 20, 80, 320];
/** Once it was in vain, until a file is opened: thousands of files are not waited for one by one. */
const NO_WAIT_MS: readonly number[] = [0];
let waitsMs = WAITS_MS;

const spares = new Set<() => Promise<void>>();

/** @param close - closes what is open and not in use, whenever it is called, until it is given to `unspare` */
export function spare(close: () => Promise<void>): void {
  spares.add(close);
}

export function unspare(close: () => Promise<void>): void {
  spares.delete(close);
}

/** Makes a call that opens a file, again where too many are open, for half a second at most. */
export function whenAllowed<T>(open: () => Promise<T>): Promise<T> {
  return open().then(opened, (error) => again(open, error));
}

function opened<T>(result: T): T {
  waitsMs = WAITS_MS;
  return result;
}

async function again<T>(open: () => Promise<T>, first: unknown): Promise<T> {
  let error = first;
  for (const waitMs of waitsMs) {
    if (!TOO_MANY.has((error as NodeJS.ErrnoException).code)) throw error;
    for (const close of spares) await close();
    await delay(waitMs);
    try {
      return opened(await open());
    } catch (next) {
      error = next;
    }
  }
  waitsMs = NO_WAIT_MS;
  throw error;
}
