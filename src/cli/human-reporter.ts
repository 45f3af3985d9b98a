import type { Readable } from "node:stream";
import type {
  ClassicReadyEvent,
  CliEventBody,
  DoctorCheck,
  DoneEvent,
  ErrorEvent,
  FileEvent,
  PathEvent,
  PeerEvent,
  ReadyEvent,
  ReceiverEvent,
} from "./events.ts";
import { forgeryLines } from "./forgeries.ts";
import type { ReceiverLine } from "./progress-line.ts";
import { ProgressView } from "./progress-view.ts";
import { prompt } from "./prompt.ts";
import type { Question } from "./question.ts";
import type { Reporter, Sink } from "./reporter.ts";
import { type Style, styleFor } from "./style.ts";
import { formatBytes, formatMs, formatRate, formatTaken, plural, printable } from "./text.ts";

export interface HumanReporterOptions {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds, from any origin. */
  readonly now: () => number;
  readonly isQuiet: boolean;
  readonly isVerbose: boolean;
  readonly wantsColor: boolean;
  /** The command line that uses a ticket on the other device, as a function of the ticket. */
  readonly usageOf: ((ticket: string) => string) | undefined;
  /** What the user calls the owner of a key. */
  readonly nameOf?: (peer: string) => string | undefined;
  /** Whose transfer it is goes with offers and results. */
  readonly tellsFrom?: boolean;
  /** Stdout belongs to a pipe's bytes, so nothing else may go there. */
  readonly isStdoutTaken: boolean;
}

/** Results on stdout, everything else on stderr. */
export class HumanReporter implements Reporter {
  readonly #options: HumanReporterOptions;
  readonly #progress: ProgressView;
  readonly #style: Style;

  constructor(options: HumanReporterOptions) {
    this.#options = options;
    const { stderr: sink, now, env } = options;
    const nameOf = (peer: string) => this.#name(peer);
    // TERM=dumb: it knows no control sequences.
    const isLive = sink.isTTY === true && env.TERM !== "dumb";
    this.#progress = new ProgressView({ sink, isLive, now, nameOf });
    this.#style = styleFor(options.stderr, options.wantsColor, options.env);
  }

  emit(event: CliEventBody): void {
    switch (event.t) {
      case "ready":
        if ("ticket" in event) this.#ready(event);
        else this.#classicReady(event);
        break;
      case "path":
        this.#path(event);
        break;
      case "message":
        this.detail(`from ${this.#name(event.peer)}`);
        this.#result(printable(event.text));
        break;
      case "offer":
        // A question about it says what it is.
        if (!this.#progress.paused) this.note(`offer  ${amount(event)}${this.#from(event)}`);
        break;
      case "accept":
        this.#accept(event.resumeBytes);
        break;
      case "progress":
        if (!this.#options.isQuiet) this.#progress.update(event);
        break;
      case "stalled":
      case "absent":
        // The line of progress says it.
        break;
      case "peer":
        this.#peer(event);
        break;
      case "receiver":
        this.#receiver(event);
        break;
      case "file":
        this.#file(event);
        break;
      case "done":
        if ("key" in event) this.#result(event.key);
        else if ("peers" in event) this.#peers(event.peers);
        else if ("text" in event) this.#result(printable(event.text));
        else if ("checks" in event) this.#doctor(event.checks);
        else this.#done(event);
        break;
      case "warning":
        this.note(`${this.#style("yellow", "warning")}: ${printable(event.message)}`);
        this.note(`  try: ${event.hint}`);
        break;
      case "error":
        this.#error(event);
        break;
    }
  }

  note(text: string): void {
    if (!this.#options.isQuiet) this.#line(text);
  }

  detail(text: string): void {
    if (this.#options.isVerbose) this.#line(this.#style("dim", text));
  }

  async ask<T>(question: Question<T>, signal: AbortSignal): Promise<T | undefined> {
    const { stdin, stderr } = this.#options;
    if (stdin.isTTY !== true || stderr.isTTY !== true) return undefined;
    this.#progress.paused = true;
    try {
      return await prompt(question, stdin, stderr, signal);
    } finally {
      this.#progress.paused = false;
    }
  }

  follow(receivers: () => readonly ReceiverLine[]): () => void {
    return this.#progress.follow(receivers);
  }

  close(): void {
    this.#progress.close();
  }

  /** What its user calls a peer, else enough of the key to tell it from others. */
  #name(peer: string): string {
    return printable(this.#options.nameOf?.(peer) ?? short(peer));
  }

  #from({ peer }: { readonly peer?: string }): string {
    if (this.#options.tellsFrom !== true || peer === undefined) return "";
    return `  from ${this.#name(peer)}`;
  }

  #line(text: string): void {
    this.#progress.erase();
    this.#options.stderr.write(`${text}\n`);
  }

  #result(text: string): void {
    this.#progress.erase();
    this.#options.stdout.write(`${text}\n`);
  }

  /** A script gets the bare ticket, a person the whole command to paste. */
  #ready({ ticket, addresses }: ReadyEvent): void {
    const { stdout, usageOf, isStdoutTaken } = this.#options;
    this.detail(`listening on ${addresses.join(", ")}`);
    const usage = usageOf?.(ticket) ?? ticket;
    if (isStdoutTaken) {
      this.#line(`on the other device:  ${usage}`);
    } else {
      this.note("on the other device:");
      this.#result(stdout.isTTY === true ? `  ${usage}` : ticket);
    }
  }

  #peer({ peer, addresses, interface: name, trusted }: PeerEvent): void {
    const called = this.#options.nameOf?.(peer);
    const mark = trusted ? `  trusted${called === undefined ? "" : `: ${printable(called)}`}` : "";
    this.#result(`${peer}  ${addresses[0] ?? ""}  ${name}${mark}`);
    for (const address of addresses.slice(1)) this.detail(`  ${address}`);
  }

