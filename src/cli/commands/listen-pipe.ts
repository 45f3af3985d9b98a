import type { Endpoint, Session, Stream } from "../../index.ts";
import { announce } from "../announce.ts";
import type { Context } from "../context.ts";
import { CliError } from "../failure.ts";
import { followPath } from "../follow-transfer.ts";
import { networkOf, openEndpoint } from "../open-endpoint.ts";
import type { ListenOptions } from "../options.ts";
import { nextWithin } from "../waiting.ts";
import { PIPE_SERVICE, runPipe } from "./pipe.ts";

/** `mp2p listen --pipe`: one peer, its stdin to our stdout and back. */
export async function listenPipe(options: ListenOptions, context: Context): Promise<void> {
  const { allow, wait } = options;
  await using endpoint = await openEndpoint(
    { services: [PIPE_SERVICE], allow: allow ?? [], ...networkOf(options) },
    context,
  );
  const ticket = endpoint.ticket(allow === undefined ? { offer: true, lifetimeMs: wait } : {});
  await announce(endpoint, ticket, options, context);
  const { session, stream } = await firstPipe(
    endpoint,
    allow === undefined ? wait : undefined,
    context,
  );
  await using _ = session;
  followPath(session, context.reporter);
  context.reporter.emit(await runPipe(session, stream, context));
}

/** The first peer that opens a pipe; one that leaves without is forgotten. */
async function firstPipe(
  endpoint: Endpoint,
  waitMs: number | undefined,
  { signal }: Context,
): Promise<{ session: Session; stream: Stream }> {
  const sessions = endpoint.sessions()[Symbol.asyncIterator]();
  for (;;) {
    const session = await nextWithin(sessions, waitMs, signal);
    if (session === undefined) throw new CliError("MP2P_CLOSED", "the endpoint was closed");
    const streams = session.streams(PIPE_SERVICE)[Symbol.asyncIterator]();
    const stream = await nextWithin(streams, undefined, signal);
    if (stream !== undefined) return { session, stream };
  }
}
