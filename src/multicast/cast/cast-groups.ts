/** Groups that follow from a cast: docs/PROTOCOL.md, "Cast". */
import { ascii, concat } from "../../base/bytes.ts";
import { ipv4Group, type Scope, transientGroup } from "../group-address.ts";

const LABEL: Uint8Array = ascii("mp2p/1 cast group\0");

/**
 * IPv4 before IPv6: of two groups that the same receivers hear the first one is used, and of IPv4's packets
 * Linux finds the socket without a route, and each has 20 bytes less.
 *
 * @param key - the sender's
 */
export function castGroups(
  key: Uint8Array,
  castId: Uint8Array,
  scope: Scope,
  sha512: (data: Uint8Array) => Uint8Array,
): readonly string[] {
  const seed = sha512(concat(LABEL, key, castId)).subarray(0, 32);
  return [ipv4Group(seed, sha512), transientGroup(seed, scope, sha512)];
}
