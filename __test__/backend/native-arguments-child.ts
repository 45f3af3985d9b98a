/** Calls everything that the addon exports with anything, and ends well where all that throws. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import type { Addon } from "../../src/backend/native/addon.ts";
import { Random } from "../sim/random.ts";
import { loadBackend } from "../support/backends.ts";

type Call = (...values: unknown[]) => unknown;

const ROUNDS = 5_000;

await loadBackend("native");
const loaded = Object.values(createRequire(import.meta.url).cache);
const addon = loaded.find((file) => file?.filename.endsWith(".node"))?.exports as Addon;
const { NativeSocket } = addon;

const random = new Random(1);
const socket = NativeSocket.open(["127.0.0.1:0"], undefined, undefined, 6727, 1);
socket.addPath("127.0.0.1:9");
socket.installSend(1, 1, new Uint8Array(32), new Uint8Array(12), 0, new Uint8Array(8));
const SPAN = Float64Array.of(0, 0, 0, 9, 0, 0, 0);

const NUMBERS = [0, 1, 2, 64, 0.5, -0, -1, NaN, Infinity, 2 ** 32, 2 ** 32 + 1, 2 ** 53];
const SIZES = [0, 8, 12, 32, 64, 165, 256, 1500];
const OTHERS = [undefined, null, true, 5n, "", "127.0.0.1:9", "a\0b%\0:1", "x".repeat(70_000)];
const MAKERS: readonly (() => unknown)[] = [
  () => pick(NUMBERS),
  () => pick(OTHERS),
  () => new Uint8Array(pick(SIZES)),
  () => new Uint8Array(new SharedArrayBuffer(100), 3, 32),
  () => new Uint8Array(100).subarray(3, 3 + pick([8, 32])),
  () => detached(pick(SIZES)),
  () => new Float64Array(pick(SIZES)).fill(pick(NUMBERS)),
  () => pick([[], {}, [null], ["[::1]:0"], [new Uint8Array(9)], new Date(), Symbol("s"), () => {}]),
  () => pick([new Int8Array(32), new DataView(new ArrayBuffer(32)), new ArrayBuffer(32), socket]),
  () => Object.assign([], { length: 2 ** 32 - 1 }),
  () => Object.defineProperty([], 0, { get: () => assert.fail("a getter") }),
];

function pick<T>(values: readonly T[]): T {
  return random.pick(...values);
}

function detached(bytes: number): Uint8Array {
  const view = new Uint8Array(bytes);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

function tried(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    assert(error instanceof Error);
    return error;
  }
}

const prototype = Object.getPrototypeOf(socket) as Record<string, Call>;
const functions = Object.values(addon).filter((value) => typeof value === "function") as Call[];
const methods = Object.getOwnPropertyNames(prototype).filter(
  (name) => name !== "constructor" && name !== "close",
);
for (let round = 0; round < ROUNDS; round++) {
  const values = Array.from({ length: random.below(9) }, () => pick(MAKERS)());
  const method = prototype[pick(methods)] as Call;
  tried(() => pick(functions)(...values));
  tried(() => method.apply(socket, values));
  if (round % 100 === 0) tried(() => method.apply(pick([{}, null, Object.create(socket)]), values));
}

// Numbers that a wrap would make right, and an array that no memory holds.
const other = NativeSocket.open(["127.0.0.1:0"]);
const kept = other.addPath("127.0.0.1:9");
assert(tried(() => other.removePath(2 ** 32 + kept)) instanceof RangeError);
other.installSend(1, 1, new Uint8Array(32), new Uint8Array(12), 0, new Uint8Array(8));
other.sendSealed(1, kept, SPAN, 7, [new Uint8Array(9)], 100, 0);
const endless = Object.assign([], { length: 2 ** 32 - 1 });
assert(tried(() => other.sendSealed(1, kept, SPAN, 7, endless, 100, 0)) instanceof RangeError);
assert(tried(() => NativeSocket.open(endless)) instanceof RangeError);
assert(tried(() => NativeSocket.open(["127.0.0.1:0"], -1)) instanceof RangeError);
assert(tried(() => addon.randomBytes(2 ** 32 - 1)) instanceof RangeError);
socket.close();
other.close();
