/** What a group is opened with, checked. */
import { ascii } from "../base/bytes.ts";
import {
  ANY,
  checkOptions,
  either,
  FLAG,
  type Rule,
  type Rules,
  SIGNAL,
  TEXT,
} from "../base/check-options.ts";
import { assertStrongSecret, type GroupTerms } from "../multicast/group/terms.ts";
import { readKey } from "../noise/identity.ts";
import type { Allow } from "./admission.ts";

export interface GroupOptions {
  /** Members agree on it; by itself no secret: who knows it finds the group, but is let in by `members` only. */
  readonly name?: string;
  /** At least 80 random bits, which members must know to see that there is a group at all. */
  readonly secret?: string | Uint8Array;
  /** Key of the identity whose group this is: it alone removes members everywhere. */
  readonly owner?: string | Uint8Array;
  /**
   * Whom this side takes for a member, besides the secret where there is one. A function is asked when a peer comes,
   * and again whenever one that it refused comes again, but never twice at once about one key; it may take its time,
   * and refuses where it throws.
   */
  readonly members?: Allow;
  /**
   * Every message of ours to every member, in order, as long as it is not cut off for longer than we keep 1,024
   * messages or 16 MiB; default false. Each member chooses for its own messages.
   */
  readonly reliable?: boolean;
  /** Bytes a second, above 0, that we send at most, copies for members without multicast included; default 12,500,000. */
  readonly maxRate?: number;
  /** Closes the group. */
  readonly signal?: AbortSignal;
}

const BYTES: Rule = { is: "a Uint8Array", fits: (value) => value instanceof Uint8Array };

const GROUP: Rules = {
  name: TEXT,
  secret: either(TEXT, BYTES),
  owner: either(TEXT, BYTES),
  // Who is a member is checked where it is asked.
  members: ANY,
  reliable: FLAG,
  maxRate: {
    is: "a number of bytes a second above zero",
    fits: (value) => Number.isFinite(value) && Number(value) > 0,
  },
  signal: SIGNAL,
};

/**
 * @throws {TypeError} for what is no option or cannot be meant, where nothing tells this group from others, or anybody could join unasked
 * @throws {Mp2pError} `MP2P_WEAK_SECRET`, `MP2P_KEY_INVALID`
 */
export function groupTerms(options: GroupOptions): GroupTerms {
  checkOptions("openGroup", options, GROUP);
  const { name, secret, owner, members } = options;
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
