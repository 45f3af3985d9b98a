import type { Context } from "../context.ts";
import { followPath } from "../follow-transfer.ts";
import { networkOf, openEndpoint } from "../open-endpoint.ts";
import type { ConnectOptions } from "../options.ts";
import { refuseCast, ticketFrom } from "../ticket-source.ts";
import { PIPE_SERVICE, runPipe } from "./pipe.ts";

/** `mp2p connect TICKET`: stdin to a waiting `mp2p listen --pipe`, its answer to stdout. */
export async function connect(
  argument: string | undefined,
  options: ConnectOptions,
  context: Context,
): Promise<void> {
  const { reporter, signal, stdin, env } = context;
  const ticket = await ticketFrom(argument, env, stdin);
  refuseCast(ticket);
  await using endpoint = await openEndpoint(
    { services: [], allow: [], ...networkOf(options) },
    context,
  );
  await using session = await endpoint.connect(ticket, { signal, timeoutMs: options.timeout });
  followPath(session, reporter);
  const stream = await session.openStream({ service: PIPE_SERVICE, signal });
  reporter.emit(await runPipe(session, stream, context));
}
