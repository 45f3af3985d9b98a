/**
 * One receiver of a cast, sans-IO: records of its stream and rows of its groups go in, records and
 * writes come out. docs/PROTOCOL.md, "Cast".
 */
import { readUint48, viewOf } from "../../base/bytes.ts";
import { Mp2pError } from "../../base/errors.ts";
import type { GroupHub, GroupRow, Service } from "../hub.ts";
import { ContentClock } from "./content-clock.ts";
import type { CastReceipt, CastReceiveProgress, HeldBlock } from "./contract.ts";
import { Ears } from "./ears.ts";
import { Entry } from "./entry.ts";
import { Geometry } from "./geometry.ts";
import { type Hearer, hear } from "./hear.ts";
import { Intake } from "./intake.ts";
import { KernelWindow } from "./kernel-window.ts";
import { type CastKey, joinProof, joinRecord } from "./key-record.ts";
import type { CastLink, TargetPort } from "./ports.ts";
import type { ReceiverOptions } from "./receiver-options.ts";
import { Reception } from "./reception.ts";
import {
  completeRecord,
  haveRecords,
  parseReason,
  RECORD,
  reasonRecord,
  record,
} from "./records.ts";
import { StatusClock } from "./status-clock.ts";
import { statusRecord } from "./status-record.ts";
import { Watchfulness } from "./watchfulness.ts";

/** The sender speaks every second; one of files is waited for while its network is away. */
const GONE_MS = { live: 30_000, files: 60_000 };
/** Whoever has every block is heard on while it puts files in place, which takes minutes where they are many. */
const PLACING_STATUS_MS = 1000;
/** Statuses wait while the stream is this far behind. */
const BACKLOG_MOST = 4096;
const NO_GROUPS = 1;
const INTERRUPTED = { code: "MP2P_CLOSED", message: "it was interrupted" } as const;

export class CastReceiver implements Service {
  readonly #hub: GroupHub;
  readonly #link: CastLink;
  readonly #target: TargetPort;
  readonly #options: ReceiverOptions;
  readonly #ended: (receipt: CastReceipt | undefined, error: unknown) => void;
  readonly #detach: () => void;
  readonly #clock = new ContentClock();
  readonly #entry: Entry;
  readonly #status: StatusClock;
  readonly #window: KernelWindow;
  #geometry: Geometry = new Geometry(0, undefined);
  #ears: Ears | undefined;
  #intake: Intake | undefined;
  #reception: Reception;
  #hearer: Hearer | undefined;
  #writing = 0;
  #writtenBytes = 0;
  #state: "joining" | "offered" | "receiving" | "completing" | "told" | "over" = "joining";
  #recordAt: number;
  /** The sender went away while everything was put in place. */
  #isAlone = false;
  readonly #watch: Watchfulness;

  /** @param ended - called once: with a receipt, or with why there is none */
  constructor(
    hub: GroupHub,
    link: CastLink,
    target: TargetPort,
    options: ReceiverOptions,
    ended: (receipt: CastReceipt | undefined, error: unknown) => void,
  ) {
    this.#hub = hub;
    this.#link = link;
    this.#target = target;
    this.#options = options;
    this.#ended = ended;
    const now = hub.now();
    this.#recordAt = now;
    this.#watch = new Watchfulness(now);
    this.#reception = new Reception(0, now);
    this.#status = new StatusClock(options.random, now);
    this.#window = new KernelWindow(hub.receiveBufferBytes, hub.droppedKernel);
    this.#entry = new Entry(hub.primitives, (key, manifest) => this.#offer(key, manifest));
    const { castId, secret, suites, sender } = options;
    const proof =
      secret === undefined
        ? new Uint8Array(0)
        : joinProof(hub.primitives, secret, castId, sender, hub.key);
    link.send(joinRecord({ castId, suites, receiveBufferBytes: hub.receiveBufferBytes, proof }));
    this.#detach = hub.attach(this);
  }

