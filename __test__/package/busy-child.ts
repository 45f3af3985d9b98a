/**
 * A process in which two native sockets send to each other without end, and which then ends in the
 * way given as its argument, at the first packet that came in.
 */
import process from "node:process";
import { setImmediate as turn } from "node:timers/promises";
import { isMainThread, parentPort } from "node:worker_threads";
import {
  type DatagramSocket,
  type PacketKeys,
  type SendPlan,
  SPAN,
  SPAN_FRAMES,
  SUITE_CHACHA20_POLY1305,
} from "../../src/backend/port.ts";
import { selectBackend } from "../../src/backend/select.ts";

const OUR_EXIT_CODE = 7;

const SLOT = 1;
const KEYS: PacketKeys = {
  suite: SUITE_CHACHA20_POLY1305,
  key: new Uint8Array(32).fill(1),
  iv: new Uint8Array(12).fill(2),
  lane: 0,
  cid: new Uint8Array(8).fill(3),
};
const PAYLOAD = new Uint8Array(1000);

function planOfOnePacket(): SendPlan {
  const spans = new Float64Array(SPAN.STRIDE);
  spans[SPAN.kind] = SPAN_FRAMES;
  spans[SPAN.length] = PAYLOAD.length;
  return { spans, spanCount: 1, sources: [PAYLOAD], packetBytes: 1200, skip: 0 };
}

class Pair {
  inReceive: () => void = () => undefined;
  readonly sockets: DatagramSocket[] = [];
  readonly busy: Promise<void>;
  #became: () => void = () => undefined;

  constructor(left: DatagramSocket, right: DatagramSocket) {
    this.sockets.push(left, right);
    this.busy = new Promise((resolve) => {
      this.#became = resolve;
    });
    const path = this.#answer(left, right);
    this.#answer(right, left);
    left.sendSealed(SLOT, path, planOfOnePacket());
  }

  /** Each packet that `socket` receives is answered with one. @returns the path to `other` */
  #answer(socket: DatagramSocket, other: DatagramSocket): number {
    const path = socket.addPath(other.addresses[0] as string);
    socket.installSend(SLOT, KEYS);
    socket.installReceive(SLOT, KEYS);
    socket.start({
      receive: () => {
        socket.sendSealed(SLOT, path, planOfOnePacket());
        this.#became();
        this.inReceive();
      },
      writable: () => undefined,
      failed: (error) => {
        throw error;
      },
    });
    return path;
  }
}

const WAYS: Readonly<Record<string, (pair: Pair) => unknown>> = {
  close: ({ sockets }) => Promise.all(sockets.map((socket) => socket.close())),
  unref: ({ sockets }) => sockets.map((socket) => socket.unref()),
  exit: () => process.exit(OUR_EXIT_CODE),
  "exit while closing": ({ sockets }) => {
    for (const socket of sockets) void socket.close();
    process.exit(OUR_EXIT_CODE);
  },
  "exit inside receive": (pair) => {
    pair.inReceive = () => process.exit(OUR_EXIT_CODE);
  },
  "exit at beforeExit": ({ sockets }) => {
    process.once("beforeExit", () => process.exit(OUR_EXIT_CODE));
    for (const socket of sockets) socket.unref();
  },
  throw: () => {
    setImmediate(() => {
      throw new Error("on purpose");
    });
  },
  "collect garbage": async ({ sockets }) => {
    for (const socket of sockets) socket.unref();
    sockets.length = 0;
    for (let round = 0; round < 3; round++) {
      await turn();
      gc?.();
    }
  },
  /** In a worker: tells the main thread, which terminates it. */
  "be terminated": () => parentPort?.postMessage("busy"),
};

const way = isMainThread ? process.argv[2] : "be terminated";
const backend = await selectBackend("native");
const open = (): Promise<DatagramSocket> => backend.openSocket({ bind: ["127.0.0.1:0"] });
const pair = new Pair(await open(), await open());
await pair.busy;
await WAYS[way ?? ""]?.(pair);
