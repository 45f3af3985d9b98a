/** New handshakes for sessions that live: new keys, and a peer that moved or restarted is noticed. */
import { isGroup } from "../path/ladder.ts";
import type { RehandshakeReason } from "../session/contract.ts";
import type { Answered, Dialer } from "./dialer.ts";
import type { HeldGroups, RungGroups } from "./rung-groups.ts";
import type { SessionRecord } from "./session-record.ts";

const REHANDSHAKE_MS = 90_000;
/** After a pause the peer is most likely the one it was: so long it alone is asked for. */
const SAME_INSTANCE_MS = 3_000;

interface Search {
  readonly reason: RehandshakeReason;
  readonly stop: () => void;
}

/** How much is in doubt: whoever doubts more looks further, so its search takes the place of another. */
const DOUBT: Readonly<Record<RehandshakeReason, number>> = {
  age: 0,
  limit: 0,
  expired: 1,
  silence: 2,
};

export class Searches {
  readonly #dialer: Dialer;
  readonly #groups: RungGroups | undefined;
  readonly #found: (record: SessionRecord, answered: Answered) => void;
  /** The attempt of each session. */
  readonly #running = new Map<SessionRecord, Search>();

  constructor(
    dialer: Dialer,
    groups: RungGroups | undefined,
    found: (record: SessionRecord, answered: Answered) => void,
  ) {
    this.#dialer = dialer;
    this.#groups = groups;
    this.#found = found;
  }

  start(record: SessionRecord, reason: RehandshakeReason, now: number): void {
    const before = this.#running.get(record);
    if (before !== undefined && DOUBT[before.reason] >= DOUBT[reason]) return;
    this.stop(record);
    const { peer, address, epoch } = record;
    const lost = reason === "silence" || reason === "expired";
    const target = {
      key: peer.key,
      staticKey: peer.staticKey,
      // A restarted peer has another instance, and is silent where the old one is named.
      ...(reason === "silence" ? {} : { instance: peer.instance }),
      epoch,
      addresses: lost ? record.knownAddresses : [address],
      groups: lost ? this.#groups?.joinOf(peer.key) : groupInUse(address),
      groupsLast: true,
      timeoutMs: reason === "expired" ? SAME_INSTANCE_MS : REHANDSHAKE_MS,
    };
    let over = false;
    const end = () => {
      over = true;
      this.#running.delete(record);
    };
    const established = (answered: Answered) => {
      end();
      this.#found(record, answered);
    };
    const failed = () => {
      end();
      // Nobody says yes to the instance named: any other of the peer's is news, too.
      if (reason === "expired") this.start(record, "silence", now + SAME_INSTANCE_MS);
    };
    const stop = this.#dialer.dial(target, { failed, established }, now);
    // An attempt with nowhere to go fails at once.
    if (!over) this.#running.set(record, { reason, stop });
  }

  stop(record: SessionRecord): void {
    this.#running.get(record)?.stop();
    this.#running.delete(record);
  }

  stopAll(): void {
    for (const record of [...this.#running.keys()]) this.stop(record);
  }
}

/** The group that data takes, which the session is in already; none where it takes an address. */
function groupInUse(address: string): HeldGroups {
  const addresses = isGroup(address) ? [address] : [];
  return { addresses: () => addresses, leave: () => undefined };
}
