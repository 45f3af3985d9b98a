import type { Ticket } from "../rendezvous/ticket.ts";
import { reachableAddresses } from "./local-addresses.ts";

/** @param candidates - addresses to name. Without others it is good on this machine alone, and says so */
export function ownTicket(
  key: Uint8Array,
  instance: Uint8Array,
  candidates: readonly string[],
): Ticket {
  const sameHost = reachableAddresses(candidates).every((address) =>
    /^(127\.|\[::1\])/.test(address),
  );
  return { key, instance, candidates, sameHost };
}
