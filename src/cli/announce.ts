import type { Endpoint } from "../index.ts";
import type { Context } from "./context.ts";

/** Tells how this endpoint is reached. */
export async function announce(
  endpoint: Endpoint,
  ticket: string,
  options: { readonly qr?: true },
  { reporter }: Context,
): Promise<void> {
  reporter.emit({ t: "ready", key: endpoint.keyText, ticket, addresses: endpoint.addresses });
  if (!options.qr) return;
  const { renderUnicodeCompact } = await import("uqr");
  // Upper case fits QR's alphanumeric mode: a third fewer modules, and tickets are read in any case.
  reporter.note(renderUnicodeCompact(ticket.toUpperCase()));
}
