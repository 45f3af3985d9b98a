/**
 * Type 0: where a node can be reached. docs/CLASSIC.md, "Messages".
 *
 *   0 type = 0 | 1-2 port | 3-18 address, IPv4 as v4-mapped | 19-50 source key | 51-114 signature
 */
import { concat } from "../base/bytes.ts";
import { parseSocketAddress, writeSocketAddress } from "../wire/socket-address.ts";
import { type ClassicSigner, sign } from "./signature.ts";

export const TYPE_ADDRESS_DECLARATION = 0;
const ADDRESS_DECLARATION_BYTES = 115;
const AT = { port: 1, address: 3, source: 19, signature: 51 } as const;
const ADDRESS_BYTES = 16;

export interface AddressDeclaration {
  readonly type: typeof TYPE_ADDRESS_DECLARATION;
  /** `"[ff1e::1]:1025"`, as declared: not yet looked at. */
  readonly address: string;
  readonly source: Uint8Array;
  /** All of it; the signature is not yet checked. */
  readonly bytes: Uint8Array;
}

/** @throws {RangeError} for text that is no address */
export function writeAddressDeclaration(address: string, signer: ClassicSigner): Uint8Array {
  const bytes = writeSocketAddress(address);
  if (bytes === undefined) throw new RangeError(`no address: ${address}`);
  const port = bytes.subarray(ADDRESS_BYTES);
  const ip = bytes.subarray(0, ADDRESS_BYTES);
  return sign(concat(Uint8Array.of(TYPE_ADDRESS_DECLARATION), port, ip, signer.key), signer);
}

/** @returns undefined for anything else; the original also took trailing bytes */
export function parseAddressDeclaration(bytes: Uint8Array): AddressDeclaration | undefined {
  if (bytes.length !== ADDRESS_DECLARATION_BYTES || bytes[0] !== TYPE_ADDRESS_DECLARATION) return;
  const port = bytes.subarray(AT.port, AT.address);
  const address = parseSocketAddress(concat(bytes.subarray(AT.address, AT.source), port));
  if (address === undefined) return;
  const source = bytes.slice(AT.source, AT.signature);
  return { type: TYPE_ADDRESS_DECLARATION, address, source, bytes };
}
