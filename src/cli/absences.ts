/** Which receivers of a cast are away: people read it in their lines, scripts get `absent`. */
import { formatKey, type ReceiverState, type ReceiverStatus } from "../index.ts";
import type { AbsentEvent } from "./events.ts";

/** A list of all receivers is too much for every progress. */
const LOOK_MS = 1000;

const GONE: readonly ReceiverState[] = ["partial", "declined", "lost"];

type Receiver = Pick<ReceiverStatus, "key" | "state" | "absence">;

/** The receivers of one key, which may have several. */
interface OfKey {
  here: number;
  absence: ReceiverStatus["absence"];
}

export class Absences {
  readonly #receivers: () => readonly Receiver[];
  readonly #tell: (event: AbsentEvent) => void;
  #lookAtMs = Number.NEGATIVE_INFINITY;
  /** Peers that were told to be away, and how many receivers of their key were here then. */
  readonly #away = new Map<string, number>();

  constructor(receivers: () => readonly Receiver[], tell: (event: AbsentEvent) => void) {
    this.#receivers = receivers;
    this.#tell = tell;
  }

  /** @param nowMs - from any origin */
  look(nowMs: number): void {
    if (nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + LOOK_MS;
    for (const [peer, { here, absence }] of byKey(this.#receivers())) {
      const hereBefore = this.#away.get(peer);
      if (absence !== undefined) {
        if (hereBefore === undefined) this.#tell({ t: "absent", peer, ...absence });
        this.#away.set(peer, hereBefore ?? here);
      } else if (this.#away.delete(peer) && here > (hereBefore as number)) {
        this.#tell({ t: "absent", peer, seconds: 0, leftSeconds: 0 });
      }
    }
  }
}

function byKey(receivers: readonly Receiver[]): ReadonlyMap<string, OfKey> {
  const all = new Map<string, OfKey>();
  for (const { key, state, absence } of receivers) {
    const peer = formatKey(key);
    const ofKey = all.get(peer) ?? { here: 0, absence: undefined };
    all.set(peer, ofKey);
    ofKey.absence ??= absence;
    if (absence === undefined && !GONE.includes(state)) ofKey.here++;
  }
  return all;
}
