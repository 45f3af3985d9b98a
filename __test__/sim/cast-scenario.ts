/** A cast in virtual time: one sender, receivers that write into memory, streams with a delay. */
import type {
  CastOptions,
  CastReceipt,
  CastReport,
  HeldBlock,
} from "../../src/multicast/cast/contract.ts";
import { type CastKey, parseKeyRecord } from "../../src/multicast/cast/key-record.ts";
import type { Peer } from "../../src/multicast/cast/peer.ts";
import type { CastLink, TargetPort } from "../../src/multicast/cast/ports.ts";
import { CastReceiver } from "../../src/multicast/cast/receiver.ts";
import { RECORD, RECORD_HEADER_BYTES } from "../../src/multicast/cast/records.ts";
import { CastSender } from "../../src/multicast/cast/sender.ts";
import { type CastNetwork, type HubOptions, type SimHub, Wire } from "./cast-hub.ts";

const GROUP = "[ff12::8000:1]:6727";
const SESSION_IDLE_MS = 30_000;
const STREAM_DELAY_MS = 0.3;
/** What a session adds to a record that goes alone: packet, frame and the acknowledgement's share. */
const RECORD_OVERHEAD_BYTES = 60;

export interface CastSetup {
  readonly packetBytes?: number;
  readonly cast?: CastOptions;
  readonly castId?: Uint8Array;
  readonly secret?: Uint8Array;
  readonly manifest?: Uint8Array;
  readonly isLive?: boolean;
  readonly group?: string;
  readonly admits?: (key: Uint8Array) => boolean;
}

/** One direction of a stream: in order, after a delay, at a rate. */
class Pipe {
  bytes = 0;
  queued = 0;
  isCut = false;
  /** What comes before then comes then: the network is away, and streams repeat what is lost. */
  heldUntil = 0;
  readonly #network: CastNetwork;
  readonly #wire: Wire;
  readonly #deliver: (record: Uint8Array) => void;

  constructor(network: CastNetwork, wire: Wire, deliver: (record: Uint8Array) => void) {
    this.#network = network;
    this.#wire = wire;
    this.#deliver = deliver;
  }

  send(record: Uint8Array): void {
    const { clock } = this.#network;
    const size = record.length + RECORD_OVERHEAD_BYTES;
    this.bytes += size;
    this.queued += size;
    const bytes = record.slice();
    clock.at(this.#wire.pass(clock.now, size) as number, () => {
      this.queued -= size;
    });
    const at = (this.#wire.pass(clock.now, 0) as number) + STREAM_DELAY_MS;
    clock.at(Math.max(at, this.heldUntil), () => this.isCut || this.#deliver(bytes));
  }
}

export class CastWorld {
  readonly network: CastNetwork;
  readonly hub: SimHub;
  readonly castId: Uint8Array;
  readonly packetBytes: number;
  readonly content: Uint8Array;
  readonly sender: CastSender;
  readonly receivers: SimReceiver[] = [];
  report: CastReport | undefined;
  error: unknown;
  /** Bytes from receivers to the sender, and blocks read. */
  reads = 0;
  readonly #setup: CastSetup;

  constructor(network: CastNetwork, content: Uint8Array, setup: CastSetup = {}) {
    this.network = network;
    this.content = content;
    this.#setup = setup;
    this.hub = network.hub();
    this.packetBytes = setup.packetBytes ?? 232;
    this.castId = setup.castId ?? network.random.bytes(16);
    const port = {
      manifest: setup.manifest ?? new TextEncoder().encode("manifest"),
      bytes: setup.isLive ? undefined : content.length,
      read: (offset: number, into: Uint8Array, done: (bytes: number, error: unknown) => void) => {
        network.clock.after(0.1, () => {
          this.reads++;
          const part = content.subarray(offset, offset + into.length);
          into.set(part);
          done(part.length, undefined);
        });
      },
    };
    const options = {
      cast: setup.cast ?? {},
      castId: this.castId,
      secret: setup.secret,
      groups: [setup.group ?? GROUP],
      suite: 1 as const,
      packetSizes: [this.packetBytes],
      admits: (key: Uint8Array, done: (admitted: boolean) => void) =>
        done(setup.admits?.(key) ?? true),
    };
    this.sender = new CastSender(this.hub, port, options, (report, error) => {
      this.report = report;
      this.error = error;
    });
  }

  get isOver(): boolean {
    return this.report !== undefined || this.error !== undefined;
  }

  /** Bytes by streams from receivers. */
  get feedbackBytes(): number {
    return this.receivers.reduce((sum, receiver) => sum + receiver.up.bytes, 0);
  }

