import {
  type CastOptions,
  type CastOutcome,
  type CastReport,
  castFiles,
  castStream,
  type Endpoint,
  type FileCast,
  formatKey,
  parseKey,
  type ReceiverReport,
  type StreamCast,
} from "../../index.ts";
import { announce } from "../announce.ts";
import { compileLater } from "../compile-later.ts";
import type { Context } from "../context.ts";
import type { DoneEvent } from "../events.ts";
import { CliError, codeOf } from "../failure.ts";
import { followCast } from "../follow-cast.ts";
import { networkOf, openEndpoint } from "../open-endpoint.ts";
import type { CastCommandOptions } from "../options.ts";
import { requireSources } from "../paths.ts";
import { formatTaken, plural } from "../text.ts";

const FILES_GO_ON = "run the same command again: receivers go on with what they have";
const STREAM_IS_OVER = "a live cast has no second chance: cast it again from its beginning";

/** `mp2p cast PATH…` and `producer | mp2p cast -`: one upload to any number of receivers. */
export async function cast(
  paths: readonly string[],
  options: CastCommandOptions,
  context: Context,
): Promise<void> {
  compileLater();
  const isLive = paths.length === 1 && paths[0] === "-";
  if (!isLive) await requireSources(paths);
  // Whoever may receive is the cast's affair: `castOptions`. Our key alone means an inbox of ours, if there is one.
  await using endpoint = await openEndpoint(
    { services: ["cast/1"], byKey: false, ...networkOf(options) },
    context,
  );
  const done = isLive
    ? await castStdin(endpoint, options, context)
    : await castPaths(endpoint, paths, options, context);
  context.reporter.emit(done);
}

async function castPaths(
  endpoint: Endpoint,
  paths: readonly string[],
  options: CastCommandOptions,
  context: Context,
): Promise<DoneEvent> {
  const { reporter } = context;
  const settings = {
    ...castOptions(options, context),
    ...(options.portable && { portable: true }),
  };
  await using casting = await castFiles(endpoint, paths, settings);
  reporter.emit({ t: "offer", peer: endpoint.keyText, files: casting.files, bytes: casting.bytes });
  for (const { name, why } of casting.failed) {
    reporter.emit({ t: "file", name, bytes: 0, result: "refused", why });
  }
  const report = await run(endpoint, casting, options, context);
  if (casting.failed.length > 0) {
    const left = plural(casting.failed.length, "file");
    throw new CliError("MP2P_PARTIAL", `${left} could not be cast`, "see the files marked refused");
  }
  return doneEvent(report, casting.files);
}

async function castStdin(
  endpoint: Endpoint,
  options: CastCommandOptions,
  context: Context,
): Promise<DoneEvent> {
  // Inboxes take files: one that hears of a stream could only decline it.
  const settings = { ...castOptions(options, context), announce: false };
  await using casting = castStream(endpoint, context.stdin, settings);
  return doneEvent(await run(endpoint, casting, options, context), 0);
}

/** Hands the ticket out, reports until everybody is done, then each receiver. */
async function run(
  endpoint: Endpoint,
  casting: FileCast | StreamCast,
  options: CastCommandOptions,
  context: Context,
): Promise<CastReport> {
  await announce(endpoint, casting.ticket, options, context);
  const isLive = !("files" in casting);
  if (!isLive && (options.open || options.allow !== undefined))
    noteInboxes(endpoint, options, context);
  const report = await followCast(casting, options.min, context).catch((error: unknown) => {
    // It is over, so every state is an outcome.
    for (const { state, absence: _, ...line } of casting.receivers())
      tell({ ...line, outcome: state as CastOutcome }, context);
    throw codeOf(error) === "MP2P_TIMEOUT" ? nobodyCame(options.wait) : error;
  });
  for (const receiver of report.receivers) tell(receiver, context);
  const missed = report.receivers.filter(({ outcome }) => outcome !== "complete");
  if (missed.length > 0)
    throw missedError(missed, report.receivers.length, isLive ? STREAM_IS_OVER : FILES_GO_ON);
  return report;
}

function tell({ key, why, ...fields }: ReceiverReport, { reporter }: Context): void {
  const told = why === undefined ? fields : { ...fields, why };
  reporter.emit({ t: "receiver", peer: formatKey(key), ...told });
}

function noteInboxes(
  endpoint: Endpoint,
  { discovery }: CastCommandOptions,
  { reporter }: Context,
): void {
  if (endpoint.multicast === undefined || discovery === "private") return;
  reporter.note("inboxes on this network that trust this device take it by themselves");
}

function nobodyCame(waitMs: number): CliError {
  const message = `no receiver came within ${formatTaken(waitMs / 1000)}`;
  const hint = "hand out the ticket of the next cast, and give more time with --wait";
  return new CliError("MP2P_TIMEOUT", message, hint);
}

function missedError(missed: readonly ReceiverReport[], all: number, missedHint: string): CliError {
  const isDeclined = missed.every(({ outcome }) => outcome === "declined");
  const hint = isDeclined ? "ask those who declined" : missedHint;
  if (missed.length < all) {
    const message = `${missed.length} of ${plural(all, "receiver")} did not get everything`;
    return new CliError("MP2P_PARTIAL", message, hint);
  }
  const [first] = missed;
  const message = `no receiver got everything: ${first?.why ?? first?.outcome}`;
  return new CliError(isDeclined ? "MP2P_REFUSED" : "MP2P_CLOSED", message, hint);
}

/** The ticket's bearer is let in unless keys are named or everybody is welcome. */
function castOptions(options: CastCommandOptions, { signal }: Context): CastOptions {
  const { min, wait, policy, require, floor, rate, allow, open } = options;
  return {
    signal,
    minReceivers: min,
    waitMs: wait,
    policy,
    admit: allow === undefined ? (open ? "open" : "secret") : allow.map(parseKey),
    ...(require !== undefined && { required: require.map(parseKey) }),
    ...(floor !== undefined && { floor }),
    ...(rate !== undefined && { rate }),
  };
}

function doneEvent({ bytes, seconds, wireBytes, receivers }: CastReport, files: number): DoneEvent {
  const isUnicast = receivers.length > 0 && receivers.every(({ path }) => path === "unicast");
  return {
    t: "done",
    bytes,
    files,
    seconds,
    path: isUnicast ? "direct" : "multicast",
    resumedBytes: 0,
    // What receivers held was not sent, and how much that is they only say all together.
    payloadBytes: Math.min(bytes, wireBytes),
    wireBytes,
    receivers: receivers.length,
  };
}
