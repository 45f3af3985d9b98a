/** A backend's steps of a handshake against those made of its primitives: backend/noise-steps.ts as a test. */
import test from "ava";
import fc from "fast-check";
import { toHex } from "../../src/base/bytes.ts";
import type { TransportKeys } from "../../src/noise/key-schedule.ts";
import { SymmetricState } from "../../src/noise/symmetric-state.ts";
import { runs } from "../support/runs.ts";
import type { Load } from "./harness.ts";

const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: "max" });
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const step = fc.oneof(
  fc.record({ kind: fc.constant("hash" as const), data: bytes(300) }),
  fc.record({ kind: fc.constant("agree" as const), secret: key, peer: key, low: fc.boolean() }),
  fc.record({ kind: fc.constant("seal" as const), data: bytes(300) }),
  fc.record({ kind: fc.constant("open" as const), data: bytes(300), forged: fc.boolean() }),
  fc.record({ kind: fc.constant("psk" as const), data: key }),
);

export function noiseStepsConformance(name: string, load: Load): void {
  test(`${name}: its steps of a handshake, where it has any, are those its primitives make`, async (t) => {
    const { primitives } = await load();
    const plain = { ...bound(primitives), noise: undefined } as unknown as typeof primitives;
    const property = fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const ours = SymmetricState.start(primitives, "Noise_IK_25519_ChaChaPoly_SHA512");
      const theirs = SymmetricState.start(plain, "Noise_IK_25519_ChaChaPoly_SHA512");
      for (const each of steps) {
        const [left, right] = [ours, theirs].map((state) => take(state, each));
        t.is(left, right, each.kind);
        t.is(toHex(ours.hash), toHex(theirs.hash), each.kind);
        t.is(ours.split().map(toHex).join(), theirs.split().map(toHex).join(), each.kind);
        t.deepEqual(textOf(ours.transport(2)), textOf(theirs.transport(2)), each.kind);
      }
    });
    fc.assert(property, { numRuns: runs(100) });
  });

  test(`${name}: a state of another size, without a key or in shared memory is the caller's mistake`, async (t) => {
    const { noise } = (await load()).primitives;
    if (noise === undefined) return t.pass("this backend has no steps of its own");
    const state = new Uint8Array(165);
    t.throws(() => noise.mixHash(state.subarray(1), state), { instanceOf: RangeError });
    t.throws(() => noise.mixHash(new Uint8Array(164), new Uint8Array(3)), {
      instanceOf: RangeError,
    });
    t.throws(() => noise.seal(state, new Uint8Array(3)), { instanceOf: RangeError });
    t.throws(() => noise.open(state, new Uint8Array(19)), { instanceOf: RangeError });
    t.throws(() => noise.mixHash(state, state.subarray(64, 128)), { instanceOf: RangeError });
    t.throws(() => noise.transport(state.subarray(1), 1), { instanceOf: RangeError });
    t.deepEqual(state, new Uint8Array(165));
  });
}

function textOf({ initiator, responder, exporter }: TransportKeys): string[] {
  const all = [initiator.key, initiator.iv, responder.key, responder.iv, exporter];
  return all.map(toHex);
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** @returns what the step says, as text */
function take(state: SymmetricState, each: Step): string {
  switch (each.kind) {
    case "hash":
      state.mixHash(each.data);
      return "";
    case "psk":
      state.mixKeyAndHash(each.data);
      return "";
    case "agree":
      return String(state.mixAgreed(each.secret, each.low ? new Uint8Array(32) : each.peer));
    case "seal":
      return toHex(state.encryptAndHash(each.data));
    case "open": {
      const sealed = state.fork().encryptAndHash(each.data);
      const last = sealed.length - 1;
      if (each.forged && state.hasKey) sealed[last] = (sealed[last] as number) ^ 1;
      const opened = state.decryptAndHash(sealed);
      return opened === undefined ? "rejected" : toHex(opened);
    }
  }
}

/** A class's methods are not its own properties: a copy needs them by name. */
function bound(primitives: object): Record<string, unknown> {
  const methods: Record<string, unknown> = {};
  for (let at = primitives; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const value = (primitives as Record<string, unknown>)[name];
      if (typeof value === "function") methods[name] ??= value.bind(primitives);
    }
  }
  return methods;
}