  #peers(count: number): void {
    if (count > 0) return;
    this.note("nobody announces itself here; peers with --discovery off or private do not");
  }

  /** In the words of the original, for scripts that read it. */
  #classicReady({ address, key }: ClassicReadyEvent): void {
    this.#result(`my addr: ${address}\nmy publ: ${key}`);
  }

  #path({ peer, path, rttMs, why }: PathEvent): void {
    this.detail(`path to ${this.#name(peer)}: ${path} ${formatMs(rttMs)}, ${why}`);
  }

  #accept(resumeBytes: number): void {
    if (resumeBytes > 0) this.note(`resuming: ${formatBytes(resumeBytes)} are there already`);
  }

  #file({ name, result, why }: FileEvent): void {
    const reason = why === undefined ? "" : `: ${printable(why)}`;
    const text = `${result} ${printable(name)}${reason}`;
    if (result === "refused") this.#line(this.#style("yellow", text));
    else if (result !== "written") this.note(text);
    else this.detail(text);
  }

  #receiver({ peer, outcome, bytes, seconds, lossRate, path, why }: ReceiverEvent): void {
    const isComplete = outcome === "complete";
    const parts = [
      this.#name(peer),
      this.#style(isComplete ? "green" : "yellow", outcome),
      isComplete || bytes > 0 ? `${formatBytes(bytes)} in ${formatTaken(seconds)}` : "",
      lossRate > 0.0005 ? `${(100 * lossRate).toFixed(1)}% lost on the way` : "",
      isComplete && path === "unicast" ? "by unicast" : "",
      why === undefined ? "" : printable(why),
    ];
    const text = parts.filter(Boolean).join("  ");
    if (isComplete) this.note(text);
    else this.#line(text);
  }

  #done(event: DoneEvent): void {
    this.#progress.remove(event.peer);
    const { skipped = 0, resumedBytes, payloadBytes, path } = event;
    const seconds = Math.max(event.seconds, 0.001);
    const parts = [
      event.files === 0 && skipped > 0 ? "nothing new" : amount(event),
      `in ${formatTaken(seconds)}`,
      `(${formatRate(payloadBytes / seconds)}${path === undefined ? "" : `, ${path}`})`,
      event.receivers === undefined
        ? ""
        : `to ${plural(event.receivers, "receiver")}, ${formatBytes(event.wireBytes)} on the wire`,
      skipped > 0 ? `${plural(skipped, "file")} skipped` : "",
      skipped === 0 && resumedBytes > 0 ? `${formatBytes(resumedBytes)} were there already` : "",
    ];
    const [forged, ...explained] = event.forged === undefined ? [] : forgeryLines(event.forged);
    if (forged !== undefined) this.#line(`${this.#style("yellow", "warning")}: ${forged}`);
    for (const line of explained) this.#line(line);
    const text = parts.filter(Boolean).join("  ");
    this.note(`${this.#style("green", "done")}  ${text}${this.#from(event)}`);
  }

  #error({ code, message, why, hint, peer }: ErrorEvent): void {
    if (peer !== undefined) this.#progress.remove(peer);
    const who = peer === undefined ? "" : ` (peer ${this.#name(peer)})`;
    this.#line(
      `${this.#style("red", "error")}: ${printable(message)}${who}  ${this.#style("dim", code)}`,
    );
    if (why !== undefined) this.#line(`  why: ${printable(why)}`);
    if (hint !== undefined) this.#line(`  try: ${printable(hint)}`);
  }

  #doctor(checks: readonly DoctorCheck[]): void {
    const colors = { ok: "green", warn: "yellow", fail: "red" } as const;
    const width = Math.max(...checks.map(({ name }) => name.length));
    for (const { name, result, detail, fix } of checks) {
      const mark = this.#style(colors[result], result.padEnd(4));
      this.#result(`${mark}  ${name.padEnd(width)}  ${printable(detail)}`);
      if (fix !== undefined) this.#result(`      ${" ".repeat(width)}  fix: ${fix}`);
    }
  }
}

/** The first letters of a key: enough to tell peers apart at a glance, never to trust one. */
function short(key: string): string {
  return key.length > 10 ? `${key.slice(0, 8)}…` : key;
}

function amount({ files, bytes }: { readonly files: number; readonly bytes: number }): string {
  return files === 0 ? formatBytes(bytes) : `${plural(files, "file")}, ${formatBytes(bytes)}`;
}
