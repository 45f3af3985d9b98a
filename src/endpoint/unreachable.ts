/** What to do where groups brought no answer, by what this device has heard of groups at all. */
import { Mp2pError } from "../base/errors.ts";
import { GROUP_PORT } from "../multicast/group-address.ts";
import type { MulticastInfo } from "./call-options.ts";

interface Heard extends Pick<MulticastInfo, "refused" | "deaf" | "hasHeardOthers"> {
  /** Interfaces that lead to other devices. */
  readonly outward: readonly string[];
  /** The loopback interface, where it takes part. */
  readonly loopback: string | undefined;
  /** Names that the program asked for; undefined for all. */
  readonly chosen: readonly string[] | undefined;
  /** Names of the interfaces that are up. */
  readonly present: readonly string[];
  /** Interfaces that the system says carry no groups. */
  readonly lacking: readonly string[];
}

/**
 * The error of an attempt that had a key and nothing else, with a hint that fits; others pass.
 *
 * @param multicast - undefined where discovery is off
 */
export function explained(error: unknown, multicast: MulticastInfo | undefined): unknown {
  if (!(error instanceof Mp2pError) || error.code !== "MP2P_NO_ADDRESS") return error;
  const off = "discovery is off on this device, so a key finds nobody";
  const why = multicast === undefined ? off : multicast.trouble;
  if (why === undefined) return error;
  return new Mp2pError(error.code, error.message, {
    hint: `${why}; the peer's ticket works without multicast: it carries addresses`,
  });
}

/** @returns undefined where other devices were heard: multicast works here then */
export function groupTrouble(heard: Heard): string | undefined {
  const { outward, deaf, hasHeardOthers } = heard;
  if (outward.length === 0) return nowhere(heard);
  if (hasHeardOthers) return undefined;
  if (deaf.length > 0) {
    return `a firewall on this device eats multicast, its own packets on ${named(deaf)} do not come back: let UDP port ${GROUP_PORT} in and out`;
  }
  return `no other device was heard on ${outward.join(", ")}: check that the peer is running on this network, and that no firewall, switch or access point eats multicast (UDP port ${GROUP_PORT})`;
}

/** No interface that takes part leads to other devices. */
function nowhere({ loopback, chosen, present, lacking, refused }: Heard): string {
  const reasons = [
    ...refused.map(({ interfaceName, error }) => `${interfaceName}: ${error.message}`),
    ...(chosen === undefined ? lacking : []).map((name) => `${name} carries none`),
  ];
  const why = reasons.length === 0 ? "" : ` (${reasons.join("; ")})`;
  if (chosen === undefined)
    return `no interface of this device takes part in multicast${why}: connect it to a network`;
  const there = `there are ${present.join(", ")}`;
  if (loopback === undefined)
    return `none of the interfaces asked for takes part in multicast${why}: ${chosen.join(", ")}; ${there}`;
  return `of the interfaces asked for only ${loopback} takes part in multicast, which does not leave this device${why}: check that the peer is running here, or ask for one that leads to it; ${there}`;
}

/** `"eth0 (IPv4, IPv6)"`. */
function named(places: MulticastInfo["deaf"]): string {
  const families = new Map<string, string[]>();
  for (const { interfaceName, family } of places)
    families.set(interfaceName, [...(families.get(interfaceName) ?? []), `IPv${family}`]);
  return Array.from(families, ([name, all]) => `${name} (${all.join(", ")})`).join(", ");
}
