/** What a group is opened with, checked. */
import { ascii } from "../base/bytes.ts";
import { Mp2pError } from "../base/errors.ts";
import { assertStrongSecret, type GroupTerms } from "../multicast/group/terms.ts";
import { KEY_BYTES, parseKey } from "../noise/identity.ts";
import type { Allow } from "./admission.ts";

export interface GroupOptions {
  /** Members agree on it; by itself no secret: who knows it finds the group, but is let in by `members` only. */
  readonly name?: string;
  /** At least 80 random bits, which members must know to see that there is a group at all. */
  readonly secret?: string | Uint8Array;
  /** Key of the identity whose group this is: it alone removes members everywhere. */
  readonly owner?: string | Uint8Array;
  /** Whom this side takes for a member, besides the secret where there is one. */
  readonly members?: Allow;
  /** Every message of ours to every member, in order; default false. Each member chooses for its own messages. */
  readonly reliable?: boolean;
  /** Bytes a second that we send at most, copies for members without multicast included; default 12,500,000. */
  readonly maxRate?: number;
  /** Closes the group. */
  readonly signal?: AbortSignal;
}

/**
 * @throws {TypeError} where nothing tells this group from others, or anybody could join unasked
 * @throws {Mp2pError} `MP2P_WEAK_SECRET`, `MP2P_KEY_INVALID`
 */
export function groupTerms({ name, secret, owner, members }: GroupOptions): GroupTerms {
  if (name === undefined && secret === undefined && owner === undefined)
    throw new TypeError("a group has a name, a secret or an owner");
  if (secret === undefined && members === undefined)
    throw new TypeError("who may join? Give a secret, or members: a list, or () => true for all");
  if (secret !== undefined) assertStrongSecret(secret);
  return {
    name: new TextEncoder().encode(name ?? ""),
    secret: typeof secret === "string" ? new TextEncoder().encode(secret) : (secret ?? ascii("")),
    owner: owner === undefined ? ascii("") : readKey(owner),
  };
}

function readKey(key: string | Uint8Array): Uint8Array {
  if (typeof key === "string") return parseKey(key);
  if (key.length === KEY_BYTES) return key.slice();
  throw new Mp2pError("MP2P_KEY_INVALID", `a key has ${KEY_BYTES} bytes, not ${key.length}`);
}
