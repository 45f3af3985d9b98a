/** Random times, so that those who heard the same do not speak at once, nor keep step from then on. */
import type { Primitives } from "../backend/port.ts";

type Random = Pick<Primitives, "randomBytes">;

const JITTER = 0.2;

/** A fifth less to a fifth more. */
export function about(random: Random, ms: number): number {
  return between(random, (1 - JITTER) * ms, (1 + JITTER) * ms);
}

export function between(random: Random, least: number, most: number): number {
  const [high = 0, low = 0] = random.randomBytes(2);
  return least + ((high * 256 + low) / 65_536) * (most - least);
}
