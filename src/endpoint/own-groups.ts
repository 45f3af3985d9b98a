/** The groups an endpoint listens on so that others can reach it: its key's, its prefixes', those asked for. */
import { parseAddress } from "../base/address.ts";
import { Mp2pError } from "../base/errors.ts";
import { GROUP_PORT, ownGroups, prefixGroup, SCOPE } from "../multicast/group-address.ts";
import { parseGroup } from "../multicast/group-kind.ts";
import type { Kept } from "../multicast/membership.ts";
import type { NetworkInterface } from "../multicast/network-interface.ts";
import type { EndpointHub } from "./group-hub.ts";
import { hostOf } from "./interfaces.ts";

/** More global prefixes than a node of this time has; each is a group in every ticket. */
const MAX_PREFIXES = 4;
const MAX_CHOSEN = 16;
const LONGEST_PREFIX = 64;

export interface ChosenGroup {
  readonly group: string;
  readonly source: string | undefined;
}

export class OwnGroups {
  readonly #hub: EndpointHub;
  readonly #chosen: readonly ChosenGroup[];
  readonly #prefixed = new Map<string, Kept>();

  constructor(hub: EndpointHub, chosen: readonly ChosenGroup[]) {
    this.#hub = hub;
    this.#chosen = chosen;
    for (const group of ownGroups(hub.key, (data) => hub.primitives.sha512(data))) hub.keep(group);
    for (const { group, source } of chosen) hub.keep(group, source);
    hub.watch((interfaces) => this.#keepPrefixed(interfaces));
    this.#keepPrefixed(hub.network);
  }

  /** Those a caller cannot derive from the key: tickets and announcements name them. */
  get named(): readonly string[] {
    const chosen = this.#chosen.filter(({ source }) => source === undefined);
    return [...this.#prefixed.keys(), ...chosen.map(({ group }) => group)];
  }

  #keepPrefixed(interfaces: readonly NetworkInterface[]): void {
    const groups = this.#groupsOf(interfaces);
    for (const [group, kept] of this.#prefixed) {
      if (groups.has(group)) continue;
      kept.leave();
      this.#prefixed.delete(group);
    }
    for (const group of groups)
      if (!this.#prefixed.has(group)) this.#prefixed.set(group, this.#hub.keep(group));
  }

  /** Of each prefix the widest group it allows: it reaches wherever the narrower ones do. */
  #groupsOf(interfaces: readonly NetworkInterface[]): ReadonlySet<string> {
    const groups = new Set<string>();
    const { key, primitives } = this.#hub;
    const hash = (data: Uint8Array) => primitives.sha512(data);
    for (const { family, bytes, prefixBits } of interfaces.flatMap((each) => each.addresses)) {
      if (family === 4 || prefixBits < 1 || groups.size >= MAX_PREFIXES) continue;
      const bits = Math.min(prefixBits, LONGEST_PREFIX);
      const group =
        prefixGroup(key, SCOPE.global, bytes, bits, hash) ??
        prefixGroup(key, SCOPE.organisation, bytes, bits, hash);
      if (group !== undefined) groups.add(group);
    }
    return groups;
  }
}

/**
 * Reads groups as users name them: `"ff15::8000:1"`, `"239.255.7.7"`, `"192.0.2.7@232.1.2.3"`.
 *
 * @throws {Mp2pError} `MP2P_USAGE` for anything but a group that is free to choose
 */
export function chosenGroups(texts: readonly string[]): readonly ChosenGroup[] {
  if (texts.length > MAX_CHOSEN)
    throw new Mp2pError("MP2P_USAGE", `at most ${MAX_CHOSEN} groups can be listened on`);
  return texts.map((text) => {
    const at = text.indexOf("@");
    const group = parseGroup(text.slice(at + 1));
    if (group === undefined || group.kind === "assigned" || !isOnPort(group.address))
      throw notFree(text, group?.kind === "assigned");
    return { group: group.address, source: at < 0 ? undefined : hostOf(text.slice(0, at)) };
  });
}

function isOnPort(group: string): boolean {
  return parseAddress(group)?.port === GROUP_PORT;
}

function notFree(text: string, isAssigned: boolean): Mp2pError {
  const why = isAssigned
    ? "is assigned to somebody else"
    : `is no multicast group on port ${GROUP_PORT}`;
  return new Mp2pError("MP2P_USAGE", `${JSON.stringify(text.slice(0, 80))} ${why}`, {
    hint: "choose one such as ff15::8000:1 or 239.255.7.7, or SOURCE@GROUP for one source only",
  });
}
