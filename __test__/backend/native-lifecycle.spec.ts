/** Native sockets from open to the end of their process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import test, { type ExecutionContext } from "ava";
import type { Backend, DatagramSocket } from "../../src/backend/port.ts";
import { frames, keysOf, open, planOf, Recorder } from "../conformance/harness.ts";
import { loadBackend, nativeMissing } from "../support/backends.ts";

const SOAK = process.env.MP2P_SOAK === "1";
const missing = await nativeMissing();
const native = missing === undefined ? test : test.skip;
const load = (): Promise<Backend> => loadBackend("native");
const BIND = { bind: ["127.0.0.1:0"] };

native("many sockets opened and closed leave no memory behind", async (t) => {
  t.timeout(600_000);
  const rounds = SOAK ? 100_000 : 3_000;
  const backend = await load();
  const collectGarbage = exposedGc();
  const cycle = async (count: number): Promise<number> => {
    for (let round = 0; round < count; round++) {
      const socket = await backend.openSocket(BIND);
      if (round % 2 === 0) socket.start(new Recorder());
      if (round % 3 === 0) socket.installReceive(1, keysOf(1));
      await socket.close();
      if (round % 500 === 499) {
        collectGarbage();
        // Finalizers of external memory run on later turns of the loop.
        await new Promise(setImmediate);
      }
    }
    collectGarbage();
    await new Promise(setImmediate);
    return process.memoryUsage().rss;
  };
  const warm = await cycle(1_000);
  const after = await cycle(rounds);
  const grown = (after - warm) / (1 << 20);
  t.true(grown < 16, `${grown.toFixed(1)} MiB more after ${rounds} sockets`);
});

function exposedGc(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

native("nothing is delivered after close, whatever was on its way", async (t) => {
  const backend = await load();
  for (let round = 0; round < 50; round++) {
    const near = await open(t, load);
    const socket = await backend.openSocket(BIND);
    const recorder = new Recorder();
    socket.start(recorder);
    socket.installReceive(1, keysOf(1));
    near.socket.installSend(1, keysOf(1));
    const path = near.socket.addPath(socket.addresses[0] as string);
    for (let burst = 0; burst < 20; burst++)
      near.socket.sendSealed(1, path, planOf([frames(burst)]));
    if (round % 2 === 0) await recorder.untilPackets(1);
    await socket.close();
    await socket.close();
    const delivered = recorder.deliveries;
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    t.is(recorder.deliveries, delivered);
    await near.socket.close();
  }
});

native("a closed socket does nothing and throws nothing", async (t) => {
  const socket: DatagramSocket = await (await load()).openSocket(BIND);
  socket.installSend(1, keysOf(1));
  const path = socket.addPath("127.0.0.1:9");
  await socket.close();
  t.is(socket.sendSealed(1, path, planOf([frames(1)])).packets, 0);
  t.false(socket.sendPlain("127.0.0.1:9", new Uint8Array(1)));
  socket.removeSend(1);
  socket.removePath(path);
  socket.unexpect(new Uint8Array(8));
  socket.ref();
  t.is(socket.counters().packetsSent, 0);
});

/** Runs a script that has `backend`, `open()` and `flood(socket)`; resolves with code and output. */
async function script(t: ExecutionContext, body: string): Promise<string> {
  const from = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const source = `
    const { loadBackend } = await import(${from("../support/backends.js")});
    const { keysOf, planOf, frames } = await import(${from("../conformance/harness.js")});
    const backend = await loadBackend("native");
    const handler = { receive() {}, writable() {}, failed() {} };
    const open = async () => {
      const socket = await backend.openSocket({ bind: ["127.0.0.1:0"] });
      socket.start(handler);
      return socket;
    };
    const flood = (socket) => {
      socket.installSend(1, keysOf(1));
      socket.installReceive(1, keysOf(1));
      const path = socket.addPath(socket.addresses[0]);
      const bytes = new Uint8Array(500_000);
      for (let at = 0; at < 20; at++) socket.sendSealed(1, path, planOf([{ kind: "stream", bytes }], 1472));
    };
    ${body}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  child.stderr.on("data", (text) => {
    output += text;
  });
  const [code, signal] = await once(child, "close");
  const error = output.split("\n").find((line) => /^\w*Error/.test(line));
  return `${signal ?? code}: ${error ?? output.trim()}`;
}

native("a process ends by itself when its open sockets are unreferenced", async (t) => {
  const body = "const socket = await open(); flood(socket); socket.unref(); console.log('end');";
  t.is(await script(t, body), "0: end");
});

native("an open socket keeps its process alive until it is closed", async (t) => {
  const body = `
    const socket = await open();
    let turns = 0;
    const timer = setInterval(() => {
      if (++turns === 5) { console.log("alive"); socket.close(); }
    }, 10);
    timer.unref();`;
  t.is(await script(t, body), "0: alive");
});

native("process.exit with sockets open and loaded neither hangs nor crashes", async (t) => {
  t.is(await script(t, "for (let n = 0; n < 5; n++) flood(await open()); process.exit(7);"), "7: ");
});

native("an uncaught error with sockets open ends the process with that error", async (t) => {
  t.is(await script(t, "flood(await open()); throw new Error('mine');"), "1: Error: mine");
});

native(
  "an error thrown by a handler is an uncaught one, and later batches still come",
  async (t) => {
    const body = `
    let calls = 0;
    handler.receive = () => { calls++; throw new Error("from the handler"); };
    process.on("uncaughtException", (error) => {
      if (error.message !== "from the handler") throw error;
      if (calls < 3) again();
      else { console.log("three times"); process.exit(0); }
    });
    const socket = await open();
    socket.installSend(1, keysOf(1));
    socket.installReceive(1, keysOf(1));
    const path = socket.addPath(socket.addresses[0]);
    const again = () => socket.sendSealed(1, path, planOf([frames(1)]));
    again();`;
    t.is(await script(t, body), "0: three times");
  },
);

native("a worker thread that ends takes its sockets along", async (t) => {
  const body = `
    const { Worker } = await import("node:worker_threads");
    const code = \`
      import { parentPort } from "node:worker_threads";
      const { loadBackend } = await import(${JSON.stringify(new URL("../support/backends.js", import.meta.url).href)});
      const backend = await loadBackend("native");
      for (let n = 0; n < 5; n++) {
        const socket = await backend.openSocket({ bind: ["127.0.0.1:0"] });
        socket.start({ receive() {}, writable() {}, failed() {} });
      }
      parentPort.postMessage("open");\`;
    for (let round = 0; round < 5; round++) {
      const worker = new Worker(code, { eval: true });
      await new Promise((resolve) => worker.once("message", resolve));
      await worker.terminate();
    }
    console.log("all ended");`;
  t.is(await script(t, body), "0: all ended");
});
