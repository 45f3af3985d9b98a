/**
 * An IP address with a port in 18 bytes: `address 16 | port 2`, IPv4 as `::ffff:a.b.c.d` (RFC 4291
 * section 2.5.5.2). An interface scope means nothing to anybody else and is left out.
 */
import { formatAddress, parseAddress } from "../base/address.ts";
import { viewOf } from "../base/bytes.ts";

const SOCKET_ADDRESS_BYTES = 18;
const PORT_AT = 16;
const IPV4_AT = 12;

/** @returns undefined for text that is no address */
export function writeSocketAddress(text: string): Uint8Array | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const bytes = new Uint8Array(SOCKET_ADDRESS_BYTES);
  if (address.family === 4) {
    bytes.fill(0xff, IPV4_AT - 2, IPV4_AT);
    bytes.set(address.bytes, IPV4_AT);
  } else bytes.set(address.bytes);
  viewOf(bytes).setUint16(PORT_AT, address.port);
  return bytes;
}

/** @returns undefined for another length */
export function parseSocketAddress(bytes: Uint8Array): string | undefined {
  if (bytes.length !== SOCKET_ADDRESS_BYTES) return undefined;
  const port = viewOf(bytes).getUint16(PORT_AT);
  const mapped = bytes
    .subarray(0, IPV4_AT)
    .every((byte, at) => byte === (at < IPV4_AT - 2 ? 0 : 0xff));
  return mapped
    ? formatAddress({ family: 4, bytes: bytes.slice(IPV4_AT, PORT_AT), port })
    : formatAddress({ family: 6, bytes: bytes.slice(0, PORT_AT), port });
}