  progress(): CastReceiveProgress {
    const heldBytes = this.#intake?.heldBytes ?? 0;
    const bytes = this.#writtenBytes + heldBytes;
    return { bytes, total: this.#geometry.bytes, heldBytes, path: this.#path() };
  }

  /** Bytes that came by the stream and are being written: no more of it is wanted while they are many. */
  get queuedBytes(): number {
    return this.#intake?.queuedBytes ?? 0;
  }

  /** A record of the sender's. @param body - given away */
  receive(type: number, body: Uint8Array): void {
    if (this.#state === "over") return;
    this.#recordAt = this.#hub.now();
    if (type === RECORD.ABORT) this.#aborted(body);
    else if (this.#state === "joining") {
      const fault = this.#entry.receive(type, body);
      if (fault !== undefined)
        this.decline(new Mp2pError("MP2P_PROTOCOL", `the sender sent ${fault}`));
    } else this.#content(type, body);
    this.#hub.changed();
  }

  /** The stream is gone, or the sender: what has every block is put in place without it. */
  lost(error: unknown): void {
    if (this.#state === "completing") this.#isAlone = true;
    else this.#end(undefined, error);
  }

  /** Ends it from this side; the sender is told why. */
  decline(error: unknown): void {
    if (this.#state === "over") return;
    const { code, message: why } = error instanceof Mp2pError ? error : INTERRUPTED;
    this.#link.send(reasonRecord(RECORD.DECLINE, { code, why }));
    this.#end(undefined, error);
  }

  run(now: number): void {
    this.#watch.turn(now);
    if (this.#watch.silentMs(this.#recordAt, now) >= GONE_MS[this.#geometry.kind])
      this.lost(new Mp2pError("MP2P_CLOSED", "the sender fell silent"));
    if (this.#isReporting() && this.#status.isDue(now)) this.#report(now);
    if (this.#state === "receiving") this.#completeIfDone(now);
  }

  nextAt(): number {
    const lookAt = this.#watch.nextAt();
    if (this.#state === "receiving" && this.#isWritten()) return Number.NEGATIVE_INFINITY;
    return this.#isReporting() ? Math.min(lookAt, this.#status.nextAt()) : lookAt;
  }

  #isReporting(): boolean {
    return this.#state === "receiving" || this.#state === "completing";
  }

  #path(): "multicast" | "unicast" {
    const { symbolBytes = 0, unicastBytes = 0 } = this.#intake ?? {};
    return unicastBytes > symbolBytes ? "unicast" : "multicast";
  }

  #offer(key: CastKey, manifest: Uint8Array): void {
    const geometry = new Geometry(key.packetBytes, key.bytes);
    this.#geometry = geometry;
    const { blockBytes, bytes } = geometry;
    this.#intake = new Intake(this.#hub.primitives, geometry, (block, content, hash, done) =>
      this.#write(block * blockBytes, content, hash, done),
    );
    this.#intake.settled = key.sentBlocks;
    this.#state = "offered";
    const { sender } = this.#options;
    this.#target.offered(manifest, { sender, blockBytes, bytes }, (held, error) => {
      if (this.#state !== "offered") return;
      if (held === undefined) this.decline(error);
      else this.#begin(key, held);
    });
  }

  #begin(key: CastKey, held: readonly HeldBlock[]): void {
    const now = this.#hub.now();
    this.#clock.ready(now);
    this.#intake?.hold(held);
    for (const have of haveRecords(held)) this.#link.send(have);
    this.#ears = new Ears(this.#hub, key, this.#options.suites, (channel, row) =>
      this.#onRow(channel, row),
    );
    this.#ears.join();
    this.#link.send(record(RECORD.READY, Uint8Array.of(this.#ears.open ? 0 : NO_GROUPS)));
    this.#reception = new Reception(key.channels, now);
    this.#hearer = {
      primitives: this.#hub.primitives,
      authKey: key.authKey,
      castId: this.#options.castId,
      intake: this.#intake as Intake,
      reception: this.#reception,
      status: this.#status,
    };
    this.#status.due(this.#reception.deafAt);
    this.#state = "receiving";
    this.#hub.changed();
  }

