/** What group membership needs to know of a network interface; `endpoint/interfaces.ts` reads it. */

export interface InterfaceAddress {
  readonly family: 4 | 6;
  /** `"192.0.2.1"`, `"fe80::1"`, without a zone. */
  readonly host: string;
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  /** Length of the network's prefix in bits. */
  readonly prefixBits: number;
}

/** One that is up and has at least one address. */
export interface NetworkInterface {
  readonly name: string;
  readonly isLoopback: boolean;
  readonly addresses: readonly InterfaceAddress[];
}

/** Its addresses of one family: empty where it lacks the family, another text where any of them changed. */
export function addressesOf({ addresses }: NetworkInterface, family: 4 | 6): string {
  const hosts = addresses.filter((each) => each.family === family).map(({ host }) => host);
  return hosts.sort().join(" ");
}
