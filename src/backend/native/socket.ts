/** `DatagramSocket` over the addon: views of the shared region, and the drain after each wake-up. */
import { Mp2pError } from "../../base/errors.ts";
import type { GroupDrops, SocketCounters } from "../counters.ts";
import type {
  DatagramSocket,
  PacketKeys,
  ReceiveBatch,
  SendPlan,
  SendResult,
  SocketHandler,
  SocketOptions,
  StrangerFilter,
} from "../port.ts";
import { ROW, SPAN } from "../port.ts";
import { type Addon, CONTROL, COUNTERS, type NativeSocket, NEXT, REGION } from "./addon.ts";
import { translated } from "./errors.ts";

/** Batches in one turn of the event loop: 4 MiB at most, so timers and others wait about 2 ms. */
const BATCHES_A_TURN = 8;
/** The longest interval that timers know. */
const NEVER_MS = 0x7fffffff;

interface Batch extends ReceiveBatch {
  rowCount: number;
  strangers: readonly string[];
}

/** Also carries the fault hook, which the port does not have. */
export class NativeDatagramSocket implements DatagramSocket {
  readonly addresses: readonly string[];
  readonly buffers: { readonly receiveBytes: number; readonly sendBytes: number };
  readonly now: () => number;
  readonly #native: NativeSocket;
  readonly #control: Float64Array;
  readonly #batches: readonly Batch[];
  readonly #result: SendResult = { firstPacket: 0, packets: 0, tooBig: 0 };
  #handler: SocketHandler | undefined;
  /** The receive thread's wake-ups do not keep the process alive; this does. */
  #keepAlive: NodeJS.Timeout | undefined;
  #finalCounters: SocketCounters | undefined;

