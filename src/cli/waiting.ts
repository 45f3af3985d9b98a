import { CliError } from "./failure.ts";
import { formatTaken } from "./text.ts";

/**
 * The next item, as long as there is patience.
 *
 * @param waitMs - undefined: for ever
 * @returns undefined at the end of the items
 * @throws {CliError} `MP2P_TIMEOUT`, or the signal's reason
 */
export async function nextWithin<T>(
  items: AsyncIterator<T>,
  waitMs: number | undefined,
  signal: AbortSignal,
): Promise<T | undefined> {
  const result = await within(items.next(), waitMs, signal);
  return result.done === true ? undefined : result.value;
}

/** Settles with the promise, the end of patience or the signal, whichever comes first. */
export function within<T>(
  promise: Promise<T>,
  waitMs: number | undefined,
  signal: AbortSignal,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const expire = () => reject(expired(waitMs as number));
    const timer = waitMs === undefined ? undefined : setTimeout(expire, waitMs);
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    });
  });
}

/** @returns what a promise that never rejects comes to, undefined where it takes longer than this */
export async function atMost<T>(promise: Promise<T>, waitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, waitMs, undefined);
  });
  const result = await Promise.race([promise, timeout]);
  clearTimeout(timer);
  return result;
}

function expired(waitMs: number): CliError {
  const message = `nobody came within ${formatTaken(waitMs / 1000)}`;
  return new CliError(
    "MP2P_TIMEOUT",
    message,
    "give more time with --wait, and hand out the new ticket",
  );
}
