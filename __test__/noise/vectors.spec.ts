/** Every public Noise vector of our suite, both directions. Where they come from: vectors/README.md. */
import { readFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import type { Primitives } from "../../src/backend/port.ts";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { NoiseHandshake, type NoiseParty } from "../../src/noise/handshake-state.ts";
import { x25519KeyPair } from "../../src/noise/key-pair.ts";
import { type NoisePattern, noisePattern } from "../../src/noise/patterns.ts";
import { noiseNonce } from "../../src/noise/symmetric-state.ts";
import { testPrimitives } from "../support/primitives.ts";

interface Vector {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_static?: string;
  readonly init_ephemeral?: string;
  readonly init_remote_static?: string;
  readonly init_psks?: readonly string[];
  readonly resp_prologue: string;
  readonly resp_static?: string;
  readonly resp_ephemeral?: string;
  readonly resp_remote_static?: string;
  readonly resp_psks?: readonly string[];
  readonly handshake_hash?: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

const EMPTY = new Uint8Array(0);
const bytes = (hex: string) => fromHex(hex) as Uint8Array;

function party(primitives: Primitives, vector: Vector, role: "init" | "resp"): NoiseParty {
  const keyPair = (hex: string) => x25519KeyPair(primitives, bytes(hex));
  const fixed = vector[`${role}_static`];
  const ephemeral = vector[`${role}_ephemeral`];
  const remote = vector[`${role}_remote_static`];
  return {
    initiator: role === "init",
    prologue: bytes(vector[`${role}_prologue`]),
    psks: (vector[`${role}_psks`] ?? []).map(bytes),
    ...(fixed ? { staticKey: keyPair(fixed) } : {}),
    ...(ephemeral ? { ephemeral: keyPair(ephemeral) } : {}),
    ...(remote ? { remoteStatic: bytes(remote) } : {}),
  };
}

function replay(
  t: ExecutionContext,
  primitives: Primitives,
  vector: Vector,
  pattern: NoisePattern,
): void {
  const initiator = NoiseHandshake.start(primitives, pattern, party(primitives, vector, "init"));
  const responder = NoiseHandshake.start(primitives, pattern, party(primitives, vector, "resp"));
  const handshakeMessages = pattern.messages.length;

  for (const [turn, { payload, ciphertext }] of vector.messages
    .slice(0, handshakeMessages)
    .entries()) {
    const [writer, reader] = turn % 2 === 0 ? [initiator, responder] : [responder, initiator];
    const message = writer.writeMessage(bytes(payload)) ?? EMPTY;
    t.is(toHex(message), ciphertext, `message ${turn}, written`);
    spoilEveryByte(t, reader, message);
    t.is(toHex(reader.readMessage(bytes(ciphertext)) ?? EMPTY), payload, `message ${turn}, read`);
  }

  const result = initiator.split();
  t.deepEqual(responder.split(), result);
  if (vector.handshake_hash) t.is(toHex(result.hash), vector.handshake_hash);

  const oneWay = handshakeMessages === 1;
  const sent = { initiator: 0, responder: 0 };
  for (const [at, { payload, ciphertext }] of vector.messages.slice(handshakeMessages).entries()) {
    const fromInitiator = oneWay || (handshakeMessages + at) % 2 === 0;
    const sender = fromInitiator ? "initiator" : "responder";
    const key = result[`${sender}Key`];
    const nonce = noiseNonce(sent[sender]++);
    t.is(toHex(primitives.seal(key, nonce, EMPTY, bytes(payload))), ciphertext, `transport ${at}`);
    t.is(toHex(primitives.open(key, nonce, EMPTY, bytes(ciphertext)) ?? EMPTY), payload);
  }
}

/** Clear parts cannot be told apart from honest ones here, so a spoiled message goes to a fork. */
function spoilEveryByte(t: ExecutionContext, reader: NoiseHandshake, message: Uint8Array): void {
  for (const at of [0, message.length >> 1, message.length - 1]) {
    const forged = message.slice();
    forged[at] = (forged[at] as number) ^ 1;
    const fork = reader.fork();
    if (fork.readMessage(forged) === undefined) {
      t.truthy(fork.readMessage(message), `the honest message after one with byte ${at} flipped`);
    }
  }
  t.is(reader.fork().readMessage(message.subarray(0, 15)), undefined, "shorter than key and tag");
}

for (const [backend, primitives] of await testPrimitives()) {
  for (const source of ["cacophony", "snow"]) {
    const file = readFileSync(`__test__/vectors/noise/${source}.json`, "utf8");
    const { vectors } = JSON.parse(file) as { vectors: readonly Vector[] };
    for (const vector of vectors) {
      const name = vector.protocol_name.split("_")[1] as string;
      test(`${backend}: Noise ${name} gives the bytes of ${source}`, (t) => {
        replay(t, primitives, vector, noisePattern(name));
      });
    }
  }
}

test("a pattern the framework does not define is refused", (t) => {
  for (const name of ["", "YY", "XX1K", "IKpsk3", "NNpsk", "XXfallback", "ikpsk2"]) {
    t.throws(() => noisePattern(name), { instanceOf: RangeError }, name);
  }
});
