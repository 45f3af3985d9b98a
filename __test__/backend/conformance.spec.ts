/** Every backend that can be had here is put through the one contract, and every mix of two. */
import test from "ava";
import { SUITE_AES_256_GCM, SUITE_CHACHA20_POLY1305, type Suite } from "../../src/backend/port.ts";
import { anyPlanConformance } from "../conformance/any-plan.ts";
import { exchangeConformance } from "../conformance/exchange.ts";
import { filterConformance } from "../conformance/filter.ts";
import { fullSocketConformance } from "../conformance/full-socket.ts";
import { hostilePacketConformance } from "../conformance/hostile-packets.ts";
import { manyHoldersConformance } from "../conformance/many-holders.ts";
import { noiseStepsConformance } from "../conformance/noise-steps.ts";
import type { Mix } from "../conformance/pair.ts";
import { primitivesConformance } from "../conformance/primitives.ts";
import { socketConformance } from "../conformance/socket.ts";
import { availableKinds, type Kind, loadBackend, nativeMissing } from "../support/backends.ts";

const kinds = await availableKinds();
const missing = await nativeMissing();
// AVA takes tests only until the first pause after one was declared.
const mixes = await everyMix();

if (missing !== undefined) {
  test.skip(`NATIVE BACKEND NOT TESTED: ${missing}`, () => {});
}

for (const kind of kinds) {
  const load = () => loadBackend(kind);
  primitivesConformance(kind, load);
  noiseStepsConformance(kind, load);
  socketConformance(kind, load);
  filterConformance(kind, load);
  manyHoldersConformance(kind, load);
  if (kind === "native") fullSocketConformance(kind, load);
}

for (const [name, mix] of mixes) {
  exchangeConformance(name, mix);
  anyPlanConformance(name, mix);
  hostilePacketConformance(name, mix);
}

async function everyMix(): Promise<readonly (readonly [name: string, mix: Mix])[]> {
  const pairs = kinds.flatMap((from) => kinds.map((to) => [from, to] as const));
  const named = pairs.map(async ([from, to]) => {
    const suites = await suitesOf(from, to);
    return suites.map((suite): readonly [string, Mix] => [
      `${from} to ${to}, suite ${suite}`,
      { from: () => loadBackend(from), to: () => loadBackend(to), suite },
    ]);
  });
  return (await Promise.all(named)).flat();
}

async function suitesOf(from: Kind, to: Kind): Promise<readonly Suite[]> {
  const both = await Promise.all([loadBackend(from), loadBackend(to)]);
  const aes = both.every((backend) => backend.capabilities.aes);
  return aes ? [SUITE_CHACHA20_POLY1305, SUITE_AES_256_GCM] : [SUITE_CHACHA20_POLY1305];
}
