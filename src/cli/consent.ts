/** Whether an offer is taken, and what becomes of files that exist: by option, or by asking. */
import { type Conflict, type Existing, Mp2pError, type Offer } from "../index.ts";
import { contactNames } from "./contacts.ts";
import { CliError } from "./failure.ts";
import type { OnConflict } from "./options.ts";
import { conflictQuestion, type Question, yesNo } from "./question.ts";
import type { Reporter } from "./reporter.ts";
import { formatBytes, plural, printable } from "./text.ts";

/** Names shown with a question. */
const SHOWN_NAMES = 5;

/** Whoever makes an offer: a question about it is off when they have gone. */
export interface Offerer {
  readonly closed: Promise<{ readonly message: string }>;
}

/** One person answers for all transfers of a command: one question at a time. */
export class Consent {
  readonly #reporter: Reporter;
  readonly #signal: AbortSignal;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(reporter: Reporter, signal: AbortSignal) {
    this.#reporter = reporter;
    this.#signal = signal;
  }

  /**
   * @returns undefined where nobody can be asked
   * @throws the command's signal's reason; `MP2P_CLOSED` where the peer left meanwhile
   */
  async ask<T>(question: Question<T>, offerer: Offerer): Promise<T | undefined> {
    const left = new AbortController();
    void offerer.closed.then(({ message }) => left.abort(new CliError("MP2P_CLOSED", message)));
    const signal = AbortSignal.any([this.#signal, left.signal]);
    const answer = this.#turn.then(() => this.#reporter.ask(question, signal));
    this.#turn = answer.catch(() => undefined);
    return await answer;
  }
}

/** How one transfer decides. */
export interface Decisions {
  readonly accept: (offer: Offer) => Promise<boolean>;
  readonly onConflict: Conflict | ((existing: Existing) => Promise<Conflict>);
  /** Why the transfer was refused, where it was for want of somebody to ask. */
  readonly refusal: () => Error | undefined;
}

export interface DecisionOptions {
  readonly directory: string;
  readonly onConflict: OnConflict;
  /** What to give on the command line where nobody can be asked; undefined: take every offer. */
  readonly askHint: string | undefined;
}

export function decisionsFor(
  offerer: Offerer,
  consent: Consent,
  { directory, onConflict, askHint }: DecisionOptions,
): Decisions {
  let refusal: Error | undefined;
  let forAll: Conflict | undefined;
  const accept = async (offer: Offer) => {
    if (askHint === undefined) return true;
    const agreed = await consent.ask(yesNo(offerText(offer, directory)), offerer);
    if (agreed === undefined) {
      refusal = new CliError("MP2P_REFUSED", "refused: there is no terminal to ask on", askHint);
    }
    return agreed ?? false;
  };
  const askConflict = async (existing: Existing) => {
    if (forAll !== undefined) return forAll;
    const answer = await consent.ask(conflictQuestion(conflictText(existing)), offerer);
    if (answer === undefined) {
      const message = `${printable(existing.name)} exists, and there is no terminal to ask on`;
      const hint = "add --on-conflict skip, rename or overwrite";
      // An error of the package, so that the transfer passes its code on to the sender.
      refusal = new Mp2pError("MP2P_EXISTS", message, { hint });
      throw refusal;
    }
    if (answer.forAll) forAll = answer.conflict;
    return answer.conflict;
  };
  return {
    accept,
    onConflict: onConflict === "ask" ? askConflict : onConflict,
    refusal: () => refusal,
  };
}

function offerText(offer: Offer, directory: string): string {
  const { names, files, bytes, freeBytes, conflicts, resumeBytes, refused } = offer;
  const shown = names.slice(0, SHOWN_NAMES).map(printable).join(", ");
  const isResumed = resumeBytes > 0;
  const called = contactNames()(offer.peer.keyText);
  const lines = [
    `from ${called === undefined ? "" : `${printable(called)}  `}${offer.peer.keyText}`,
    `  ${shown}${names.length > SHOWN_NAMES ? ", …" : ""}`,
    `  ${plural(files, "file")}, ${formatBytes(bytes)}; ${formatBytes(freeBytes)} are free here`,
    isResumed ? `  ${formatBytes(resumeBytes)} are here from an earlier attempt` : "",
    conflicts.files > 0 ? `  ${conflicts.files} of them exist here with other content` : "",
    ...refused.slice(0, SHOWN_NAMES).map(({ name, why }) => `  not taken: ${name}: ${why}`),
    `${isResumed ? "Resume" : "Receive"} into ${printable(directory)}?`,
  ];
  return lines.filter(Boolean).join("\n");
}

function conflictText({ name, bytes, kind, offered }: Existing): string {
  const here = kind === "file" ? formatBytes(bytes) : `a ${kind}`;
  return `${printable(name)} exists: ${here} here, ${formatBytes(offered.bytes)} offered.`;
}
