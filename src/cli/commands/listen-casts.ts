/** The inbox's other half: casts that trusted keys announce on the local network. */
import { type AnnouncedCast, type Endpoint, formatKey } from "../../index.ts";
import type { Context } from "../context.ts";
import type { DoneEvent } from "../events.ts";
import { codeOf, errorEvent } from "../failure.ts";
import { type CastReception, receiveCastFiles } from "./receive-cast.ts";

/** The sender was lost, so the cast may go on: it is joined again when it is announced again. */
const LOST: ReadonlySet<string> = new Set([
  "MP2P_CLOSED",
  "MP2P_IDLE",
  "MP2P_NO_PATH",
  "MP2P_PEER_RESTARTED",
  "MP2P_STREAM_RESET",
  "MP2P_TIMEOUT",
]);

export interface CastInbox {
  readonly endpoint: Endpoint;
  /** Whose casts to take. */
  readonly trusted: readonly (Uint8Array | string)[];
  readonly reception: Omit<CastReception, "offered" | "accepted">;
  /** One cast that is accepted is the last. */
  readonly isOnce: boolean;
}

/** Takes casts until the signal. @returns with `isOnce`, what the one came to; rejects with what it failed with */
export function takeCasts(inbox: CastInbox, context: Context): Promise<DoneEvent> {
  const { endpoint, trusted } = inbox;
  const { signal } = context;
  return new Promise((resolve, reject) => {
    const taken = new Set<string>();
    const takeAll = async () => {
      if (trusted.length === 0 || endpoint.multicast === undefined) return;
      for await (const cast of endpoint.casts({ trusted, signal })) {
        const name = Buffer.from(cast.castId).toString("hex");
        if (taken.has(name)) continue;
        taken.add(name);
        const mayComeBack = () => taken.delete(name);
        take(inbox, cast, mayComeBack, context).then((done) => done && resolve(done), reject);
      }
    };
    takeAll().catch(reject);
  });
}

async function take(
  { endpoint, reception, isOnce }: CastInbox,
  cast: AnnouncedCast,
  mayComeBack: () => void,
  context: Context,
): Promise<DoneEvent | undefined> {
  const { reporter, signal } = context;
  const peer = formatKey(cast.key);
  let isOffered = false;
  let isAccepted = false;
  const offered = () => {
    isOffered = true;
  };
  const accepted = () => {
    isAccepted = true;
  };
  try {
    const done = await receiveCastFiles(
      endpoint,
      cast,
      { ...reception, offered, accepted },
      context,
    );
    if (isOnce) return done;
    reporter.emit(done);
  } catch (error) {
    signal.throwIfAborted();
    if (isOnce && isAccepted) throw error;
    if (LOST.has(codeOf(error))) mayComeBack();
    // Whoever announces a cast for others has not offered it to us.
    if (codeOf(error) === "MP2P_NOT_ALLOWED") reporter.detail(`a cast of ${peer} is for others`);
    else if (!isOffered && codeOf(error) === "MP2P_CLOSED")
      reporter.detail(`a cast of ${peer} was over before it was joined`);
    else reporter.emit({ ...errorEvent(error), peer });
  }
  return undefined;
}
