/**
 * How long to wait before asking for what is missing, so that of many that miss the same one asks and the
 * repair answers all. RFC 5401 section 4.2.
 */

/** Only the source repairs (RFC 5401 section 4.1). */
const K = 6;
/** A timer of Node is late by a millisecond or two; below this a backoff would order nobody. */
const SPAN_MS_MIN = 10;

/** Longest backoff of a group whose greatest round trip is this. */
export function backoffSpanMs(groupRttMs: number): number {
  return Math.max(SPAN_MS_MIN, K * groupRttMs);
}

/**
 * @param receivers - how many may miss the same
 * @param random - 0 to below 1
 * @returns milliseconds, 0 to `backoffSpanMs`; truncated exponential: few early, most late
 */
export function nackBackoffMs(receivers: number, groupRttMs: number, random: number): number {
  const span = backoffSpanMs(groupRttMs);
  const lambda = Math.log(Math.max(1, receivers)) + 1;
  const grown = Math.exp(lambda) - 1;
  const x = (random * lambda) / span + lambda / (span * grown);
  return (span / lambda) * Math.log((x * grown * span) / lambda);
}