  add(options: ReceiverSetup = {}): SimReceiver {
    const receiver = new SimReceiver(this, options, this.#setup);
    this.receivers.push(receiver);
    return receiver;
  }

  /** @returns whether the cast ended in time */
  run(untilMs: number): boolean {
    const { clock } = this.network;
    const inTime = clock.run(clock.now + untilMs, () => this.isOver);
    // The sender's last words are still on their way.
    clock.run(clock.now + 10);
    return inTime;
  }
}

export interface ReceiverSetup extends HubOptions {
  readonly held?: readonly HeldBlock[];
  readonly secret?: Uint8Array;
  readonly key?: Uint8Array;
  /** Blocks after which the disk is full. */
  readonly fullAfter?: number;
  /** How long a write takes. */
  readonly writeMs?: number;
  /** How long it puts files in place. */
  readonly completeMs?: number;
  /** Of its stream from the sender. */
  readonly streamBitsPerSecond?: number;
}

export class SimReceiver {
  readonly hub: SimHub;
  readonly written: Uint8Array;
  readonly hashes: Map<number, Uint8Array> = new Map();
  readonly up: Pipe;
  readonly down: Pipe;
  readonly engine: CastReceiver;
  readonly peer: Peer;
  receipt: CastReceipt | undefined;
  error: unknown;
  /** What the sender gave it, once it did. */
  key: CastKey | undefined;
  doneAt = 0;
  writes = 0;
  blockBytes = 0;
  readonly #world: CastWorld;
  readonly #setup: ReceiverSetup;

  constructor(world: CastWorld, setup: ReceiverSetup, cast: CastSetup) {
    const { network } = world;
    this.#world = world;
    this.#setup = setup;
    this.hub = network.hub(setup);
    if (setup.key !== undefined) this.hub.key.set(setup.key);
    this.written = new Uint8Array(world.content.length);
    const engines: { receiver?: CastReceiver; peer?: Peer } = {};
    this.up = new Pipe(network, new Wire(), (record) => {
      const body = record.subarray(RECORD_HEADER_BYTES);
      world.sender.receive(engines.peer as Peer, record[0] as number, body);
    });
    const downWire = new Wire(setup.streamBitsPerSecond ?? 800_000_000);
    this.down = new Pipe(network, downWire, (record) => {
      const body = record.slice(RECORD_HEADER_BYTES);
      if (record[0] === RECORD.KEY) this.key = parseKeyRecord(body);
      if (!this.hub.isDown) engines.receiver?.receive(record[0] as number, body);
    });
    this.peer = world.sender.join(this.hub.key, link(this.down));
    engines.peer = this.peer;
    const secret = setup.secret ?? cast.secret;
    const options = {
      castId: world.castId,
      sender: world.hub.key,
      ...(secret === undefined ? {} : { secret }),
      suites: [1],
      random: () => network.random.next(),
    };
    this.engine = new CastReceiver(
      this.hub,
      link(this.up),
      this.#target(),
      options,
      (receipt, error) => {
        this.receipt = receipt;
        this.error = error;
        this.doneAt = network.clock.now;
      },
    );
    engines.receiver = this.engine;
  }

  /** As kill -9 does it: no goodbye; its session ends when nothing came for long. */
  vanish(): void {
    this.hub.isDown = true;
    this.up.isCut = true;
    const { network, sender } = this.#world;
    network.clock.after(SESSION_IDLE_MS, () => sender.left(this.peer, false));
  }

  /** Its program closes the endpoint: nothing is said but that the session is closed. */
  leave(): void {
    this.hub.isDown = true;
    this.up.isCut = true;
    this.#world.sender.left(this.peer, true);
  }

  /** Its network is away for so long. */
  unplug(ms: number): void {
    const { clock } = this.#world.network;
    this.up.heldUntil = clock.now + ms;
    this.down.heldUntil = clock.now + ms;
    const { loss } = this.hub;
    this.hub.loss = 1;
    clock.after(ms, () => {
      this.hub.loss = loss;
    });
  }

  /** What it has written, to be held by its next incarnation. */
  held(): HeldBlock[] {
    return [...this.hashes].map(([block, hash]) => ({ block, hash }));
  }

  #target(): TargetPort {
    const { clock } = this.#world.network;
    return {
      offered: (_manifest, shape, done) => {
        this.blockBytes = shape.blockBytes;
        done(this.#setup.held ?? [], undefined);
      },
      write: (offset, bytes, hash, done) => {
        const copy = bytes.slice();
        clock.after(this.#setup.writeMs ?? 0.1, () => {
          if (this.writes++ >= (this.#setup.fullAfter ?? Infinity)) {
            done(new Error("no space"));
            return;
          }
          this.written.set(copy, offset);
          this.hashes.set(offset / this.blockBytes, hash.slice());
          done(undefined);
        });
      },
      complete: (done) => {
        const { completeMs = 0 } = this.#setup;
        if (completeMs === 0) done(undefined);
        else clock.after(completeMs, () => done(undefined));
      },
    };
  }
}

function link(pipe: Pipe): CastLink {
  return {
    send: (record) => pipe.send(record),
    backlog: () => pipe.queued,
    close: () => undefined,
  };
}
