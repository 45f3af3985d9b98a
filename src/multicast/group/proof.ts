/**
 * Proof of membership between two peers of a session: only holders of the group's terms can make it, and
 * it holds for this session, this direction and this run alone, so it can neither be relayed nor kept.
 */
import type { Primitives } from "../../backend/port.ts";
import { ascii, concat, equalSecrets } from "../../base/bytes.ts";
import { PROOF_BYTES } from "../../wire/group-records.ts";

const LABEL: Uint8Array = ascii("mp2p/1 group member\0");

/** An endpoint: Ed25519 public key 32, instance 8. */
export interface Party {
  readonly key: Uint8Array;
  readonly instance: Uint8Array;
}

export interface ProofTerms {
  /** `GroupKeys.proof`. */
  readonly proofKey: Uint8Array;
  /** Who opened the stream, and who answers. */
  readonly opener: Party;
  readonly answerer: Party;
  /** The opener's run, and in the answer the answerer's after it. */
  readonly runs: Uint8Array;
  /** Of a handshake of the session, 64 bytes: the channel it holds for. */
  readonly exporter: Uint8Array;
}

export type ProofRole = "opener" | "answerer";

export function membershipProof(
  primitives: Primitives,
  role: ProofRole,
  { proofKey, opener, answerer, runs, exporter }: ProofTerms,
): Uint8Array {
  const roleByte = Uint8Array.of(role === "opener" ? 1 : 2);
  const parties = concat(opener.key, opener.instance, answerer.key, answerer.instance);
  const text = concat(LABEL, roleByte, parties, runs, exporter);
  return primitives.hmacSha512(proofKey, text).slice(0, PROOF_BYTES);
}

/** In the same time whatever is wrong. */
export function isMembershipProof(
  primitives: Primitives,
  proof: Uint8Array,
  role: ProofRole,
  terms: ProofTerms,
): boolean {
  return equalSecrets(proof, membershipProof(primitives, role, terms));
}
