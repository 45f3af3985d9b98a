/**
 * One signature over up to 64 pieces, each checkable alone (Wong and Lam 1998). Nodes are 16 bytes, which
 * an attacker who chooses pieces beforehand could collide with 2^64 work, were it not for a salt drawn once
 * they are fixed. Leaves and nodes are told apart by their first byte (RFC 6962 section 2.1).
 */
import { concat } from "../../base/bytes.ts";
import { type BatchPlace, NODE_BYTES } from "../../wire/group-frames.ts";
import type { Sha512 } from "../group-address.ts";

const LEAF: Uint8Array = Uint8Array.of(0);
const NODE: Uint8Array = Uint8Array.of(1);
/** Stands where a tree has fewer leaves than its depth allows. */
const NOTHING: Uint8Array = new Uint8Array(NODE_BYTES);

export interface MerkleTree {
  readonly root: Uint8Array;
  /** How each piece is found, in their order. */
  readonly places: readonly BatchPlace[];
}

/** @param pieces - 2 to 64 */
export function merkleTree(
  pieces: readonly Uint8Array[],
  salt: Uint8Array,
  sha512: Sha512,
): MerkleTree {
  const levels: Uint8Array[][] = [pieces.map((piece) => hashLeaf(piece, salt, sha512))];
  for (let below = levels[0] as Uint8Array[]; below.length > 1; ) {
    const above: Uint8Array[] = [];
    for (let at = 0; at < below.length; at += 2) {
      const left = below[at] as Uint8Array;
      above.push(hashNode(left, below[at + 1] ?? NOTHING, salt, sha512));
    }
    levels.push(above);
    below = above;
  }
  const [root] = levels.pop() as [Uint8Array];
  const places = pieces.map((_, leaf) => {
    const path = levels.map((level, height) => level[(leaf >> height) ^ 1] ?? NOTHING);
    return { leaf, salt, path: concat(...path) };
  });
  return { root, places };
}

/** The root that a piece at its place leads to. */
export function merkleRoot(
  piece: Uint8Array,
  { leaf, salt, path }: BatchPlace,
  sha512: Sha512,
): Uint8Array {
  let node = hashLeaf(piece, salt, sha512);
  for (let height = 0; height * NODE_BYTES < path.length; height++) {
    const sibling = path.subarray(height * NODE_BYTES, (height + 1) * NODE_BYTES);
    const isRight = ((leaf >> height) & 1) === 1;
    node = isRight ? hashNode(sibling, node, salt, sha512) : hashNode(node, sibling, salt, sha512);
  }
  return node;
}

function hashLeaf(piece: Uint8Array, salt: Uint8Array, sha512: Sha512): Uint8Array {
  return sha512(concat(LEAF, salt, piece)).subarray(0, NODE_BYTES);
}

function hashNode(
  left: Uint8Array,
  right: Uint8Array,
  salt: Uint8Array,
  sha512: Sha512,
): Uint8Array {
  return sha512(concat(NODE, salt, left, right)).subarray(0, NODE_BYTES);
}
