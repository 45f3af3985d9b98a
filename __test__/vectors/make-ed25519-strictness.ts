/**
 * Makes ed25519-strictness.json, once: twelve signatures on which Ed25519 verifiers disagree, built
 * from the conditions in Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (2020), table 5.
 * A strict verifier (libsodium, dalek's `verify_strict`) accepts number 3 alone.
 * Run: node build/__test__/vectors/make-ed25519-strictness.js > __test__/vectors/ed25519-strictness.json
 */
import { createHash } from "node:crypto";

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const modulo = (value: bigint, by = P) => ((value % by) + by) % by;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = modulo(base), rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}

const inverse = (value: bigint) => power(value, P - 2n);
const D = modulo(-121665n * inverse(121666n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

const IDENTITY: Point = { x: 0n, y: 1n };

/** RFC 8032 section 5.1.4, affine. */
function add(a: Point, b: Point): Point {
  const product = modulo(D * a.x * b.x * a.y * b.y);
  return {
    x: modulo((a.x * b.y + b.x * a.y) * inverse(1n + product)),
    y: modulo((a.y * b.y + a.x * b.x) * inverse(1n - product)),
  };
}

function times(scalar: bigint, point: Point): Point {
  let result = IDENTITY;
  for (let double = point, rest = scalar; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = add(result, double);
    double = add(double, double);
  }
  return result;
}

const same = (a: Point, b: Point) => a.x === b.x && a.y === b.y;
const negative = ({ x, y }: Point): Point => ({ x: modulo(-x), y });

/** The point of this y with even x, if there is one. */
function lift(y: bigint): Point | undefined {
  const square = modulo((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (P + 3n) / 8n);
  if (modulo(x * x) !== square) x = modulo(x * ROOT_OF_MINUS_ONE);
  if (modulo(x * x) !== square) return undefined;
  return { x: x & 1n ? modulo(-x) : x, y };
}

const BASE = lift(modulo(4n * inverse(5n))) as Point;

/** Generator of the eight points of small order. */
function torsion(): Point {
  for (let y = 2n; ; y++) {
    const point = lift(y);
    const small = point && times(L, point);
    if (small && !same(times(4n, small), IDENTITY)) return small;
  }
}

const T = torsion();

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
}

function integer(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
}

const encode = ({ x, y }: Point) => littleEndian(y + ((x & 1n) << 255n));
const hash = (...parts: Uint8Array[]) => {
  const digest = createHash("sha512");
  for (const part of parts) digest.update(part);
  return new Uint8Array(digest.digest());
};
const hashScalar = (R: Uint8Array, A: Uint8Array, message: Uint8Array) =>
  modulo(integer(hash(R, A, message)), L);
const secretScalar = (label: string) => modulo(integer(hash(Buffer.from(label))), L);

interface Plan {
  readonly why: string;
  readonly a: bigint;
  readonly r: bigint;
  /** Torsion parts of A and R, as multiples of T. */
  readonly torsionA: bigint;
  readonly torsionR: bigint;
  /** Whether SB = R + hA holds, or only 8SB = 8R + 8hA. */
  readonly cofactorless: boolean;
  /** Encodings on the wire where they are not the canonical ones, */
  readonly wireA?: Uint8Array;
  readonly wireR?: Uint8Array;
  /** and whether h is over the wire's bytes (else over the canonical ones). */
  readonly hashesWire?: boolean;
  /** Multiples of L added to S. */
  readonly surplus?: bigint;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Tries messages until the torsion parts cancel, or fail to, as planned. */
function forge(number: number, plan: Plan) {
  const A = add(times(plan.a, BASE), times(plan.torsionA, T));
  const R = add(times(plan.r, BASE), times(plan.torsionR, T));
  const wireA = plan.wireA ?? encode(A);
  const wireR = plan.wireR ?? encode(R);
  const [hashedR, hashedA] = plan.hashesWire === false ? [encode(R), encode(A)] : [wireR, wireA];
  for (let attempt = 0; ; attempt++) {
    const message = hash(Buffer.from(`mp2p ed25519 strictness ${number} ${attempt}`)).slice(0, 32);
    const h = hashScalar(hashedR, hashedA, message);
    const S = modulo(plan.r + h * plan.a, L);
    const right = add(R, times(h, A));
    if (same(times(S, BASE), right) !== plan.cofactorless) continue;
    if (!same(times(8n * S, BASE), times(8n, right)))
      throw new Error(`case ${number} does not hold`);
    const signature = new Uint8Array([...wireR, ...littleEndian(S + (plan.surplus ?? 0n) * L)]);
    return {
      number,
      why: plan.why,
      publicKey: hex(wireA),
      message: hex(message),
      signature: hex(signature),
    };
  }
}

const a = secretScalar("a");
const r = secretScalar("r");
/** Order 4: y = 0, written as p. */
const ORDER_FOUR = {
  multiple: same(times(2n, T), lift(0n) as Point) ? 2n : 6n,
  bytes: littleEndian(P),
};
/** Identity: y = 1, written as p + 1. */
const LONG_IDENTITY = littleEndian(P + 1n);
const both = { cofactorless: true };

const PLANS: readonly Plan[] = [
  { why: "S = 0, A and R of small order", a: 0n, r: 0n, torsionA: 1n, torsionR: 3n, ...both },
  { why: "A of small order", a: 0n, r, torsionA: 1n, torsionR: 5n, ...both },
  { why: "R of small order", a, r: 0n, torsionA: 1n, torsionR: 7n, ...both },
  { why: "A and R of mixed order: nothing is wrong", a, r, torsionA: 1n, torsionR: 3n, ...both },
  { why: "holds only times the cofactor", a, r, torsionA: 1n, torsionR: 3n, cofactorless: false },
  { why: "the same, R of prime order", a, r, torsionA: 1n, torsionR: 0n, cofactorless: false },
  { why: "S between L and 2 L", a, r, torsionA: 0n, torsionR: 0n, surplus: 1n, ...both },
  { why: "S of 256 bits", a, r, torsionA: 0n, torsionR: 0n, surplus: 14n, ...both },
  ...[true, false].map((hashesWire) => ({
    why: `R is a long spelling of the identity, h over the ${hashesWire ? "long" : "short"} one`,
    a,
    r: 0n,
    torsionA: 1n,
    torsionR: 0n,
    wireR: LONG_IDENTITY,
    hashesWire,
    ...both,
  })),
  ...[true, false].map((hashesWire) => ({
    why: `A is a long spelling of order 4, h over the ${hashesWire ? "long" : "short"} one`,
    a: 0n,
    r,
    torsionA: ORDER_FOUR.multiple,
    torsionR: 2n,
    wireA: ORDER_FOUR.bytes,
    hashesWire,
    ...both,
  })),
];

if (!same(add(T, negative(T)), IDENTITY) || !same(times(L, BASE), IDENTITY))
  throw new Error("arithmetic");
console.log(
  JSON.stringify({ accepted: [3], cases: PLANS.map((plan, at) => forge(at, plan)) }, null, 1),
);
