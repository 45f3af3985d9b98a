/** What tests of casts share: a world, receivers, and the check that everybody has every byte. */
import type { ExecutionContext } from "ava";
import type { Primitives } from "../../src/backend/port.ts";
import { equalBytes } from "../../src/base/bytes.ts";
import { loadBackend, nativeMissing } from "../support/backends.ts";
import { CastNetwork, Wire } from "./cast-hub.ts";
import { type CastSetup, CastWorld, type SimReceiver } from "./cast-scenario.ts";
import { Clock } from "./clock.ts";
import { Random } from "./random.ts";

let primitives: Promise<Primitives> | undefined;

/** The fastest primitives there are here: what is tested is not theirs. */
export function fastPrimitives(): Promise<Primitives> {
  primitives ??= nativeMissing().then(async (missing) => {
    const backend = await loadBackend(missing === undefined ? "native" : "fallback");
    return backend.primitives;
  });
  return primitives;
}

export interface TryOptions extends CastSetup {
  readonly seed?: number;
  readonly bytes?: number;
  readonly bitsPerSecond?: number;
  readonly queueBytes?: number;
}

export async function castWorld(options: TryOptions = {}): Promise<CastWorld> {
  const { seed = 1, bytes = 2_000_003, bitsPerSecond = 100e6, queueBytes = 500_000 } = options;
  const random = new Random(seed);
  const wire = new Wire(bitsPerSecond, queueBytes);
  const network = new CastNetwork(new Clock(), random, await fastPrimitives(), wire);
  return new CastWorld(network, random.bytes(bytes), options);
}

export function assertWhole(
  t: ExecutionContext,
  receivers: readonly SimReceiver[],
  content: Uint8Array,
): void {
  for (const [index, receiver] of receivers.entries()) {
    t.is(receiver.error, undefined, `receiver ${index}`);
    t.true(equalBytes(receiver.written, content), `content of receiver ${index}`);
    t.not(receiver.receipt, undefined, `receipt of receiver ${index}`);
  }
}

/** Payload sent to the group over the least that would have done. */
export function extraBytes({ network, content, sender }: CastWorld, packetBytes = 232): number {
  const symbols = Math.ceil(content.length / (packetBytes - 40));
  return sender.progress().wireBytes / (symbols * packetBytes) - 1 + 0 * network.groupBytes;
}
