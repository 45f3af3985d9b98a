/**
 * What is held of another member as a sender: its keys, its messages as far as they came, and what it is
 * asked for again.
 */
import { type Primitives, ROW_FRAMES } from "../../backend/port.ts";
import { type Piece, parseGroupFrame } from "../../wire/group-frames.ts";
import type { GroupRecord } from "../../wire/group-records.ts";
import type { GroupHub, GroupRow } from "../hub.ts";
import type { StrangeChecks } from "../strange-checks.ts";
import { nackBackoffMs } from "./backoff.ts";
import type { GroupCounters } from "./counters.ts";
import { type Budget, Receiver } from "./receiver.ts";
import { senderSlotKeys } from "./sender-keys.ts";
import { SignatureChecks } from "./signature-checks.ts";
import { PieceVerifier } from "./signing.ts";

/** Packets under the keys before the newest may still be on their way. */
const OVERLAP_MS = 2000;
/** A repair that does not come is asked for again, with growing patience. */
const RETRY_MS = { first: 30, most: 500, growth: 1.5 } as const;
const REPORT_MS = 200;
/** Changes of keys are a second apart where all keep to the rules; each holds a slot of the socket. */
const EPOCHS_MOST = 4;
/** Nothing came by the group though the sender says that it spoke: switches forget, firewalls eat. */
const DEAF_AFTER_MS = 500;
/** So long after the last packet made up in its name a member need not write to us any more. */
const FED_MS = 30_000;

export interface IncomingOptions {
  readonly hub: GroupHub;
  /** Group id, 32 bytes. */
  readonly group: Uint8Array;
  /** Ed25519 public key of the member, and its run. */
  readonly key: Uint8Array;
  readonly run: Uint8Array;
  readonly budget: Budget;
  readonly counters: GroupCounters;
  readonly strange: StrangeChecks;
  /** Where the member's session leads. */
  readonly address: () => string;
  /** Of that session. */
  readonly rttMs: () => number;
  readonly write: (record: GroupRecord) => void;
  readonly deliver: (seq: number, lost: number, data: Uint8Array) => void;
  /** The member's multicast does not arrive. */
  readonly unheard: () => void;
  /** How many may miss the same, and the greatest round trip among them. */
  readonly audience: () => { readonly members: number; readonly rttMs: number };
}

interface Epoch {
  readonly epoch: number;
  /** Receives anew: with windows of packet numbers in which none was used up. */
  readonly listen: () => () => void;
  stop: () => void;
  /** When its packets are taken no longer. */
  endsAt: number;
}

export class Incoming {
  readonly #options: IncomingOptions;
  readonly #primitives: Primitives;
  readonly #checks: SignatureChecks;
  /** Oldest first. */
  #epochs: Epoch[] = [];
  #receiver: Receiver | undefined;
  #reliable = false;
  #nackAt = Number.POSITIVE_INFINITY;
  #retryMs: number = RETRY_MS.first;
  #nackedAt = 0;
  #reportAt = Number.POSITIVE_INFINITY;
  #reported = { received: 0, missed: 0 };
  #deafAt = Number.POSITIVE_INFINITY;
  #deaf = false;
  /** When we ask to be written to no longer; infinite where we did not ask. */
  #fedUntil = Number.POSITIVE_INFINITY;
  /** Packets were dropped unread since the last HEAD. */
  #skipped = false;
  /** The sender wants to know when all below this is here. */
  #awaited: number | undefined;

  constructor(options: IncomingOptions) {
    this.#options = options;
    this.#primitives = options.hub.primitives;
    this.#checks = new SignatureChecks(options.strange, options.address);
  }

  /** Whether a key of this member was taken. */
  get keyed(): boolean {
    return this.#receiver !== undefined;
  }

