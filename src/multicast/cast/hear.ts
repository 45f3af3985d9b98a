/**
 * What a receiver makes of a row of its groups. Whoever receives the cast can seal such packets: what
 * counts is what the sender signed, and sources that have shown to be the sender's.
 */
import { type Primitives, ROW_SYMBOLS } from "../../backend/port.ts";
import type { GroupRow } from "../hub.ts";
import { isAuthentic, parseAuthFrame } from "./auth-frame.ts";
import { CONTENT_OBJECT } from "./geometry.ts";
import type { Intake } from "./intake.ts";
import type { Reception } from "./reception.ts";
import type { StatusClock } from "./status-clock.ts";

export interface Hearer {
  readonly primitives: Primitives;
  /** Ed25519 key of what the sender signs. */
  readonly authKey: Uint8Array;
  readonly castId: Uint8Array;
  readonly intake: Intake;
  readonly reception: Reception;
  readonly status: StatusClock;
}

/** @returns whether it may be the sender's; what may not is counted by its source */
export function hear(hearer: Hearer, channel: number, row: GroupRow, now: number): boolean {
  const { intake, reception, status } = hearer;
  const { book } = intake;
  const source = book.number(row.source, row.interface);
  const { kind, object, block, symbol, count, bytes } = row;
  const isTaken =
    kind === ROW_SYMBOLS
      ? object === CONTENT_OBJECT && intake.symbols(block, symbol, count, bytes, source)
      : hearFrames(hearer, channel, row, source, now);
  if (!isTaken) return false;
  const before = reception.heard;
  // What was recorded and is sent again says nothing of the groups.
  if (reception.count(channel, row.packet, count, book.isProven(source)) > 0)
    reception.alive(row.time);
  if (reception.heard !== before) status.due(now);
  return true;
}

function hearFrames(
  { primitives, authKey, castId, intake, reception, status }: Hearer,
  channel: number,
  row: GroupRow,
  source: number,
  now: number,
): boolean {
  const frame = parseAuthFrame(row.bytes);
  if (frame === undefined || !intake.book.mayCheck(source, row.source, now)) return false;
  if (!isAuthentic(primitives, authKey, castId, frame)) {
    intake.book.judge(source, 1, false);
    return false;
  }
  intake.learned(frame.first, frame.hashes);
  intake.settled = Math.max(intake.settled, frame.sentBlocks);
  if (reception.auth(channel, frame, row.time)) {
    intake.book.judge(source, 1, true);
    status.asked(now, frame.statusIntervalMs, frame.receivers, frame.report);
  }
  return true;
}
