/** What the classic profile needs to know of a network interface. */
import { networkInterfaces, platform } from "node:os";
import { parseAddress } from "../base/address.ts";
import { Mp2pError } from "../base/errors.ts";
import type { Family, Prefix } from "./classic-group.ts";

export interface ClassicInterface {
  readonly name: string;
  readonly isLoopback: boolean;
  /** How `addMembership` and `setMulticastInterface` name it; undefined where the family is missing. */
  readonly handle: Readonly<Record<Family, string | undefined>>;
  /** The first global or unique-local IPv6 prefix. */
  readonly prefix: Prefix | undefined;
}

/** @throws {Mp2pError} `MP2P_USAGE` where there is no such interface, or it is down */
export function classicInterface(name: string): ClassicInterface {
  const all = networkInterfaces();
  const addresses = all[name];
  if (addresses === undefined) {
    throw new Mp2pError("MP2P_USAGE", `no interface ${JSON.stringify(name)} is up`, {
      hint: `interfaces here: ${Object.keys(all).join(", ") || "none"}`,
    });
  }
  const ipv4 = addresses.find(({ family }) => family === "IPv4");
  const ipv6 = addresses.filter((one) => one.family === "IPv6");
  const zone = platform() === "win32" ? ipv6.find((one) => one.scopeid > 0)?.scopeid : name;
  return {
    name,
    isLoopback: addresses.some(({ internal }) => internal),
    handle: { 4: ipv4?.address, 6: ipv6.length === 0 ? undefined : `::%${zone ?? 0}` },
    prefix: ipv6.map(({ cidr }) => prefixOf(cidr)).find((one) => one !== undefined),
  };
}

function prefixOf(cidr: string | null): Prefix | undefined {
  const [host = "", bits = ""] = (cidr ?? "").split("/");
  const bytes = parseAddress(`[${host}]:0`)?.bytes;
  const [first = 0] = bytes ?? [];
  const isRoutable = (first & 0xe0) === 0x20 || (first & 0xfe) === 0xfc;
  return bytes !== undefined && isRoutable ? { bytes, bits: Number(bits) } : undefined;
}