  #content(type: number, body: Uint8Array): void {
    const intake = this.#intake as Intake;
    if (type === RECORD.HASHES && body.length >= 4) {
      intake.learned(viewOf(body).getUint32(0), body.subarray(4));
    } else if (type === RECORD.BLOCK && body.length > 4) {
      this.#clock.came(this.#recordAt);
      intake.block(viewOf(body).getUint32(0), body.subarray(4));
    } else if (type === RECORD.MODE) {
      if (body[0] === 0) this.#ears?.join();
      else this.#ears?.leave();
    } else if (type === RECORD.END && body.length === 6) {
      this.#geometry.bytes ??= readUint48(viewOf(body), 0);
      intake.ended();
    } else if (type === RECORD.DONE && this.#state === "told")
      this.#end(this.#receipt(), undefined);
  }

  #onRow(channel: number, row: GroupRow): void {
    const hearer = this.#hearer;
    if (this.#state !== "receiving" || hearer === undefined) return;
    const now = this.#hub.now();
    if (!hear(hearer, channel, row, now)) return;
    this.#clock.heard(row, now);
    const windowPackets = this.#hub.receiveBufferBytes / this.#geometry.packetBytes;
    this.#status.heard(row.count, windowPackets, now);
  }

  #report(now: number): void {
    const intake = this.#intake as Intake;
    const deaf = this.#ears?.open !== true || this.#reception.isDeaf(now);
    if (deaf) this.#ears?.silent();
    if (this.#link.backlog() < BACKLOG_MOST) {
      const drops = this.#hub.droppedKernel;
      const status = {
        ...this.#reception.status(now),
        ...intake.status(),
        deaf,
        writtenBytes: this.#writtenBytes + intake.heldBytes,
        windowBytes: Math.min(this.#window.report(drops), intake.assembly.roomBytes),
        kernelDrops: drops,
      };
      this.#link.send(statusRecord(status));
    }
    this.#status.sent(now);
  }

  #write(offset: number, bytes: Uint8Array, hash: Uint8Array, done: () => void): void {
    this.#writing++;
    this.#target.write(offset, bytes, hash, (error) => {
      done();
      this.#writing--;
      if (this.#state === "over") return;
      if (error !== undefined) this.decline(error);
      else {
        this.#writtenBytes += bytes.length;
        if (this.#isWritten()) this.#hub.changed();
      }
    });
  }

  /** Every block is here, and none is on its way to the disk. */
  #isWritten(): boolean {
    return this.#writing === 0 && (this.#intake?.next ?? 0) >= this.#geometry.blocks;
  }

  #completeIfDone(now: number): void {
    if (!this.#isWritten()) return;
    this.#state = "completing";
    this.#ears?.leave();
    this.#status.asked(now, PLACING_STATUS_MS, 1, false);
    this.#target.complete((error) => {
      if (this.#state !== "completing") return;
      if (error !== undefined) {
        this.decline(error);
        return;
      }
      this.#link.send(completeRecord(this.#geometry.bytes ?? 0, this.#reception.lossRate));
      this.#state = "told";
      if (this.#isAlone) this.lost(undefined);
    });
  }

  #receipt(): CastReceipt {
    const key = this.#options.sender;
    const seconds = this.#clock.seconds(this.#hub.now());
    const { lossRate } = this.#reception;
    const heldBytes = this.#intake?.heldBytes ?? 0;
    const forged = this.#intake?.book.forged() ?? [];
    const { bytes = 0 } = this.#geometry;
    return { key, bytes, heldBytes, seconds, lossRate, path: this.#path(), forged };
  }

  #aborted(body: Uint8Array): void {
    const { code, why } = parseReason(body);
    this.lost(new Mp2pError(code, `the sender ended the cast: ${why}`));
  }

  #end(receipt: CastReceipt | undefined, error: unknown): void {
    if (this.#state === "over") return;
    // What is complete is complete, whatever became of the sender.
    const told = this.#state === "told" && receipt === undefined ? this.#receipt() : receipt;
    this.#state = "over";
    this.#ears?.leave();
    this.#detach();
    this.#link.close();
    this.#ended(told, told === undefined ? error : undefined);
  }
}
