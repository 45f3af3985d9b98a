/** Tells that the other end of a pipe does not answer, and when it does again: a pipe has no progress that would. */
import type { Session } from "../../index.ts";
import type { Reporter } from "../reporter.ts";
import { formatSeconds } from "../text.ts";

type Followed = Pick<Session, "on" | "peer" | "path">;

export function followSilence(session: Followed, reporter: Reporter): void {
  const tell = (seconds: number, text: string) => {
    reporter.note(text);
    const { peer, path } = session;
    reporter.emit({ t: "stalled", peer: peer.keyText, seconds, path: path.kind });
  };
  session.on("silent", (ms) => {
    const seconds = Math.round(ms) / 1000;
    tell(seconds, `no answer for ${formatSeconds(seconds)}; still trying`);
  });
  session.on("heard", () => tell(0, "the peer answers again"));
}
