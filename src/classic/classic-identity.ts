/**
 * Who a node is in the classic profile: keys derived from the seed, one for each role, as the original
 * keeps them in two files. The identity key signs nothing here unless asked to, and a server's answer
 * can never pass for a client's initiation. docs/CLASSIC.md, "Keys".
 */
import type { Identity } from "../noise/identity.ts";

const LABEL = {
  server: "mp2p/1 classic server\0",
  client: "mp2p/1 classic client\0",
} as const;

/** @param usesIdentityKey - `--classic-same-key`: the identity itself, in both roles */
export function classicIdentity(
  identity: Identity,
  role: keyof typeof LABEL,
  usesIdentityKey: boolean,
): Identity {
  return usesIdentityKey ? identity : identity.derive(LABEL[role]);
}
