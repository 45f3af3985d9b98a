/** Whom `connect` means: a ticket, its text, or a bare key. */
import { equalBytes } from "../base/bytes.ts";
import { Mp2pError } from "../base/errors.ts";
import { KEY_BYTES, parseKey, readKey } from "../noise/identity.ts";
import { parseTicket, TICKET_PREFIX, type Ticket } from "../rendezvous/ticket.ts";
import type { CoreConfig } from "./core-config.ts";

/** @throws {Mp2pError} `MP2P_TICKET_INVALID`, `MP2P_TICKET_EXPIRED`, `MP2P_KEY_INVALID` or `MP2P_WRONG_PEER` */
export function readTarget(
  target: string | Uint8Array | Ticket,
  unixMs: number,
  { identity, instance }: CoreConfig,
): Ticket {
  const ticket = parseTarget(target);
  if (ticket.expires !== undefined && ticket.expires * 1000 <= unixMs) {
    throw new Mp2pError("MP2P_TICKET_EXPIRED", "this ticket has expired", {
      hint: "ask the sender for a new one: offers live ten minutes",
    });
  }
  const ourselves = ticket.instance !== undefined && equalBytes(ticket.instance, instance);
  if (ourselves && equalBytes(ticket.key, identity.key)) {
    throw new Mp2pError("MP2P_WRONG_PEER", "this is our own ticket", {
      hint: "use the ticket on the other device",
    });
  }
  return ticket;
}

function parseTarget(target: string | Uint8Array | Ticket): Ticket {
  if (typeof target === "string") {
    const text = target.trim();
    if (text.toLowerCase().startsWith(TICKET_PREFIX)) return parseTicket(text);
    return { key: parseKey(text), candidates: [] };
  }
  if (!(target instanceof Uint8Array)) return checked(target);
  return { key: readKey(target), candidates: [] };
}

/** @throws {TypeError} for what is neither a ticket, nor a key, nor the text of either */
function checked(target: Ticket): Ticket {
  const { key, candidates } = Object(target) as Partial<Ticket>;
  const isTicket =
    key instanceof Uint8Array && key.length === KEY_BYTES && Array.isArray(candidates);
  if (isTicket) return target;
  throw new TypeError("connect takes a ticket, its text, or a key");
}
