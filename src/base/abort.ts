/** Listens to signals, also of programs that hand one signal to a thousand calls. */

interface Listening {
  readonly calls: Set<() => void>;
  readonly heard: () => void;
}

/** Node warns of a leak where a signal has more than ten listeners: each has one of ours at most. */
const LISTENING = new WeakMap<AbortSignal, Listening>();

/**
 * Calls back once when the signal aborts; at once where it has.
 *
 * @returns a function that stops listening
 */
export function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) {
    call();
    return () => undefined;
  }
  const { calls, heard } = LISTENING.get(signal) ?? listen(signal);
  const own = (): void => call();
  calls.add(own);
  return () => {
    if (!calls.delete(own) || calls.size > 0) return;
    LISTENING.delete(signal);
    signal.removeEventListener("abort", heard);
  };
}

function listen(signal: AbortSignal): Listening {
  const calls = new Set<() => void>();
  const heard = () => {
    LISTENING.delete(signal);
    for (const call of calls) call();
  };
  const listening = { calls, heard };
  LISTENING.set(signal, listening);
  signal.addEventListener("abort", heard, { once: true });
  return listening;
}

/**
 * Settles with `promise`, or rejects with the signal's reason as soon as it aborts. Listeners are
 * removed either way, so a long-lived signal gathers none.
 */
export async function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  let stopListening = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stopListening = onAbort(signal, () => reject(signal.reason));
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    stopListening();
    promise.catch(() => undefined);
  }
}
