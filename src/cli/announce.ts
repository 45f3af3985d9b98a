import { type Endpoint, parseTicket } from "../index.ts";
import type { Context } from "./context.ts";

/** Tells how this endpoint is reached. */
export async function announce(
  endpoint: Endpoint,
  ticket: string,
  options: { readonly qr?: true; readonly bind?: readonly string[] },
  { reporter }: Context,
): Promise<void> {
  reporter.emit({ t: "ready", key: endpoint.keyText, ticket, addresses: endpoint.addresses });
  const isAlone = options.bind === undefined && endpoint.multicast?.isCutOff !== false;
  if (isAlone && parseTicket(ticket).sameHost === true)
    reporter.note("this device has no network: the ticket serves on this device alone");
  if (!options.qr) return;
  const { renderUnicodeCompact } = await import("uqr");
  // Upper case fits QR's alphanumeric mode: a third fewer modules, and tickets are read in any case.
  reporter.note(renderUnicodeCompact(ticket.toUpperCase()));
}
