/** One line of progress, no wider than asked: what the numbers are, not when they are drawn. */
import stringWidth from "string-width";
import type { CastProgressEvent, ProgressEvent } from "./events.ts";
import { formatBytes, formatMs, formatRate, formatSeconds, plural } from "./text.ts";

const BAR_MIN_COLUMNS = 8;
const BAR_MAX_COLUMNS = 24;

interface Pace {
  /** Seconds without a newly confirmed byte. */
  readonly stalledSeconds: number;
  /** Transfers going on besides this one. */
  readonly others: number;
}

/** One receiver of a cast that is on. */
export interface ReceiverLine {
  readonly peer: string;
  readonly state:
    | "joining"
    | "receiving"
    | "catch-up"
    | "complete"
    | "partial"
    | "declined"
    | "lost";
  readonly bytes: number;
  /** Null while a live cast runs. */
  readonly total: number | null;
  readonly path: "multicast" | "unicast";
  /** It is waited for, though it is away. */
  readonly absence?: { readonly seconds: number; readonly leftSeconds: number } | undefined;
}

export type TransferState = Omit<ProgressEvent, "t"> & Pace;
export type CastState = Omit<CastProgressEvent, "t"> & Pace;
export type ProgressState = TransferState | CastState;

/** A pause shorter than this is not worth a word. */
const STALL_SECONDS = 5;

/** @returns the line without a bar, for logs and narrow terminals. */
export function progressText(state: ProgressState): string {
  return "receivers" in state ? castText(state) : transferText(state);
}

function transferText(state: TransferState): string {
  const isStalled = state.stalledSeconds >= STALL_SECONDS;
  const eta = state.etaSeconds === null ? "" : `ETA ${formatSeconds(state.etaSeconds)}`;
  return [
    ...amounts(state),
    isStalled ? stallText(state) : formatRate(state.rate),
    isStalled ? "" : eta,
    state.filesTotal > 1 ? `${state.files}/${state.filesTotal} files` : "",
    state.rttMs === undefined ? state.path : `${state.path} ${formatMs(state.rttMs)}`,
    state.others > 0 ? `(+${state.others} more)` : "",
  ]
    .filter((part) => part !== "")
    .join("  ");
}

/** How much there is of how much; of what is live, only the first is known. */
function amounts(state: Pick<ProgressState, "confirmed" | "total">): string[] {
  const { confirmed, total } = state;
  if (total === null) return [formatBytes(confirmed)];
  return [`${percent(state)}%`, `${formatBytes(confirmed)} of ${formatBytes(total)}`];
}

/** The bar shows the slowest receiver: when it is full, everybody has everything. */
function castText(state: CastState): string {
  const { total, confirmed, median, receivers, complete, etaSeconds, stalledSeconds } = state;
  if (state.awaited > 0) return waitingText(state);
  const isStalled = receivers > 0 && stalledSeconds >= STALL_SECONDS;
  const isEven = median - confirmed < 0.01 * (total ?? median);
  const parts = [
    ...amounts(state),
    isEven ? "" : `(median ${formatBytes(median)})`,
    isStalled ? stallText(state) : formatRate(state.rate),
    isStalled || etaSeconds === null ? "" : `ETA ${formatSeconds(etaSeconds)}`,
    complete > 0
      ? `${complete}/${plural(receivers, "receiver")} done`
      : plural(receivers, "receiver"),
  ];
  return parts.filter((part) => part !== "").join("  ");
}

/** Of what is live it is mostly whoever makes it that pauses. */
function stallText({ total, stalledSeconds }: ProgressState): string {
  return `${total === null ? "nothing new" : "no answer"} for ${formatSeconds(stalledSeconds)}`;
}

function waitingText({ awaited, receivers }: CastState): string {
  if (receivers === 0) return `waiting for ${plural(awaited, "receiver")}`;
  return `waiting until ${plural(awaited, "more receiver")} ${awaited === 1 ? "is" : "are"} ready`;
}

/**
 * @param who - names the transfer where there are several
 * @returns the line with a bar where there is room for one; at most `columns` wide
 */
export function progressLine(state: ProgressState, columns: number, who = ""): string {
  const text = progressText(state);
  const lead = who === "" ? "" : `${who}  `;
  const room = Math.min(BAR_MAX_COLUMNS, columns - stringWidth(lead + text) - 2);
  const isPlain = state.total === null || ("awaited" in state && state.awaited > 0);
  const shown =
    room < BAR_MIN_COLUMNS || isPlain ? text : `${bar(percent(state) / 100, room)}  ${text}`;
  return truncate(lead + shown, columns);
}

/** @returns a receiver's line below that of its cast, at most `columns` wide */
export function receiverLine(receiver: ReceiverLine, who: string, columns: number): string {
  const { bytes, total, state } = receiver;
  const confirmed = state === "complete" ? (total ?? bytes) : bytes;
  const share = percent({ confirmed, total });
  const parts = [
    `  ${who}`,
    total === null ? "" : `${bar(share / 100, BAR_MIN_COLUMNS)} ${`${share}`.padStart(3)}%`,
    formatBytes(confirmed),
    stateText(receiver),
  ];
  return truncate(parts.filter((part) => part !== "").join("  "), columns);
}

function stateText({ state, path, absence }: ReceiverLine): string {
  if (absence !== undefined) return absenceText(absence);
  const how = path === "unicast" ? " by unicast" : "";
  return state === "receiving" ? how.trim() : `${state}${state === "complete" ? how : ""}`;
}

/** @returns for whom a cast waits, and for how long; "" where it is not away */
export function awaitedText({ absence }: ReceiverLine, who: string): string {
  return absence === undefined ? "" : `waiting for ${who}: ${absenceText(absence)}`;
}

function absenceText({ seconds, leftSeconds }: NonNullable<ReceiverLine["absence"]>): string {
  return `away for ${formatSeconds(Math.floor(seconds))}, waited for ${formatSeconds(leftSeconds)} more`;
}

/** Cuts at a grapheme, never inside one, and marks the cut. */
export function truncate(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let kept = "";
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += stringWidth(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns > 0 ? `${kept}…` : "";
}

/** Rounded down, so that 100 means all of it. */
function percent({ confirmed, total }: Pick<ProgressState, "confirmed" | "total">): number {
  return total === 0 || total === null ? 100 : Math.floor((100 * confirmed) / total);
}

function bar(share: number, columns: number): string {
  const halves = Math.floor(share * columns * 2);
  const full = Math.floor(halves / 2);
  const half = halves % 2 === 1 ? "╸" : "";
  return `${"━".repeat(full)}${half}`.padEnd(columns, "─");
}
