/** The primitives of every backend that can be had here; each is put through the same tests. */
import { loadPrimitives } from "../../src/backend/fallback/primitives.ts";
import type { Primitives } from "../../src/backend/port.ts";

export async function testPrimitives(): Promise<readonly (readonly [string, Primitives])[]> {
  const { primitives } = await loadPrimitives();
  return [["fallback", primitives]];
}
