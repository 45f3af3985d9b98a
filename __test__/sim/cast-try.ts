/** What tests of casts share: a world, receivers, and the check that everybody has every byte. */
import type { ExecutionContext } from "ava";
import { type Primitives, SYMBOL_OVERHEAD_BYTES } from "../../src/backend/port.ts";
import { equalBytes } from "../../src/base/bytes.ts";
import { loadBackend, nativeMissing } from "../support/backends.ts";
import { CastNetwork, Wire } from "./cast-hub.ts";
import { type CastSetup, CastWorld, type SimReceiver } from "./cast-scenario.ts";
import { Clock } from "./clock.ts";
import { Random } from "./random.ts";

let primitives: Promise<Primitives> | undefined;

/** The fastest primitives there are here: what is tested is not theirs. */
function fastPrimitives(): Promise<Primitives> {
  primitives ??= nativeMissing().then(async (missing) => {
    if (missing !== undefined) return (await loadBackend("fallback")).primitives;
    const native = (await loadBackend("native")).primitives;
    return { ...native, ed25519Verify: remembering(native) };
  });
  return primitives;
}

/** Hundreds of receivers check the same signatures. */
function remembering({ ed25519Verify }: Primitives): Primitives["ed25519Verify"] {
  const known = new Map<string, boolean>();
  return (key, message, signature) => {
    const name = [key, message, signature]
      .map((bytes) => Buffer.from(bytes).toString("latin1"))
      .join();
    const verdict = known.get(name) ?? ed25519Verify(key, message, signature);
    known.set(name, verdict);
    return verdict;
  };
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

/** Payload sent over the least that would have done. */
export function extraBytes({ content, sender, packetBytes }: CastWorld): number {
  const symbols = Math.ceil(content.length / (packetBytes - SYMBOL_OVERHEAD_BYTES));
  return sender.progress().wireBytes / (symbols * packetBytes) - 1;
}
