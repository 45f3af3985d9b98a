/** Tells that the other end of a pipe does not answer, and when it does again: a pipe has no progress that would. */
import type { Session } from "../../index.ts";
import { StallWatch } from "../motion.ts";
import type { Reporter } from "../reporter.ts";
import { formatSeconds } from "../text.ts";

/** A shorter pause is not worth a word; it is said again after twice as long. */
const SILENT_MS = 5000;

type Watched = Pick<Session, "stats" | "peer" | "path">;

export function watchSilence(session: Watched, reporter: Reporter, now: () => number): StallWatch {
  const tell = (seconds: number, text: string) => {
    reporter.note(text);
    const { peer, path } = session;
    reporter.emit({ t: "stalled", peer: peer.keyText, seconds, path: path.kind });
  };
  const poll = () => {
    const { packetsReceived, inFlightBytes } = session.stats();
    return { confirmed: packetsReceived, inFlightBytes };
  };
  const silent = (seconds: number) =>
    tell(seconds, `no answer for ${formatSeconds(seconds)}; still trying`);
  const moves = () => tell(0, "the peer answers again");
  const watch = new StallWatch(silent, now, { afterMs: SILENT_MS, poll, moves });
  watch.update(poll());
  return watch;
}
