import { SparseMap } from "../base/sparse.ts";
import type { StreamKind } from "../wire/frames.ts";
import type { Limits } from "../wire/limits.ts";
import { BlockPool } from "./block-pool.ts";
import { FAULT, type Fault } from "./close-codes.ts";
import { type Gaps, ReceiveHalf } from "./receive-half.ts";
import { ReceiveWindow } from "./receive-window.ts";
import type { Held } from "./send-buffer.ts";
import { SendHalf } from "./send-half.ts";

/** Of streams whose opener did not say, and of the answering side. */
export const DEFAULT_PRIORITY = 3;

interface Stream {
  readonly send: SendHalf | undefined;
  readonly receive: ReceiveHalf | undefined;
}

/** Stream ids are u32: bit 0 is the opener, bit 1 set for unidirectional ones, the rest counts up. */
function kindOf(id: number): StreamKind {
  return ((id >> 1) & 1) as StreamKind;
}

/** The streams of one session, how many each side may open, and the credit for all of them. */
export class Streams {
  /** Credit we grant for all streams together. */
  readonly window: ReceiveWindow;
  /** What the send buffers of all streams hold. */
  readonly held: Held = { bytes: 0 };
  /** In what came of all streams: what an attacker could make us remember. */
  readonly gaps: Gaps = { count: 0 };
  readonly #opener: 0 | 1;
  readonly #local: Limits;
  readonly #pool: BlockPool;
  readonly #open = new SparseMap<number, Stream>();
  /** By kind: opened by us, allowed to us, opened by the peer, closed of those, allowed to the peer. */
  readonly #opened: [number, number] = [0, 0];
  readonly #allowed: [number, number] = [0, 0];
  readonly #accepted: [number, number] = [0, 0];
  readonly #closed: [number, number] = [0, 0];
  readonly #granted: [number, number];
  #remoteStreamCredit = 0;

  constructor(opener: 0 | 1, local: Limits, pool: BlockPool | undefined, now: number) {
    this.#opener = opener;
    this.#local = local;
    this.#pool = pool ?? new BlockPool();
    this.window = new ReceiveWindow(local.connectionCreditBytes, now);
    this.#granted = [local.bidirectionalStreams, local.unidirectionalStreams];
  }

  get count(): number {
    return this.#open.size;
  }

  /** What the peer granted in the first handshake. */
  adopt(remote: Limits): void {
    this.#remoteStreamCredit = remote.streamCreditBytes;
    this.allow(0, remote.bidirectionalStreams);
    this.allow(1, remote.unidirectionalStreams);
  }

  /** The peer lets us open so many streams in all. @returns whether that is more than before */
  allow(kind: StreamKind, count: number): boolean {
    if (count <= this.#allowed[kind]) return false;
    this.#allowed[kind] = Math.min(count, 2 ** 30);
    return true;
  }

  send(id: number): SendHalf | undefined {
    return this.#open.get(id)?.send;
  }

  receive(id: number): ReceiveHalf | undefined {
    return this.#open.get(id)?.receive;
  }

  /** @returns the id, or undefined where the peer grants no more streams of the kind now */
  open(kind: StreamKind, priority: number, now: number): number | undefined {
    const count = this.#opened[kind];
    if (count >= this.#allowed[kind]) return undefined;
    this.#opened[kind] = count + 1;
    const id = ((count << 2) | (kind << 1) | this.#opener) >>> 0;
    this.#add(id, true, kind === 0, priority, now);
    return id;
  }

  /**
   * A frame names a stream: opens it, and those before it of its kind, where the peer may.
   *
   * @param opened - called for each stream that this opens
   */
  accept(id: number, now: number, opened: (id: number) => void): Fault | undefined {
    const kind = kindOf(id);
    const index = id >>> 2;
    if ((id & 1) === this.#opener)
      return index < this.#opened[kind] ? undefined : FAULT.streamState;
    if (index < this.#accepted[kind]) return undefined;
    if (index >= this.#granted[kind]) return FAULT.streamLimit;
    for (let next = this.#accepted[kind]; next <= index; next++) {
      const each = ((next << 2) | (id & 3)) >>> 0;
      this.#add(each, kind === 0, true, DEFAULT_PRIORITY, now);
      opened(each);
    }
    this.#accepted[kind] = index + 1;
    return undefined;
  }

  /** Whether we may send on streams of this id at all, and the peer. */
  sends(id: number): boolean {
    return kindOf(id) === 0 || (id & 1) === this.#opener;
  }

  receives(id: number): boolean {
    return kindOf(id) === 0 || (id & 1) !== this.#opener;
  }

  /**
   * Forgets the stream where both of its sides are done.
   *
   * @returns the kind of which the peer may now open notably more, if any
   */
  settle(id: number): StreamKind | undefined {
    const stream = this.#open.get(id);
    if (stream === undefined) return undefined;
    const { send, receive } = stream;
    const sent =
      send === undefined || send.delivered || (send.resetCode !== undefined && send.resetAcked);
    if (!sent || !(receive?.over ?? true)) return undefined;
    this.#open.delete(id);
    if ((id & 1) === this.#opener) return undefined;
    const kind = kindOf(id);
    this.#closed[kind]++;
    const base = this.#base(kind);
    return base + this.#closed[kind] - this.#granted[kind] >= Math.max(1, base >> 3)
      ? kind
      : undefined;
  }

  /** @returns the count to announce in STREAMS */
  grantStreams(kind: StreamKind): number {
    this.#granted[kind] = Math.min(this.#base(kind) + this.#closed[kind], 2 ** 30);
    return this.#granted[kind];
  }

  *sendHalves(): IterableIterator<SendHalf> {
    for (const { send } of this.#open.values()) if (send !== undefined) yield send;
  }

  /** What has come whole can still be read. */
  clear(): void {
    for (const [id, { send, receive }] of [...this.#open]) {
      send?.buffer.clear();
      if (receive?.isWhole !== true) this.#open.delete(id);
    }
  }

  #base(kind: StreamKind): number {
    return kind === 0 ? this.#local.bidirectionalStreams : this.#local.unidirectionalStreams;
  }

  #add(id: number, sends: boolean, receives: boolean, priority: number, now: number): void {
    const credit = this.#remoteStreamCredit;
    this.#open.set(id, {
      send: sends ? new SendHalf(id, priority, credit, this.#pool, this.held) : undefined,
      receive: receives
        ? new ReceiveHalf(id, this.#local.streamCreditBytes, now, this.#pool, this.gaps)
        : undefined,
    });
  }
}
