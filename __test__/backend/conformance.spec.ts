/** Every backend that can be had here is put through the one contract, and every mix of two. */
import test from "ava";
import { exchangeConformance } from "../conformance/exchange.ts";
import { filterConformance } from "../conformance/filter.ts";
import { fullSocketConformance } from "../conformance/full-socket.ts";
import { primitivesConformance } from "../conformance/primitives.ts";
import { socketConformance } from "../conformance/socket.ts";
import { availableKinds, loadBackend, nativeMissing } from "../support/backends.ts";

const kinds = await availableKinds();
const missing = await nativeMissing();

if (missing !== undefined) {
  test.skip(`NATIVE BACKEND NOT TESTED: ${missing}`, () => {});
}

for (const kind of kinds) {
  const load = () => loadBackend(kind);
  primitivesConformance(kind, load);
  socketConformance(kind, load);
  filterConformance(kind, load);
  if (kind === "native") fullSocketConformance(kind, load);
  for (const peer of kinds) {
    exchangeConformance(`${kind} to ${peer}`, load, () => loadBackend(peer));
  }
}
