/** Frozen bytes of secure groups, written by a second implementation from docs/PROTOCOL.md alone. */
import { readFileSync } from "node:fs";
import test from "ava";
import type { Primitives } from "../../../src/backend/port.ts";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { openAnnouncement, sealAnnouncement } from "../../../src/multicast/group/announcement.ts";
import { membershipProof } from "../../../src/multicast/group/proof.ts";
import { senderSlotKeys } from "../../../src/multicast/group/sender-keys.ts";
import { PieceVerifier, signPieces } from "../../../src/multicast/group/signing.ts";
import { groupKeys } from "../../../src/multicast/group/terms.ts";
import { parseGroupFrame } from "../../../src/wire/group-frames.ts";
import { testPrimitives } from "../../support/primitives.ts";

interface Piece {
  readonly seq: number;
  readonly index: number;
  readonly count: number;
  readonly data: string;
}

interface Frozen {
  readonly terms: readonly Record<
    "name" | "secret" | "owner" | "id" | "proof" | "beacon",
    string
  >[];
  readonly slots: readonly (Record<
    "group" | "sender" | "run" | "senderKey" | "key" | "iv" | "cid",
    string
  > & { readonly epoch: number })[];
  readonly proofs: readonly (Record<"proofKey" | "runs" | "exporter" | "proof", string> & {
    readonly role: 1 | 2;
    readonly opener: { readonly key: string; readonly instance: string };
    readonly answerer: { readonly key: string; readonly instance: string };
  })[];
  readonly frames: readonly (Record<"group" | "seed" | "run" | "salt", string> & {
    readonly epoch: number;
    readonly pieces: readonly Piece[];
    readonly frames: readonly string[];
  })[];
  readonly announcements: readonly (Record<
    "group" | "beacon" | "seed" | "instance" | "nonce" | "packet",
    string
  > & { readonly number: number })[];
}

const frozen = JSON.parse(readFileSync("__test__/vectors/secure-group.json", "utf8")) as Frozen;
const bytes = (hex: string) => fromHex(hex) as Uint8Array;
const party = ({ key, instance }: { readonly key: string; readonly instance: string }) => ({
  key: bytes(key),
  instance: bytes(instance),
});

/** Draws what the vector says. */
function drawing(primitives: Primitives, drawn: Uint8Array): Primitives {
  return new Proxy(primitives, {
    get(target, name: keyof Primitives) {
      if (name === "randomBytes") return () => drawn;
      return (target[name] as (...args: never[]) => unknown).bind(target);
    },
  });
}

for (const [backend, primitives] of await testPrimitives()) {
  test(`${backend}: a group's id and keys follow from its terms`, (t) => {
    for (const { name, secret, owner, ...expected } of frozen.terms) {
      const terms = {
        name: new TextEncoder().encode(name),
        secret: bytes(secret),
        owner: bytes(owner),
      };
      const { id, proof, beacon } = groupKeys(primitives, terms);
      t.deepEqual({ id: toHex(id), proof: toHex(proof), beacon: toHex(beacon) }, expected);
    }
  });

  test(`${backend}: slots follow from sender keys, proofs from what they prove`, (t) => {
    for (const { group, sender, run, epoch, senderKey, ...expected } of frozen.slots) {
      const { key, iv, cid } = senderSlotKeys(primitives, {
        group: bytes(group),
        key: bytes(sender),
        run: bytes(run),
        epoch,
        senderKey: bytes(senderKey),
      });
      t.deepEqual({ key: toHex(key), iv: toHex(iv), cid: toHex(cid) }, expected);
    }
    for (const { role, proofKey, opener, answerer, runs, exporter, proof } of frozen.proofs) {
      const made = membershipProof(primitives, role === 1 ? "opener" : "answerer", {
        proofKey: bytes(proofKey),
        opener: party(opener),
        answerer: party(answerer),
        runs: bytes(runs),
        exporter: bytes(exporter),
      });
      t.is(toHex(made), proof);
    }
  });

  test(`${backend}: messages are signed and verified byte for byte`, (t) => {
    for (const { group, seed, run, epoch, salt, pieces, frames } of frozen.frames) {
      const context = { group: bytes(group), run: bytes(run), epoch };
      const sign = (message: Uint8Array) => primitives.ed25519Sign(bytes(seed), message);
      const made = signPieces(
        drawing(primitives, bytes(salt)),
        sign,
        context,
        pieces.map((piece) => ({ ...piece, data: bytes(piece.data) })),
      );
      t.deepEqual(made.map(toHex), frames);
      const key = primitives.ed25519PublicKey(bytes(seed));
      const verifier = new PieceVerifier(primitives, key, context);
      for (const [index, frame] of frames.entries()) {
        const parsed = parseGroupFrame(bytes(frame));
        if (parsed === undefined) throw new Error(`frame ${index} cannot be read`);
        t.true(verifier.verify(parsed));
        const { seq, index: at, count, data } = parsed;
        t.deepEqual({ seq, index: at, count, data: toHex(data) }, pieces[index]);
      }
    }
  });

  test(`${backend}: announcements are sealed and opened byte for byte`, (t) => {
    for (const each of frozen.announcements) {
      const { group, beacon, seed, instance, number, nonce, packet } = each;
      const keys = { group: bytes(group), beaconKey: bytes(beacon) };
      const sign = (message: Uint8Array) => primitives.ed25519Sign(bytes(seed), message);
      const key = primitives.ed25519PublicKey(bytes(seed));
      const announced = { key, instance: bytes(instance), number };
      t.is(toHex(sealAnnouncement(primitives, keys, sign, bytes(nonce), announced)), packet);
      const opened = openAnnouncement(primitives, keys, bytes(packet));
      t.like(opened, announced);
      t.true(opened?.verify());
      const other = { ...keys, group: key };
      t.false(openAnnouncement(primitives, other, bytes(packet))?.verify());
    }
  });
}
