import {
  type CastReceipt,
  type CastReceiveProgress,
  type Endpoint,
  formatKey,
  parseTicket,
  receiveCast,
  receiveCastStream,
  type TransferSummary,
} from "../../index.ts";
import { Consent, decisionsFor, type Offerer } from "../consent.ts";
import type { Context } from "../context.ts";
import type { DoneEvent } from "../events.ts";
import type { CliErrorCode } from "../exit-codes.ts";
import { CliError, codeOf } from "../failure.ts";
import { partialError, Teller } from "../follow-transfer.ts";
import { StallWatch } from "../motion.ts";
import type { ReceiveOptions } from "../options.ts";
import { requireFolder } from "../paths.ts";
import { RateMeter } from "../rate-meter.ts";

/** A cast goes on whoever leaves it, so a question about it stands. */
const STAYS: Offerer = { closed: new Promise(() => undefined) };

type Hints = Partial<Readonly<Record<CliErrorCode, string>>>;
const HINTS: Hints = {
  MP2P_NOT_ALLOWED:
    "ask the sender for its cast's ticket, or to allow the key that `mp2p id` shows",
  MP2P_REFUSED: "take the ticket of the sender's next cast",
};
/** The sender went away: whatever its reason, there is a way to go on. */
const HINTS_OF_FILES: Hints = {
  ...HINTS,
  MP2P_CLOSED:
    "when the sender casts it again, receive that with its new ticket into the same folder: what is here stays",
};
const HINTS_OF_STREAM: Hints = {
  ...HINTS,
  MP2P_CLOSED: "take the ticket of the sender's next cast: a live one begins anew",
};

/** What of `ReceiveOptions` a cast is received with. */
export type ReceiveCastCommandOptions = Pick<
  ReceiveOptions,
  "output" | "yes" | "onConflict" | "durable" | "timeout"
>;

export interface CastReception extends ReceiveCastCommandOptions {
  readonly consent?: Consent;
  /** What to give on the command line where nobody can be asked. */
  readonly askHint?: string;
  /** Called where the sender let us in and says what there is. */
  readonly offered?: () => void;
  /** Called where the offer is taken. */
  readonly accepted?: () => void;
}

/** A cast of files into a folder. */
export async function receiveCastFiles(
  endpoint: Endpoint,
  from: Parameters<typeof receiveCast>[1],
  options: CastReception,
  context: Context,
): Promise<DoneEvent> {
  const { reporter, signal, now } = context;
  const { output, yes, onConflict, durable, timeout, offered, accepted } = options;
  await requireFolder(output);
  const consent = options.consent ?? new Consent(reporter, signal);
  const hint = options.askHint ?? "add --yes to take it without asking";
  const askHint = yes ? undefined : hint;
  const decisions = decisionsFor(STAYS, consent, { directory: output, onConflict, askHint });
  let peer = "";
  let path: "multicast" | "direct" = "multicast";
  let receipt: CastReceipt | undefined;
  const wireBefore = endpoint.counters().bytesReceived;
  const transfer = receiveCast(endpoint, from, output, {
    signal,
    accept: async (offer) => {
      peer = offer.peer.keyText;
      offered?.();
      const isTaken = await decisions.accept(offer);
      if (isTaken) accepted?.();
      return isTaken;
    },
    onConflict: decisions.onConflict,
    timeoutMs: timeout,
    onProgress: (progress) => {
      path = progress.path === "unicast" ? "direct" : "multicast";
    },
    onReceipt: (its) => {
      receipt = its;
    },
    ...(durable && { durable }),
  });
  using teller = new Teller(() => ({ peer, path }), reporter, now);
  try {
    for await (const event of transfer) {
      if (event.type === "offer") peer = event.peer;
      teller.tell(event);
    }
    const wireBytes = endpoint.counters().bytesReceived - wireBefore;
    return doneEvent(await transfer.done, peer, receipt, wireBytes);
  } catch (error) {
    throw decisions.refusal() ?? withHint(error, HINTS_OF_FILES);
  }
}

/** What to do about what the sender said, who does not know how it was received. */
function withHint(error: unknown, hints: Hints): unknown {
  const { message, hint: its } = Object(error) as { message: string; hint?: string };
  const code = codeOf(error);
  const hint = hints[code];
  return its !== undefined || hint === undefined ? error : new CliError(code, message, hint);
}

/** A live cast to stdout, in order. */
export async function receiveCastToStdout(
  endpoint: Endpoint,
  ticket: string,
  options: ReceiveCastCommandOptions,
  { reporter, signal, stdout, now }: Context,
): Promise<DoneEvent> {
  const peer = formatKey(parseTicket(ticket).key);
  const meter = new RateMeter();
  let kind: "multicast" | "direct" = "multicast";
  const stalled = (seconds: number) => reporter.emit({ t: "stalled", peer, seconds, path: kind });
  using watch = new StallWatch(stalled, now);
  const onProgress = ({ bytes, path, ...progress }: CastReceiveProgress) => {
    meter.add(now(), bytes);
    watch.update({ confirmed: bytes });
    const total = progress.total ?? null;
    const { rate } = meter;
    const counts = { bytes, confirmed: bytes, total, files: 0, filesTotal: 0, rate };
    const etaSeconds = total === null || rate <= 0 ? null : (total - bytes) / rate;
    kind = path === "unicast" ? "direct" : "multicast";
    reporter.emit({ t: "progress", peer, ...counts, etaSeconds, path: kind });
  };
  const receiving = receiveCastStream(endpoint, ticket, stdout, {
    signal,
    timeoutMs: options.timeout,
    onProgress,
    end: false,
  });
  const { bytes, seconds, path, forged } = await receiving.catch((error: unknown) => {
    throw withHint(error, HINTS_OF_STREAM);
  });
  return {
    t: "done",
    peer,
    bytes,
    files: 0,
    seconds,
    path: path === "unicast" ? "direct" : "multicast",
    resumedBytes: 0,
    payloadBytes: bytes,
    wireBytes: endpoint.counters().bytesReceived,
    ...(forged.length > 0 && { forged }),
  };
}

function doneEvent(
  summary: TransferSummary,
  peer: string,
  receipt: CastReceipt | undefined,
  wireBytes: number,
): DoneEvent {
  if (summary.partial) throw partialError(summary);
  const { bytes, files, skipped, seconds, resumedBytes, payloadBytes } = summary;
  const path = receipt?.path === "unicast" ? "direct" : "multicast";
  const counts = { bytes, files, skipped, seconds, path, resumedBytes, payloadBytes } as const;
  const forged = receipt?.forged.length ? { forged: receipt.forged } : {};
  return { t: "done", peer, ...counts, wireBytes, ...forged };
}
