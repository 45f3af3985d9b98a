/** New handshakes for sessions that live: new keys, and a peer that moved or restarted is noticed. */
import { isGroup } from "../path/ladder.ts";
import type { RehandshakeReason } from "../session/contract.ts";
import type { Answered, Dialer } from "./dialer.ts";
import type { HeldGroups, RungGroups } from "./rung-groups.ts";
import type { SessionRecord } from "./session-record.ts";

const REHANDSHAKE_MS = 90_000;

export class Searches {
  readonly #dialer: Dialer;
  readonly #groups: RungGroups | undefined;
  readonly #found: (record: SessionRecord, answered: Answered) => void;
  /** What ends the attempt of each session. */
  readonly #running = new Map<SessionRecord, () => void>();

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
    if (this.#running.has(record)) return;
    const { peer, address, epoch } = record;
    const lost = reason === "silence" || reason === "expired";
    const target = {
      key: peer.key,
      staticKey: peer.staticKey,
      // A restarted peer has another instance: only a session that hears its peer names it.
      ...(reason === "silence" ? {} : { instance: peer.instance }),
      epoch,
      addresses: lost ? record.knownAddresses : [address],
      groups: lost ? this.#groups?.joinOf(peer.key) : groupInUse(address),
      groupsLast: true,
      timeoutMs: REHANDSHAKE_MS,
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
    const stop = this.#dialer.dial(target, { failed: end, established }, now);
    // An attempt with nowhere to go fails at once.
    if (!over) this.#running.set(record, stop);
  }

  stop(record: SessionRecord): void {
    this.#running.get(record)?.();
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
