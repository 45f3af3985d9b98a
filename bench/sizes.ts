/** How much each benchmark moves. Smaller values check that it runs; the goals are for these defaults. */

const changed: string[] = [];

function fromEnvironment(name: string, standard: number): number {
  const text = process.env[name];
  if (text === undefined || text === "") return standard;
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`${name} must be a positive number, not "${text}"`);
  if (value !== standard) changed.push(`${name}=${text}`);
  return value;
}

/** Seconds each memory-to-memory stream runs. */
export const STREAM_SECONDS: number = fromEnvironment("MP2P_BENCH_SECONDS", 4);
/** Size of the one large file. */
export const FILE_BYTES: number = fromEnvironment("MP2P_BENCH_FILE_BYTES", 4_000_000_000);
/** Size of the file that is cast. */
export const CAST_BYTES: number = fromEnvironment("MP2P_BENCH_CAST_BYTES", 500_000_000);
/** Files in the folder of small files. */
export const SMALL_FILES: number = fromEnvironment("MP2P_BENCH_SMALL_FILES", 10_000);
/** Requests in the round-trip figure. */
export const REQUESTS: number = fromEnvironment("MP2P_BENCH_REQUESTS", 5000);
/** Connections in the connect figure. */
export const CONNECTS: number = fromEnvironment("MP2P_BENCH_CONNECTS", 30);
/** Connections by key alone in the find figure. */
export const FINDS: number = fromEnvironment("MP2P_BENCH_FINDS", 20);
/** Handshakes computed beforehand for the responder. */
export const HANDSHAKES: number = fromEnvironment("MP2P_BENCH_HANDSHAKES", 5000);
/** Seconds the slow reader reads. */
export const SLOW_SECONDS: number = fromEnvironment("MP2P_BENCH_SLOW_SECONDS", 15);
/** Idle sessions on one endpoint. */
export const IDLE_SESSIONS: number = fromEnvironment("MP2P_BENCH_IDLE_SESSIONS", 1000);
/** Seconds over which the idle sessions' processor time is taken. */
export const IDLE_SECONDS: number = fromEnvironment("MP2P_BENCH_IDLE_SECONDS", 10);
/** Starts of the help figure. */
export const HELP_STARTS: number = fromEnvironment("MP2P_BENCH_HELP_STARTS", 10);

/** The sizes that differ from what the goals are for, as they were given. */
export function changedSizes(): readonly string[] {
  return changed;
}
