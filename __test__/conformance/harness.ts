/** What socket tests share: recorded deliveries, a bare UDP socket, keys and plans. */
import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import type { ExecutionContext } from "ava";
import {
  type Backend,
  type DatagramSocket,
  type PacketKeys,
  type ReceiveBatch,
  ROW,
  type SendPlan,
  type SocketHandler,
  SPAN,
  SPAN_FRAMES,
  SPAN_STREAM,
  SPAN_SYMBOLS,
  SUITE_CHACHA20_POLY1305,
} from "../../src/backend/port.ts";
import { concat } from "../../src/base/bytes.ts";

export type Load = () => Promise<Backend>;

/** A row of a batch, with its bytes copied. */
export interface Row {
  readonly kind: number;
  readonly slot: number;
  readonly packet: number;
  readonly count: number;
  readonly stream: number;
  readonly offset: number;
  readonly fin: number;
  readonly path: number;
  readonly time: number;
  readonly group: number;
  readonly bytes: Uint8Array;
  readonly stranger: string | undefined;
}

/** Keeps everything that a socket delivers. */
export class Recorder implements SocketHandler {
  readonly rows: Row[] = [];
  readonly failures: Error[] = [];
  deliveries = 0;
  writables = 0;
  #wake: () => void = () => {};

  receive(batch: ReceiveBatch): void {
    this.deliveries++;
    for (let row = 0; row < batch.rowCount; row++) this.rows.push(copyRow(batch, row));
    this.#wake();
  }

  writable(): void {
    this.writables++;
    this.#wake();
  }

  failed(error: Error): void {
    this.failures.push(error);
    this.#wake();
  }

  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  get packets(): number {
    return this.rows.reduce((sum, row) => sum + row.count, 0);
  }

  async untilPackets(packets: number): Promise<void> {
    await this.until(() => this.packets >= packets);
  }
}

function copyRow(batch: ReceiveBatch, row: number): Row {
  const column = (name: Exclude<keyof typeof ROW, "STRIDE">) =>
    batch.rows[row * ROW.STRIDE + ROW[name]] as number;
  const path = column("path");
  return {
    kind: column("kind"),
    slot: column("slot"),
    packet: column("packet"),
    count: column("count"),
    stream: column("stream"),
    offset: column("offset"),
    fin: column("fin"),
    path,
    time: column("time"),
    group: column("group"),
    bytes: batch.slab.slice(column("at"), column("at") + column("length")),
    stranger: path < 0 ? batch.strangers[-1 - path] : undefined,
  };
}

export interface Opened {
  readonly socket: DatagramSocket;
  readonly address: string;
  readonly recorder: Recorder;
}

export async function open(
  t: ExecutionContext,
  load: Load,
  bind: readonly string[] = ["127.0.0.1:0"],
): Promise<Opened> {
  const socket = await (await load()).openSocket({ bind });
  t.teardown(() => socket.close());
  const recorder = new Recorder();
  socket.start(recorder);
  return { socket, address: socket.addresses[0] as string, recorder };
}

/** A socket without any backend: what is really on the wire. */
export class Wire {
  readonly address: string;
  readonly received: Buffer[] = [];
  readonly #socket: ReturnType<typeof createSocket>;
  #wake: () => void = () => {};

  private constructor(socket: ReturnType<typeof createSocket>) {
    this.#socket = socket;
    this.address = `${socket.address().address}:${socket.address().port}`;
    socket.on("message", (datagram: Buffer, _from: RemoteInfo) => {
      this.received.push(datagram);
      this.#wake();
    });
  }

  static async bind(t: ExecutionContext, host = "127.0.0.1"): Promise<Wire> {
    const socket = createSocket("udp4");
    t.teardown(() => new Promise<void>((resolve) => socket.close(() => resolve())));
    socket.bind(0, host);
    socket.once("listening", () => socket.setRecvBufferSize(4_194_304));
    await once(socket, "listening");
    return new Wire(socket);
  }

  async send(datagram: Uint8Array, to: string): Promise<void> {
    const [host = "", port = ""] = to.split(":");
    await new Promise<void>((resolve, reject) => {
      this.#socket.send(datagram, Number(port), host, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  async until(datagrams: number): Promise<readonly Buffer[]> {
    while (this.received.length < datagrams) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.received;
  }
}

export function keysOf(seed: number, lane = 0): PacketKeys {
  return {
    suite: SUITE_CHACHA20_POLY1305,
    key: new Uint8Array(32).map((_, at) => seed * 7 + at),
    iv: new Uint8Array(12).map((_, at) => seed * 13 + at),
    lane,
    cid: Uint8Array.of(0xc1, seed, 3, 4, 5, 6, 7, 0x80 + (seed & 0x7f)),
  };
}

type SpanKind = "frames" | "stream" | "symbols";
const SPAN_KINDS: Readonly<Record<SpanKind, number>> = {
  frames: SPAN_FRAMES,
  stream: SPAN_STREAM,
  symbols: SPAN_SYMBOLS,
};

export interface Span {
  readonly kind: SpanKind;
  readonly bytes: Uint8Array;
  /** Object of symbols. */
  readonly stream?: number;
  readonly offset?: number;
  readonly fin?: boolean;
}

/** Each span has its own source, 5 bytes into it, so that a backend that ignores `at` fails. */
export function planOf(spans: readonly Span[], packetBytes = 1_200, skip = 0): SendPlan {
  const numbers = new Float64Array(spans.length * SPAN.STRIDE);
  const [before, after] = [new Uint8Array(5).fill(9), Uint8Array.of(9)];
  const sources = spans.map(({ bytes }) => concat(before, bytes, after));
  for (const [index, span] of spans.entries()) {
    const at = index * SPAN.STRIDE;
    numbers[at + SPAN.kind] = SPAN_KINDS[span.kind];
    numbers[at + SPAN.source] = index;
    numbers[at + SPAN.at] = 5;
    numbers[at + SPAN.length] = span.bytes.length;
    numbers[at + SPAN.stream] = span.stream ?? 0;
    numbers[at + SPAN.offset] = span.offset ?? 0;
    numbers[at + SPAN.fin] = span.fin === true ? 1 : 0;
  }
  return { spans: numbers, spanCount: spans.length, sources, packetBytes, skip };
}

/** Frames whose first byte is PING, as no packet of control frames begins like a bulk one. */
export function frames(...rest: readonly number[]): Span {
  return { kind: "frames", bytes: Uint8Array.of(1, ...rest) };
}

export function patterned(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8) + seed) & 0xff;
  return bytes;
}
