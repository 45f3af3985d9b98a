/** The first records between two members: each shows that it knows the group before it learns anything. */
import type { Primitives } from "../../backend/port.ts";
import { concat } from "../../base/bytes.ts";
import { type GroupRecord, HELLO_PROOFS_MAX } from "../../wire/group-records.ts";
import { isMembershipProof, membershipProof, type Party, type ProofTerms } from "./proof.ts";

/** A reliable, ordered stream of records to one peer, whose key its session has proved. */
export interface MemberChannel {
  readonly peer: Party;
  /** Whether this side opened the stream. */
  readonly opened: boolean;
  /** Of the session's handshakes, 64 bytes each, newest last. */
  readonly exporters: readonly Uint8Array[];
  readonly rttMs: number;
  /** The peer's address on the path in use. */
  readonly address: string;
  /** Written, and not taken by the session yet. */
  readonly unsentBytes: number;
  write(bytes: Uint8Array): void;
  /** Once what was written has left. */
  close(): void;
}

export interface Greeter {
  readonly primitives: Primitives;
  readonly proofKey: Uint8Array;
  readonly self: Party;
  readonly run: Uint8Array;
}

export type Hello = GroupRecord & { readonly type: "hello" };
export type Welcome = GroupRecord & { readonly type: "welcome" };

export function makeHello({ primitives, proofKey, self, run }: Greeter, to: MemberChannel): Hello {
  const proofs = newest(to).map((exporter) =>
    membershipProof(primitives, "opener", {
      proofKey,
      opener: self,
      answerer: to.peer,
      runs: run,
      exporter,
    }),
  );
  return { type: "hello", run, proofs };
}

/** @returns our answer; undefined where no proof holds: the peer does not know this group */
export function answerHello(
  { primitives, proofKey, self, run }: Greeter,
  from: MemberChannel,
  hello: Hello,
): Welcome | undefined {
  let answer: Welcome | undefined;
  // Both sides may hold keys of a handshake that the other never finished: any shared one will do.
  for (const exporter of newest(from)) {
    const terms = { proofKey, opener: from.peer, answerer: self, exporter };
    for (const proof of hello.proofs) {
      const holds = isMembershipProof(primitives, proof, "opener", { ...terms, runs: hello.run });
      if (!holds) continue;
      const runs = concat(hello.run, run);
      const answering = membershipProof(primitives, "answerer", { ...terms, runs });
      answer = { type: "welcome", run, proof: answering };
    }
  }
  return answer;
}

export function isWelcome(
  { primitives, proofKey, self, run }: Greeter,
  from: MemberChannel,
  welcome: Welcome,
): boolean {
  const runs = concat(run, welcome.run);
  const terms = { proofKey, opener: self, answerer: from.peer, runs };
  const holds = (exporter: Uint8Array): boolean => {
    const full: ProofTerms = { ...terms, exporter };
    return isMembershipProof(primitives, welcome.proof, "answerer", full);
  };
  return newest(from).filter(holds).length > 0;
}

function newest({ exporters }: MemberChannel): readonly Uint8Array[] {
  return exporters.slice(-HELLO_PROOFS_MAX);
}
