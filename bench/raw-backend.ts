/**
 * How fast is the native backend alone? Two processes, `sendSealed` on one side, rows counted on
 * the other, 1,472-byte packets, no recovery; beside it the same loop in Rust. Prints GB/s (10^9).
 *
 *   node build/bench/raw-backend.js [seconds]
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

import { loadNative } from "../src/backend/native.ts";
import {
  type DatagramSocket,
  type PacketKeys,
  ROW,
  SPAN,
  SUITE_AES_256_GCM,
} from "../src/backend/port.ts";
import { rawLoopRate } from "./raw-loop.ts";

const PACKET_BYTES = 1472;
const BURST_BYTES = 256 * 1024;
const SOURCE_BYTES = 8 << 20;
const WARM_UP_MS = 500;
const KEYS: PacketKeys = {
  suite: SUITE_AES_256_GCM,
  key: new Uint8Array(32).fill(7),
  iv: new Uint8Array(12).fill(3),
  lane: 0,
  cid: new Uint8Array(8).fill(9),
};

interface Received {
  readonly bytes: number;
  readonly ms: number;
  readonly rows: number;
  readonly batches: number;
  readonly lost: number;
}

async function measure(seconds: number): Promise<void> {
  const receiver = fork(fileURLToPath(import.meta.url), ["receive"]);
  const address = await new Promise<string>((resolve) =>
    receiver.once("message", resolve as () => void),
  );
  await send(address, seconds);
  const result = new Promise<Received>((resolve) =>
    receiver.once("message", resolve as () => void),
  );
  receiver.send("end");
  const { bytes, ms, rows, batches, lost } = await result;
  const perSecond = (bytes / ms / 1e6).toFixed(2);
  const rust = ((await rawLoopRate(seconds)) / 1e3).toFixed(2);
  console.log(`native backend ${perSecond} GB/s, raw Rust loop ${rust} GB/s`);
  console.log(
    `${Math.round(bytes / rows)} bytes a row, ${(rows / batches).toFixed(1)} rows a batch, ${lost} packets lost`,
  );
}

async function send(address: string, seconds: number): Promise<void> {
  const socket = await loadNative().openSocket({ bind: ["127.0.0.1:0"] });
  socket.start({ receive() {}, writable() {}, failed: (error) => console.error(error) });
  socket.installSend(1, KEYS);
  const path = socket.addPath(address);
  const source = new Uint8Array(SOURCE_BYTES).fill(0x5a);
  const spans = new Float64Array(SPAN.STRIDE);
  const plan = { spans, spanCount: 1, sources: [source], packetBytes: PACKET_BYTES, skip: 0 };
  spans[SPAN.kind] = 1;
  spans[SPAN.length] = BURST_BYTES;
  const until = performance.now() + seconds * 1000;
  for (let offset = 0; performance.now() < until; offset += BURST_BYTES) {
    spans[SPAN.offset] = offset;
    spans[SPAN.at] = offset % SOURCE_BYTES;
    if (socket.sendSealed(1, path, plan).packets === 0) await new Promise(setImmediate);
  }
  await socket.close();
}

async function receive(): Promise<void> {
  const socket = await loadNative().openSocket({ bind: ["127.0.0.1:0"] });
  socket.installReceive(1, KEYS);
  const seen = count(socket);
  process.send?.(socket.addresses[0]);
  process.once("message", async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.send?.(seen());
    await socket.close();
    process.disconnect();
  });
}

function count(socket: DatagramSocket): () => Received {
  let [first, started, last, bytes, rows, batches, packets, highest] = [0, 0, 0, 0, 0, 0, 0, 0];
  socket.start({
    receive({ rows: columns, rowCount }) {
      last = performance.now();
      if (first === 0) first = last;
      const warm = last - first > WARM_UP_MS;
      if (warm && started === 0) started = last;
      else if (warm) batches++;
      for (let at = 0; at < rowCount * ROW.STRIDE; at += ROW.STRIDE) {
        const inRow = columns[at + ROW.count] as number;
        packets += inRow;
        highest = (columns[at + ROW.packet] as number) + inRow;
        if (!warm || started === last) continue;
        rows++;
        bytes += columns[at + ROW.length] as number;
      }
    },
    writable() {},
    failed: (error) => console.error(error),
  });
  return () => ({ bytes, ms: last - started, rows, batches, lost: highest - packets });
}

if (process.argv[2] === "receive") await receive();
else await measure(Number(process.argv[2] ?? 3));
