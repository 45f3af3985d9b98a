/**
 * One attempt at a time works on an unfinished transfer: when the sender comes back before this side
 * has noticed that the old session is dead, the new attempt ends the old one. Within this process;
 * between processes, `inbox-lock.ts` has the first go on.
 */
import { Mp2pError } from "../base/errors.ts";

interface Attempt {
  end(error: Mp2pError): void;
  readonly over: Promise<void>;
}

const attempts = new Map<string, Attempt>();

/**
 * Runs `work` when it is the only attempt at `name`.
 *
 * @param end - ends `work` early
 */
export async function alone<T>(
  name: string,
  end: (error: Mp2pError) => void,
  work: () => Promise<T>,
): Promise<T> {
  const before = attempts.get(name);
  const running = after(before, work);
  const attempt = { end, over: running.then(nothing, nothing) };
  attempts.set(name, attempt);
  try {
    return await running;
  } finally {
    if (attempts.get(name) === attempt) attempts.delete(name);
  }
}

async function after<T>(before: Attempt | undefined, work: () => Promise<T>): Promise<T> {
  before?.end(new Mp2pError("MP2P_CLOSED", "the sender started the same transfer anew"));
  await before?.over;
  return work();
}

function nothing(): void {}