  /** @returns whether the key is new and taken */
  takeKey(record: GroupRecord & { readonly type: "key" }, now: number): boolean {
    const { epoch, seq, reliable, key: senderKey } = record;
    const newest = this.#epochs.at(-1);
    if (newest !== undefined && epoch <= newest.epoch) return false;
    const { hub, group, key, run, budget, deliver } = this.#options;
    if (this.#receiver === undefined) {
      this.#reliable = reliable;
      this.#receiver = new Receiver({ reliable, start: seq, budget, deliver });
    }
    if (newest !== undefined) newest.endsAt = Math.min(newest.endsAt, now + OVERLAP_MS);
    const keys = senderSlotKeys(this.#primitives, { group, key, run, epoch, senderKey });
    const verifier = new PieceVerifier(this.#primitives, key, { group, run, epoch });
    const listen = () => hub.listen(keys, (row) => this.#receive(verifier, row));
    this.#epochs.push({ epoch, listen, stop: listen(), endsAt: Number.POSITIVE_INFINITY });
    if (this.#epochs.length > EPOCHS_MOST) this.#epochs.shift()?.stop();
    return true;
  }

  /** The member has sent all below `seq`. */
  head(seq: number, now: number): void {
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    receiver.head(seq);
    if (this.#reliable) this.#awaited = seq;
    if (this.#skipped && receiver.next < seq) this.#askToBeFed(now);
    this.#skipped = false;
    const isUnheard = receiver.received === 0 && seq > receiver.next && !this.#deaf;
    if (isUnheard && this.#deafAt === Number.POSITIVE_INFINITY) this.#deafAt = now + DEAF_AFTER_MS;
    this.#progress(now);
  }

  /** The member keeps nothing below `seq`. */
  gone(seq: number, now: number): void {
    this.#receiver?.gone(seq);
    this.#progress(now);
  }

  /** A piece that came over the session, as good as signed. */
  fed(piece: Piece, now: number): void {
    if (this.#receiver !== undefined && this.#isWanted(piece)) this.#take(piece, now);
  }

  run(now: number): void {
    this.#dropOldEpochs(now);
    if (now >= this.#fedUntil) this.#hearAgain();
    if (now >= this.#deafAt) this.#listenAnew();
    if (now >= this.#nackAt) this.#nack(now);
    if (now >= this.#reportAt) this.#report();
  }

  nextAt(): number {
    const ends = this.#epochs[0]?.endsAt ?? Number.POSITIVE_INFINITY;
    return Math.min(ends, this.#deafAt, this.#nackAt, this.#reportAt, this.#fedUntil);
  }

  close(): void {
    for (const { stop } of this.#epochs) stop();
    this.#epochs = [];
    this.#receiver?.close();
    this.#nackAt = Number.POSITIVE_INFINITY;
    this.#reportAt = Number.POSITIVE_INFINITY;
    this.#deafAt = Number.POSITIVE_INFINITY;
    this.#fedUntil = Number.POSITIVE_INFINITY;
  }

  #receive(verifier: PieceVerifier, row: GroupRow): void {
    const { counters } = this.#options;
    const frame = row.kind === ROW_FRAMES ? parseGroupFrame(row.bytes) : undefined;
    if (frame === undefined) {
      counters.malformed++;
      return;
    }
    if (!this.#isWanted(frame)) return;
    if (!this.#checks.mayCheck(row.source, row.time)) {
      counters.unchecked++;
      this.#skipped = true;
      return;
    }
    const isGood = verifier.verify(frame);
    // It takes the member's checks and packet numbers away: one is as good as a thousand.
    if (this.#checks.judge(row.source, isGood, row.time)) this.#askToBeFed(row.time);
    if (isGood) this.#take(frame, row.time);
    else counters.forged++;
  }

  #isWanted(piece: Piece): boolean {
    const verdict = (this.#receiver as Receiver).judge(piece);
    if (verdict !== "wanted")
      this.#options.counters[verdict === "full" ? "droppedFull" : "duplicates"]++;
    return verdict === "wanted";
  }

  #take(piece: Piece, now: number): void {
    this.#deafAt = Number.POSITIVE_INFINITY;
    if (!(this.#receiver as Receiver).take(piece)) this.#options.counters.malformed++;
    this.#progress(now);
  }

  /** Who makes up packets from the member's address cannot reach into our session with it. */
  #askToBeFed(now: number): void {
    if (this.#fedUntil === Number.POSITIVE_INFINITY)
      this.#options.write({ type: "feed", feed: true });
    this.#fedUntil = now + FED_MS;
    this.#options.hub.changed();
  }

  /** Something changed: what is asked for, and what the sender is told. */
  #progress(now: number): void {
    const receiver = this.#receiver;
    if (receiver === undefined || this.#epochs.length === 0) return;
    if (this.#awaited !== undefined && receiver.next >= this.#awaited) {
      this.#options.write({ type: "done", seq: receiver.next });
      this.#awaited = undefined;
    }
    if (receiver.missed > this.#reported.missed && this.#reportAt === Number.POSITIVE_INFINITY)
      this.#reportAt = now + REPORT_MS;
    if (!receiver.incomplete) {
      this.#nackAt = Number.POSITIVE_INFINITY;
      this.#retryMs = RETRY_MS.first;
    } else if (this.#nackAt === Number.POSITIVE_INFINITY) {
      this.#nackAt = now + this.#backoffMs();
    } else if (receiver.next > this.#nackedAt) this.#retryMs = RETRY_MS.first;
    this.#options.hub.changed();
  }

  #nack(now: number): void {
    const receiver = this.#receiver as Receiver;
    const missing = receiver.missing();
    if (missing.length === 0) {
      this.#nackAt = Number.POSITIVE_INFINITY;
      return;
    }
    receiver.missed += missing.length;
    this.#nackedAt = receiver.next;
    this.#options.write({ type: "nack", missing });
    this.#nackAt = now + 2 * this.#options.rttMs() + this.#retryMs + this.#backoffMs();
    this.#retryMs = Math.min(RETRY_MS.most, this.#retryMs * RETRY_MS.growth);
    if (this.#reportAt === Number.POSITIVE_INFINITY) this.#reportAt = now + REPORT_MS;
  }

  #backoffMs(): number {
    const { members, rttMs } = this.#options.audience();
    const [byte = 0, more = 0] = this.#primitives.randomBytes(2);
    return nackBackoffMs(members, rttMs, (byte * 256 + more) / 65_536);
  }

  #report(): void {
    const { received, missed } = this.#receiver as Receiver;
    this.#reportAt = Number.POSITIVE_INFINITY;
    const record = {
      received: received - this.#reported.received,
      lost: missed - this.#reported.missed,
    };
    this.#reported = { received, missed };
    this.#options.write({ type: "loss", ...record });
  }

  /** Nobody made anything up for a while. */
  #hearAgain(): void {
    this.#fedUntil = Number.POSITIVE_INFINITY;
    for (const epoch of this.#epochs) {
      epoch.stop();
      epoch.stop = epoch.listen();
    }
    this.#options.write({ type: "feed", feed: false });
  }

  #listenAnew(): void {
    this.#deafAt = Number.POSITIVE_INFINITY;
    this.#deaf = true;
    this.#options.write({ type: "deaf", deaf: true });
    this.#options.unheard();
  }

  #dropOldEpochs(now: number): void {
    while (this.#epochs.length > 1 && now >= (this.#epochs[0] as Epoch).endsAt) {
      this.#epochs.shift()?.stop();
    }
  }
}