  constructor(addon: Addon, options: SocketOptions) {
    this.now = addon.now;
    this.#native = translated(() =>
      addon.NativeSocket.open(
        [...options.bind],
        options.receiveBufferBytes,
        options.sendBufferBytes,
        options.multicast?.port,
        options.multicast?.hopLimit,
      ),
    );
    this.addresses = this.#native.addresses();
    const [receiveBytes, sendBytes] = this.#native.buffers();
    this.buffers = { receiveBytes, sendBytes };
    const region = this.#native.region();
    this.#control = new Float64Array(region, 0, CONTROL.NUMBERS);
    this.#batches = Array.from({ length: REGION.slabs }, (_, slab) => batchOf(region, slab));
    this.ref();
  }

  /** Packets in one send call; 1 once segmentation failed on this socket. */
  get gsoSegments(): number {
    return this.#closed() ? 1 : this.#native.gsoSegments();
  }

  #closed(): boolean {
    return this.#finalCounters !== undefined;
  }

  start(handler: SocketHandler): void {
    if (this.#handler !== undefined) throw new TypeError("start is called once");
    this.#handler = handler;
    translated(() => this.#native.start(() => this.#drain()));
  }

  #drain(): void {
    for (let turn = 0; turn < BATCHES_A_TURN; turn++) {
      if (this.#closed() || this.#handler === undefined) return;
      const next = this.#native.next();
      if (next === NEXT.nothing) return;
      this.#deliver(next, this.#handler);
    }
    setImmediate(() => this.#drain());
  }

  #deliver(next: number, handler: SocketHandler): void {
    if (next === NEXT.batch) {
      const batch = this.#batches[this.#control[CONTROL.slab] as number] as Batch;
      batch.rowCount = this.#control[CONTROL.rowCount] as number;
      batch.strangers =
        this.#control[CONTROL.strangers] === 0 ? NO_STRANGERS : this.#native.strangers();
      handler.receive(batch);
    } else if (next === NEXT.writable) {
      if (this.#native.flush()) handler.writable();
    } else {
      handler.failed(new Mp2pError("MP2P_SOCKET", this.#native.failure()));
    }
  }

  join(group: string, source?: string): number {
    return translated(() => this.#native.join(group, source));
  }

  leave(membership: number): void {
    if (!this.#closed()) this.#native.leave(membership);
  }

  groupDrops(): readonly GroupDrops[] {
    return this.#closed() ? [] : this.#native.groupDrops();
  }

  addPath(remote: string): number {
    return translated(() => this.#native.addPath(remote));
  }

  removePath(path: number): void {
    if (!this.#closed()) this.#native.removePath(path);
  }

  sendPlain(remote: string, datagram: Uint8Array): boolean {
    return !this.#closed() && translated(() => this.#native.sendPlain(remote, datagram));
  }

  installSend(slot: number, { suite, key, iv, lane, cid }: PacketKeys): void {
    translated(() => this.#native.installSend(slot, suite, key, iv, lane, cid));
  }

  installReceive(slot: number, { suite, key, iv, lane, cid }: PacketKeys, ofMany?: boolean): void {
    translated(() => this.#native.installReceive(slot, suite, key, iv, lane, cid, ofMany));
  }

  removeSend(slot: number): void {
    if (!this.#closed()) this.#native.removeSend(slot);
  }

  removeReceive(slot: number): void {
    if (!this.#closed()) this.#native.removeReceive(slot);
  }

  sendSealed(slot: number, path: number, plan: SendPlan): SendResult {
    const result = this.#result;
    if (this.#closed()) {
      result.packets = 0;
      result.tooBig = 0;
      return result;
    }
    const { spans, spanCount, sources, packetBytes, skip } = plan;
    this.#native.sendSealed(slot, path, spans, spanCount * SPAN.STRIDE, sources, packetBytes, skip);
    result.firstPacket = this.#control[CONTROL.firstPacket] as number;
    result.packets = this.#control[CONTROL.packets] as number;
    result.tooBig = this.#control[CONTROL.tooBig] as number;
    return result;
  }

  setFilter(filter: StrangerFilter): void {
    const keys = new Uint8Array(filter.addressees.length * 64);
    filter.addressees.forEach(({ mac1Key, cookieKey }, index) => {
      if (mac1Key.length !== 32 || cookieKey.length !== 32) {
        throw new RangeError("an addressee's keys must be 32 bytes");
      }
      keys.set(mac1Key, index * 64);
      keys.set(cookieKey, index * 64 + 32);
    });
    if (this.#closed()) return;
    this.#native.setFilter(
      keys,
      filter.initsPerSecond,
      filter.initsPerSourcePerSecond,
      filter.initsPerSourceBurst,
      filter.announcementsPerSecond,
    );
  }

  expect(cid: Uint8Array): void {
    if (!this.#closed()) this.#native.expect(cid);
  }

  unexpect(cid: Uint8Array): void {
    if (!this.#closed()) this.#native.unexpect(cid);
  }

  counters(): SocketCounters {
    if (this.#finalCounters !== undefined) return { ...this.#finalCounters };
    const numbers = this.#native.counters();
    const entries = COUNTERS.map((name, index) => [name, numbers[index] as number] as const);
    return Object.fromEntries(entries) as unknown as SocketCounters;
  }

  /**
   * For tests: makes every Nth send call fail with `errno` (EIO and EINVAL only where the call is
   * segmented, as in the kernel); 0 ends it.
   */
  injectSendFault(errno: number, everyNth: number): void {
    this.#native.injectSendFault(errno, everyNth);
  }

  close(): Promise<void> {
    if (!this.#closed()) {
      this.#finalCounters = this.counters();
      this.unref();
      this.#native.close();
    }
    return Promise.resolve();
  }

  ref(): void {
    if (!this.#closed()) this.#keepAlive ??= setInterval(() => {}, NEVER_MS);
  }

  unref(): void {
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
  }
}

const NO_STRANGERS: readonly string[] = [];

function batchOf(region: ArrayBuffer, index: number): Batch {
  const { controlBytes, slabs, slabBytes, rows } = REGION;
  const tables = controlBytes + slabs * slabBytes;
  const numbers = rows * ROW.STRIDE;
  return {
    slab: new Uint8Array(region, controlBytes + index * slabBytes, slabBytes),
    rows: new Float64Array(
      region,
      tables + index * numbers * Float64Array.BYTES_PER_ELEMENT,
      numbers,
    ),
    rowCount: 0,
    strangers: NO_STRANGERS,
  };
}
