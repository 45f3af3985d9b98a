import { type Address, formatAddress, isMulticast, parseAddress } from "../../base/address.ts";
import { Mp2pError } from "../../base/errors.ts";

const MOST_PATHS = 4_096;

/** A remote address in the forms that node:dgram wants. */
export interface Remote {
  readonly text: string;
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
  /** Of a group: by which interface it is sent to. */
  readonly group?: GroupRemote;
}

export interface GroupRemote {
  readonly interface: string;
  /** No router forwards it. */
  readonly isLinkScope: boolean;
}

/**
 * @param zoneOf - how the system names an interface behind `%`
 * @throws {RangeError} for anything but an IP address with a port, and for a group without an interface
 */
export function remoteOf(text: string, zoneOf: (interfaceName: string) => string): Remote {
  const address = parseAddress(text);
  if (address === undefined)
    throw new RangeError(`not an IP address with a port: ${JSON.stringify(text)}`);
  const { family, port } = address;
  const remote = { text: formatAddress(address), host: hostOf(address), port, family };
  if (!isMulticast(address)) return remote;
  const group = groupOf(address);
  const host = hostOf({ family, bytes: address.bytes, port });
  const isZoned = family === 6 && group.isLinkScope;
  return { ...remote, host: isZoned ? `${host}%${zoneOf(group.interface)}` : host, group };
}

/** @throws {RangeError} for a group without an interface */
export function groupOf({ scope, family, bytes, port }: Address): GroupRemote {
  if (scope === undefined)
    throw new RangeError(`no interface in ${formatAddress({ family, bytes, port })}`);
  // RFC 4291 section 2.7: scopes 1 and 2 do not leave the link.
  return { interface: scope, isLinkScope: family === 6 && ((bytes[1] as number) & 15) <= 2 };
}

/** Where a datagram came from. */
export interface Source {
  readonly text: string;
  readonly path: number | undefined;
}

/** Remote addresses with a number, found by number when sending and by address when receiving. */
export class PathTable {
  readonly #byNumber = new Map<number, Remote>();
  readonly #byText = new Map<string, number>();
  #next = 1;
  /** The last source, as node:dgram spells it: most packets come from where the last one came from. */
  #lastHost = "";
  #lastPort = 0;
  #last: Source = { text: "", path: undefined };

  add(remote: Remote): number {
    const known = this.#byText.get(remote.text);
    if (known !== undefined) return known;
    if (this.#byNumber.size >= MOST_PATHS) {
      throw new Mp2pError("MP2P_LIMIT", `a socket holds at most ${MOST_PATHS} paths`);
    }
    const path = this.#next++;
    this.#byNumber.set(path, remote);
    this.#byText.set(remote.text, path);
    this.#lastPort = 0;
    return path;
  }

  remove(path: number): void {
    const remote = this.#byNumber.get(path);
    if (remote === undefined) return;
    this.#byNumber.delete(path);
    this.#byText.delete(remote.text);
    this.#lastPort = 0;
  }

  /** @throws {RangeError} for a number that no path has */
  remote(path: number): Remote {
    const remote = this.#byNumber.get(path);
    if (remote === undefined) throw new RangeError(`no path ${path}`);
    return remote;
  }

  source(host: string, port: number, family: string): Source {
    if (port !== this.#lastPort || host !== this.#lastHost) {
      const text = textOf(host, port, family);
      this.#last = { text, path: this.#byText.get(text) };
      this.#lastHost = host;
      this.#lastPort = port;
    }
    return this.#last;
  }
}

/** An address as node:dgram reports it, in the one spelling of this package. */
function textOf(host: string, port: number, family: string): string {
  if (family === "IPv4") return `${host}:${port}`;
  const address = parseAddress(`[${host}]:${port}`);
  return address === undefined ? `[${host}]:${port}` : formatAddress(address);
}

/** The address as node:dgram wants it: no port, no brackets. */
export function hostOf(address: Address): string {
  const text = formatAddress(address);
  return address.family === 4
    ? text.slice(0, text.search(/[%:]/))
    : text.slice(1, text.lastIndexOf("]"));
}
