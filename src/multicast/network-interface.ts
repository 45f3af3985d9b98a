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
  /** The system says that it carries no groups: many tunnels do not. */
  readonly lacksMulticast?: boolean;
  /** Another text where its cable was pulled meanwhile or it was made anew, as far as the system tells. */
  readonly link?: string;
}

/** Whether it has an address of the family. */
export function speaks({ addresses }: NetworkInterface, family: 4 | 6): boolean {
  return addresses.some((each) => each.family === family);
}

/** Another text where its link or any of its addresses of this family changed: it may be in another network. */
export function stateOf({ addresses, link = "" }: NetworkInterface, family: 4 | 6): string {
  const own = addresses.filter((each) => each.family === family);
  const texts = own.map(({ host, prefixBits }) => `${host}/${prefixBits}`);
  return [link, ...texts.sort()].join(" ");
}
