/** The primitives of backend/port.ts as tests: published vectors, and node:crypto as a third voice. */
import { createCipheriv, createHash, createHmac, hkdfSync } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import type { Primitives } from "../../src/backend/port.ts";
import { ascii, fromHex, toHex } from "../../src/base/bytes.ts";
import { runs } from "../support/runs.ts";
import type { Load } from "./harness.ts";

const bytes = (hex: string) => fromHex(hex.replaceAll(" ", "")) as Uint8Array;
const anyBytes = (maxLength = 400) => fc.uint8Array({ maxLength, size: "max" });
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

const LOW_ORDER_POINTS = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/** RFC 8032 section 7.1: seed, public key, message, signature. */
const SIGNATURES = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
] as const;

/** Test vectors of the BLAKE3 reference: bytes 0, 1, … 250, 0, … of these lengths. */
const BLAKE3 = [
  [0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"],
  [1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"],
  [1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"],
  [1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"],
  [4097, "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995"],
] as const;

export function primitivesConformance(name: string, load: Load): void {
  hashes(name, load);
  curves(name, load);
  aead(name, load);
  manners(name, load);
}

function hashes(name: string, load: Load): void {
  test(`${name}: SHA-512, HMAC and HKDF agree with node:crypto on any input`, async (t) => {
    const { primitives } = await load();
    const property = fc.property(anyBytes(), anyBytes(), anyBytes(), (key, data, info) => {
      t.is(toHex(primitives.sha512(data)), createHash("sha512").update(data).digest("hex"));
      const mac = createHmac("sha512", key).update(data).digest("hex");
      t.is(toHex(primitives.hmacSha512(key, data)), mac);
      const length = info.length * 3 + 1;
      const derived = new Uint8Array(hkdfSync("sha512", data, key, info, length));
      t.is(toHex(primitives.hkdfSha512(key, data, info, length)), toHex(derived));
    });
    fc.assert(property, { numRuns: runs(60) });
  });

  test(`${name}: a mebibyte is hashed like a byte`, async (t) => {
    const { primitives } = await load();
    const data = new Uint8Array(1_048_577).fill(7);
    t.is(toHex(primitives.sha512(data)), createHash("sha512").update(data).digest("hex"));
  });

  test(`${name}: BLAKE3 gives the reference's hashes`, async (t) => {
    const { primitives } = await load();
    for (const [length, hash] of BLAKE3) {
      const input = new Uint8Array(length).map((_, at) => at % 251);
      t.is(toHex(primitives.blake3(input)), hash, `${length} bytes`);
    }
  });

  test(`${name}: HKDF gives 0 to 16,320 bytes and no more`, async (t) => {
    const { primitives } = await load();
    const empty = new Uint8Array(0);
    t.is(primitives.hkdfSha512(empty, empty, empty, 0).length, 0);
    t.is(primitives.hkdfSha512(empty, empty, empty, 16_320).length, 16_320);
    for (const length of [-1, 16_321, 16_319.5, 2 ** 32, Number.NaN]) {
      const call = () => primitives.hkdfSha512(empty, empty, empty, length);
      t.throws(call, { instanceOf: RangeError }, `${length}`);
    }
  });
}

function curves(name: string, load: Load): void {
  test(`${name}: X25519 gives the shared secrets of RFC 7748`, async (t) => {
    const { primitives } = await load();
    const alice = bytes(ALICE);
    const bob = bytes(BOB);
    const shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    t.is(toHex(primitives.x25519PublicKey(alice)), ALICE_PUBLIC);
    t.is(toHex(primitives.x25519PublicKey(bob)), BOB_PUBLIC);
    t.is(toHex(primitives.x25519(alice, bytes(BOB_PUBLIC)) as Uint8Array), shared);
    t.is(toHex(primitives.x25519(bob, bytes(ALICE_PUBLIC)) as Uint8Array), shared);
  });

  test(`${name}: a low-order peer key gives no shared secret`, async (t) => {
    const { primitives } = await load();
    for (const point of LOW_ORDER_POINTS) {
      t.is(primitives.x25519(bytes(ALICE), bytes(point)), undefined, point);
    }
  });

  test(`${name}: Ed25519 gives the signatures of RFC 8032 and accepts nothing else`, async (t) => {
    const { primitives } = await load();
    for (const [seed, publicKey, message, signature] of SIGNATURES) {
      t.is(toHex(primitives.ed25519PublicKey(bytes(seed))), publicKey);
      t.is(toHex(primitives.ed25519Sign(bytes(seed), bytes(message))), signature);
      t.true(primitives.ed25519Verify(bytes(publicKey), bytes(message), bytes(signature)));
      for (let bit = 0; bit < 512; bit += 3) {
        const forged = flipped(bytes(signature), bit);
        t.false(primitives.ed25519Verify(bytes(publicKey), bytes(message), forged), `bit ${bit}`);
      }
    }
  });
}

const ALICE = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
const ALICE_PUBLIC = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
const BOB = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
const BOB_PUBLIC = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";

function aead(name: string, load: Load): void {
  test(`${name}: ChaCha20-Poly1305 seals as node:crypto does and opens what it sealed`, async (t) => {
    const { primitives } = await load();
    const inputs = [exactly(32), exactly(12), anyBytes(), anyBytes(3_000)] as const;
    const property = fc.property(...inputs, (key, nonce, header, plain) => {
      const sealed = primitives.seal(key, nonce, header, plain);
      t.is(toHex(sealed), toHex(sealedByNode(key, nonce, header, plain)));
      t.deepEqual(primitives.open(key, nonce, header, sealed), plain);
    });
    fc.assert(property, { numRuns: runs(60) });
  });

  test(`${name}: one flipped bit anywhere is refused`, async (t) => {
    const { primitives } = await load();
    const [key, nonce, header] = [new Uint8Array(32), new Uint8Array(12), ascii("header")];
    const sealed = primitives.seal(key, nonce, header, ascii("text"));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      t.is(
        primitives.open(key, nonce, header, flipped(sealed, bit)),
        undefined,
        `sealed bit ${bit}`,
      );
    }
    for (let bit = 0; bit < header.length * 8; bit++) {
      t.is(
        primitives.open(key, nonce, flipped(header, bit), sealed),
        undefined,
        `header bit ${bit}`,
      );
    }
    t.is(primitives.open(key, nonce, header, sealed.subarray(0, 15)), undefined, "no whole tag");
  });
}

function manners(name: string, load: Load): void {
  test(`${name}: a key, nonce or signature of the wrong size throws RangeError`, async (t) => {
    const { primitives } = await load();
    for (const [label, call] of Object.entries(wrongSizes(primitives))) {
      t.throws(call, { instanceOf: RangeError }, label);
    }
  });

  test(`${name}: inputs are left as they were and outputs are not shared`, async (t) => {
    const { primitives } = await load();
    const [key, nonce, text] = [new Uint8Array(32).fill(5), new Uint8Array(12), ascii("text")];
    const first = primitives.seal(key, nonce, text, text);
    const copy = first.slice();
    const hash = primitives.blake3(text);
    const hashCopy = hash.slice();
    primitives.seal(key, nonce, text, ascii("tome"));
    primitives.blake3(key);
    t.deepEqual(first, copy);
    t.deepEqual(hash, hashCopy);
    t.deepEqual(
      [key, nonce, text],
      [new Uint8Array(32).fill(5), new Uint8Array(12), ascii("text")],
    );
  });

  test(`${name}: random bytes have the length asked for and do not repeat`, async (t) => {
    const { primitives } = await load();
    t.is(primitives.randomBytes(0).length, 0);
    const drawn = new Set(Array.from({ length: 100 }, () => toHex(primitives.randomBytes(16))));
    t.is(drawn.size, 100);
  });
}

function wrongSizes(primitives: Primitives): Readonly<Record<string, () => unknown>> {
  const [short, key, nonce] = [new Uint8Array(31), new Uint8Array(32), new Uint8Array(12)];
  return {
    "x25519PublicKey secret": () => primitives.x25519PublicKey(short),
    "x25519 secret": () => primitives.x25519(short, key),
    "x25519 peer": () => primitives.x25519(key, short),
    "ed25519PublicKey seed": () => primitives.ed25519PublicKey(short),
    "ed25519Sign seed": () => primitives.ed25519Sign(short, key),
    "ed25519Verify key": () => primitives.ed25519Verify(short, key, new Uint8Array(64)),
    "ed25519Verify signature": () => primitives.ed25519Verify(key, key, new Uint8Array(63)),
    "seal key": () => primitives.seal(short, nonce, key, key),
    "seal nonce": () => primitives.seal(key, new Uint8Array(13), key, key),
    "open key": () => primitives.open(short, nonce, key, key),
    "open nonce": () => primitives.open(key, new Uint8Array(11), key, key),
    "randomBytes of less than none": () => primitives.randomBytes(-1),
    "randomBytes of a half": () => primitives.randomBytes(0.5),
  };
}

export function sealedByNode(
  key: Uint8Array,
  nonce: Uint8Array,
  header: Uint8Array,
  plaintext: Uint8Array,
  name: "chacha20-poly1305" | "aes-256-gcm" = "chacha20-poly1305",
): Uint8Array {
  // The types know options for each cipher by its literal name only.
  const cipher = createCipheriv(name as "chacha20-poly1305", key, nonce, { authTagLength: 16 });
  cipher.setAAD(header, { plaintextLength: plaintext.length });
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

export function flipped(original: Uint8Array, bit: number): Uint8Array {
  const changed = Uint8Array.from(original);
  changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
  return changed;
}
