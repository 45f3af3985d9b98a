import { isCastTicket, receiveFiles } from "../../index.ts";
import { compileLater } from "../compile-later.ts";
import { Consent, decisionsFor } from "../consent.ts";
import type { Context } from "../context.ts";
import { CliError } from "../failure.ts";
import { followPath, followTransfer } from "../follow-transfer.ts";
import { networkOf, openEndpoint } from "../open-endpoint.ts";
import type { ReceiveOptions } from "../options.ts";
import { requireFolder } from "../paths.ts";
import { ticketFrom } from "../ticket-source.ts";
import { atMost } from "../waiting.ts";
import { receiveCastFiles, receiveCastToStdout } from "./receive-cast.ts";

/** The sender closes once it knows how it ended; a lost packet must not keep us. */
const FAREWELL_MS = 2000;

/** `mp2p receive TICKET`: takes what the ticket's sender offers, or casts. */
export async function receive(
  argument: string | undefined,
  options: ReceiveOptions,
  context: Context,
): Promise<void> {
  const { reporter, signal, stdin, env, now } = context;
  const ticket = await ticketFrom(argument, env, stdin);
  const { output, yes, onConflict, durable } = options;
  const isCast = isCastTicket(ticket);
  if (isCast) compileLater();
  if (output === "-" && !isCast) {
    throw new CliError("MP2P_USAGE", "-o - is for casts of a stream", "give a folder with -o DIR");
  }
  if (output !== "-") await requireFolder(output);
  const services = [isCast ? "cast/1" : "transfer/1"];
  await using endpoint = await openEndpoint(
    { services, allow: [], ...networkOf(options) },
    context,
  );
  if (isCast) {
    const receiveIt = output === "-" ? receiveCastToStdout : receiveCastFiles;
    reporter.note("looking for the cast …");
    reporter.emit(await receiveIt(endpoint, ticket, options, context));
    return;
  }
  reporter.note("connecting …");
  await using session = await endpoint.connect(ticket, { signal, timeoutMs: options.timeout });
  followPath(session, reporter);
  const decisions = decisionsFor(session, new Consent(reporter, signal), {
    directory: output,
    onConflict,
    askHint: yes ? undefined : "add --yes to take it without asking",
  });
  const transfer = receiveFiles(session, output, {
    signal,
    accept: decisions.accept,
    onConflict: decisions.onConflict,
    ...(durable && { durable }),
  });
  const wireBytes = () => endpoint.counters().bytesReceived;
  try {
    const done = await followTransfer(transfer, { session, reporter, now, wireBytes });
    await atMost(session.closed, FAREWELL_MS);
    reporter.emit(done);
  } catch (error) {
    if (!signal.aborted) await atMost(session.closed, FAREWELL_MS);
    throw decisions.refusal() ?? error;
  }
}
