import { TICKET_CANDIDATES_MAX, type Ticket } from "../rendezvous/ticket.ts";
import { reachableAddresses } from "./local-addresses.ts";

/** Groups in a ticket make it longer by 31 letters each. */
const MAX_GROUPS = 2;

/**
 * @param candidates - addresses to name. Where all are loopback, it is good on this machine alone, and says so
 * @param groups - that do not follow from the key
 */
export function ownTicket(
  key: Uint8Array,
  instance: Uint8Array,
  candidates: readonly string[],
  groups: readonly string[] = [],
): Ticket {
  const sameHost = reachableAddresses(candidates).every((address) =>
    /^(127\.|\[::1\])/.test(address),
  );
  const named = groups.slice(0, MAX_GROUPS);
  const room = TICKET_CANDIDATES_MAX - named.length;
  const ticket = { key, instance, candidates: candidates.slice(0, room), sameHost };
  return named.length === 0 ? ticket : { ...ticket, groups: named };
}
