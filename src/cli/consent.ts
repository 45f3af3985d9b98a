/** Whether an offer is taken, and what happens to files that exist: by option, or by asking. */
import type { Offer } from "../index.ts";
import { CliError } from "./failure.ts";
import type { Reporter } from "./reporter.ts";
import { formatBytes, plural, printable } from "./text.ts";

/** Names shown with a question. */
const SHOWN_NAMES = 5;

/** Asks one question at a time, whoever wants to. */
export class Consent {
  readonly #reporter: Reporter;
  readonly #signal: AbortSignal;
  #turn: Promise<unknown> = Promise.resolve();
  /** Why the last offer was not taken, where it was for want of somebody to ask. */
  refusal: CliError | undefined;

  constructor(reporter: Reporter, signal: AbortSignal) {
    this.#reporter = reporter;
    this.#signal = signal;
  }

  /** @param hint - what to give on the command line where nobody can be asked */
  async ask(question: string, hint: string): Promise<boolean> {
    const answer = this.#turn.then(() => this.#reporter.confirm(question, this.#signal));
    this.#turn = answer.catch(() => undefined);
    const agreed = await answer;
    if (agreed === undefined) {
      this.refusal = new CliError("MP2P_REFUSED", "refused: there is no terminal to ask on", hint);
    }
    return agreed ?? false;
  }
}

export function offerQuestion(offer: Offer, directory: string): string {
  const { names, files, bytes, folders, freeBytes, conflicts, resumeBytes } = offer;
  const shown = names.slice(0, SHOWN_NAMES).map(printable);
  const more = files + folders - shown.length;
  const lines = [
    `from ${offer.peer.keyText}`,
    `  ${shown.join(", ")}${more > 0 && names.length > SHOWN_NAMES ? ", …" : ""}`,
    `  ${plural(files, "file")}, ${formatBytes(bytes)}; ${formatBytes(freeBytes)} free`,
    resumeBytes > 0 ? `  ${formatBytes(resumeBytes)} are there from an earlier attempt` : "",
    conflicts.files > 0 ? `  ${plural(conflicts.files, "file")} exist with other content` : "",
    `${resumeBytes > 0 ? "Resume" : "Receive"} into ${printable(directory)}?`,
  ];
  return lines.filter(Boolean).join("\n");
}

export function conflictQuestion(offer: Offer): string {
  const { files, names } = offer.conflicts;
  const shown = names.slice(0, SHOWN_NAMES).map(printable).join(", ");
  return `Overwrite ${plural(files, "file")} (${shown}${files > SHOWN_NAMES ? ", …" : ""})?`;
}

/**
 * The answer to an offer.
 *
 * @param hint - what to give where nobody can be asked; undefined: take every offer
 */
export function takeOffer(
  consent: Consent,
  hint: string | undefined,
  directory: string,
): (offer: Offer) => Promise<boolean> {
  return async (offer) => hint === undefined || consent.ask(offerQuestion(offer, directory), hint);
}
