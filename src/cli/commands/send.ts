import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { makeWithParents } from "../../endpoint/make-with-parents.ts";
import { type Endpoint, homeFolder, type Session, sendFiles } from "../../index.ts";
import { announce } from "../announce.ts";
import type { Context } from "../context.ts";
import type { DoneEvent } from "../events.ts";
import { CliError, codeOf } from "../failure.ts";
import { followPath, followTransfer } from "../follow-transfer.ts";
import { networkOf, openEndpoint } from "../open-endpoint.ts";
import type { SendOptions } from "../options.ts";
import { requireSources } from "../paths.ts";
import type { Reporter } from "../reporter.ts";
import { refuseCast, ticketFrom } from "../ticket-source.ts";
import { nextWithin, within } from "../waiting.ts";

/** Ends of a session after which the receiver may come back and go on. */
const LOST: ReadonlySet<string> = new Set([
  "MP2P_CLOSED",
  "MP2P_IDLE",
  "MP2P_PEER_RESTARTED",
  "MP2P_STREAM_RESET",
]);

/** Journals of unfinished transfers, so that resuming reads nothing twice; in the home folder. */
const JOURNALS = "transfers";

/** `mp2p send PATH…`: to a ticket's endpoint, or to whoever brings the offer ticket printed here. */
export async function send(
  paths: readonly string[],
  options: SendOptions,
  context: Context,
): Promise<void> {
  await requireSources(paths);
  const { to } = options;
  const ticket = to === undefined ? undefined : await ticketFrom(to, context.env, context.stdin);
  if (ticket !== undefined) refuseCast(ticket);
  await using endpoint = await openEndpoint(
    { services: [], allow: [], ...networkOf(options) },
    context,
  );
  const done =
    ticket === undefined
      ? await offer(endpoint, paths, options, context)
      : await sendTo(endpoint, ticket, paths, options, context);
  context.reporter.emit(done);
}

async function sendTo(
  endpoint: Endpoint,
  ticket: string,
  paths: readonly string[],
  options: SendOptions,
  context: Context,
): Promise<DoneEvent> {
  const { reporter, signal } = context;
  reporter.note("connecting …");
  await using session = await endpoint.connect(ticket, { signal, timeoutMs: options.timeout });
  return await sendOver({ endpoint, session, paths, options, signal }, context);
}

/** Stays until one receiver has everything; one that was lost may come back with the same ticket. */
async function offer(
  endpoint: Endpoint,
  paths: readonly string[],
  options: SendOptions,
  context: Context,
): Promise<DoneEvent> {
  const { reporter, signal } = context;
  const ticket = endpoint.ticket({ offer: true, lifetimeMs: options.wait });
  await announce(endpoint, ticket, options, context);
  const sessions = endpoint.sessions()[Symbol.asyncIterator]();
  let coming = nextWithin(sessions, undefined, signal);
  for (;;) {
    const session = await within(coming, options.wait, signal);
    if (session === undefined) throw new CliError("MP2P_CLOSED", "the endpoint was closed");
    const attempt = new AbortController();
    const ended = AbortSignal.any([signal, attempt.signal]);
    const sending = sendOver({ endpoint, session, paths, options, signal: ended }, context);
    coming = nextWithin(sessions, undefined, signal);
    try {
      const done = await firstOf(sending, coming);
      await session.close();
      return done;
    } catch (error) {
      if (signal.aborted || !(error instanceof Replaced || LOST.has(codeOf(error)))) throw error;
      attempt.abort(error);
      reporter.note("the receiver went away; waiting for it to come back with the same ticket");
    }
  }
}

/** A session that begins while another sends: the receiver was restarted. */
class Replaced extends Error {}

async function firstOf(sending: Promise<DoneEvent>, coming: Promise<unknown>): Promise<DoneEvent> {
  const replaced = coming.then(() => Promise.reject(new Replaced()));
  replaced.catch(() => undefined);
  sending.catch(() => undefined);
  return Promise.race([sending, replaced]);
}

interface Sending {
  readonly endpoint: Endpoint;
  readonly session: Session;
  readonly paths: readonly string[];
  readonly options: SendOptions;
  readonly signal: AbortSignal;
}

async function sendOver(
  { endpoint, session, paths, options, signal }: Sending,
  { reporter, now }: Context,
): Promise<DoneEvent> {
  followPath(session, reporter);
  const journal = await journalFolder(reporter);
  const transfer = sendFiles(session, paths, {
    signal,
    ...(journal !== undefined && { journal }),
    ...(options.portable && { portable: true }),
  });
  const wireBytes = () => endpoint.counters().bytesSent;
  return followTransfer(transfer, { session, reporter, now, wireBytes });
}

/** @returns undefined where the home folder cannot be written: resuming then reads again what it hashed */
async function journalFolder(reporter: Reporter): Promise<string | undefined> {
  const folder = join(homeFolder(), JOURNALS);
  try {
    await makeWithParents(folder);
    await access(folder, constants.W_OK);
    return folder;
  } catch (error) {
    reporter.detail(`no journal is kept: ${(error as Error).message}`);
    return undefined;
  }
}
