/** The primitives of every backend that can be had here; each is put through the same tests. */
import test from "ava";
import type { Primitives } from "../../src/backend/port.ts";
import { availableKinds, loadBackend, nativeMissing } from "./backends.ts";

export async function testPrimitives(): Promise<readonly (readonly [string, Primitives])[]> {
  const missing = await nativeMissing();
  const kinds = await availableKinds();
  const loaded = await Promise.all(
    kinds.map(async (kind) => [kind, (await loadBackend(kind)).primitives] as const),
  );
  // Last, for AVA takes no more tests once it had to wait behind the first.
  if (missing !== undefined) test.skip(`native: left out, for it is missing: ${missing}`, () => {});
  return loaded;
}
