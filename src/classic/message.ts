/** The three messages of the original mp2p, told apart by their first byte. */
import {
  type AddressDeclaration,
  parseAddressDeclaration,
  TYPE_ADDRESS_DECLARATION,
} from "./address-declaration.ts";
import { parseSessionData, type SessionData, TYPE_SESSION_DATA } from "./session-data.ts";
import {
  parseSessionInitiation,
  type SessionInitiation,
  TYPE_SESSION_INITIATION,
} from "./session-initiation.ts";

export type ClassicMessage = AddressDeclaration | SessionInitiation | SessionData;

/** @returns undefined for anything else: hostile bytes are never an exception */
export function parseMessage(bytes: Uint8Array): ClassicMessage | undefined {
  switch (bytes[0]) {
    case TYPE_ADDRESS_DECLARATION:
      return parseAddressDeclaration(bytes);
    case TYPE_SESSION_INITIATION:
      return parseSessionInitiation(bytes);
    case TYPE_SESSION_DATA:
      return parseSessionData(bytes);
    default:
      return undefined;
  }
}
