/** What a sender tells its program: while it runs, and at the end. */
import { nameOf } from "../../base/bytes.ts";
import type {
  Absence,
  CastOutcome,
  CastProgress,
  CastReport,
  ReceiverReport,
  ReceiverStatus,
} from "./contract.ts";
import { median } from "./median.ts";
import type { Peer } from "./peer.ts";

/** One line a receiver: who came back after it was interrupted or lost has one, of how it is now. */
function latest(peers: readonly Peer[]): readonly Peer[] {
  const last = new Map(peers.map((peer) => [nameOf(peer.key), peer]));
  return peers.filter(
    (peer) =>
      peer.outcome === undefined ||
      peer.outcome === "complete" ||
      last.get(nameOf(peer.key)) === peer,
  );
}

/** When the cast began, and now or when it ended. */
interface Times {
  readonly from: number;
  readonly to: number;
}

export function statusesOf(
  peers: readonly Peer[],
  bytes: number | undefined,
  times: Times,
  absence: (peer: Peer) => Absence | undefined,
): ReceiverStatus[] {
  return latest(peers).map((peer) => ({
    ...lineOf(peer, bytes, times),
    state: peer.state,
    absence: absence(peer),
  }));
}

export function progressOf(
  peers: readonly Peer[],
  sent: Pick<CastProgress, "bytes" | "total" | "rate" | "wireBytes">,
): CastProgress {
  const admitted = latest(peers).filter(({ outcome }) => outcome !== "declined");
  const live = admitted.filter(({ outcome }) => outcome === undefined || outcome === "complete");
  const written = live.map((peer) => bytesOf(peer, sent.total));
  const complete = admitted.filter(({ outcome }) => outcome === "complete").length;
  return {
    ...sent,
    receivers: admitted.length,
    complete,
    slowest: written.length === 0 ? 0 : Math.min(...written),
    median: median(written) ?? 0,
  };
}

export function castReport(
  peers: readonly Peer[],
  totals: { readonly bytes: number; readonly wireBytes: number },
  times: Times,
): CastReport {
  const receivers = latest(peers).map((peer) => ({
    ...lineOf(peer, totals.bytes, times),
    outcome: outcomeOf(peer),
  }));
  return { receivers, seconds: (times.to - times.from) / 1000, ...totals };
}

function lineOf(
  peer: Peer,
  bytes: number | undefined,
  { from, to }: Times,
): Omit<ReceiverReport, "outcome"> {
  const endedAt = peer.outcome === undefined ? to : peer.finishedAt;
  return {
    key: peer.key,
    bytes: bytesOf(peer, bytes),
    seconds: Math.max(0, endedAt - Math.max(peer.joinedAt, from)) / 1000,
    lossRate: peer.lossRate,
    path: peer.path,
    why: peer.why,
  };
}

function outcomeOf(peer: Peer): CastOutcome {
  return peer.outcome ?? "partial";
}

function bytesOf(peer: Peer, total: number | undefined): number {
  return peer.outcome === "complete" ? (total ?? peer.writtenBytes) : peer.writtenBytes;
}
