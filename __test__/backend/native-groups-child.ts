/**
 * A native socket in a network namespace of its own, told what to do by its arguments:
 * `listen GROUP…` joins and prints a line for each row; `send GROUP…` sends to each group an
 * announcement and a burst of symbols, and prints how that went.
 */
import process from "node:process";
import { loadNative } from "../../src/backend/native.ts";
import { keysOf, patterned, planOf, Recorder } from "../conformance/harness.ts";

const PORT = 6727;
const PACKET_BYTES = 1_452;
export const SYMBOLS = 88;

const [role, ...groups] = process.argv.slice(2);
const socket = await loadNative().openSocket({
  bind: ["0.0.0.0:0", "[::]:0"],
  multicast: { port: PORT, hopLimit: 7 },
});
const recorder = new Recorder();
socket.start(recorder);
if (role === "listen") await listen();
else send();

async function listen(): Promise<void> {
  socket.setFilter({
    addressees: [],
    initsPerSecond: 0,
    initsPerSourcePerSecond: 0,
    initsPerSourceBurst: 0,
    announcementsPerSecond: 100,
  });
  socket.installReceive(1, keysOf(1));
  for (const group of groups) print("joined", { group, number: socket.join(group) });
  print("ready", {});
  for (let seen = 0; ; seen = recorder.rows.length) {
    await recorder.until(() => recorder.rows.length > seen);
    for (const { kind, group, count, stranger, stream } of recorder.rows.slice(seen)) {
      print("row", { kind, group, count, stranger, object: stream });
    }
  }
}

function send(): void {
  socket.installSend(1, keysOf(1));
  const bytes = patterned(SYMBOLS * (PACKET_BYTES - 40));
  for (const [index, group] of groups.entries()) {
    const calls = socket.counters().sendCalls;
    const plain = socket.sendPlain(group, new Uint8Array(40).fill(0x58));
    const plan = planOf([{ kind: "symbols", bytes, stream: index }], PACKET_BYTES);
    const { packets, tooBig } = socket.sendSealed(1, socket.addPath(group), plan);
    const used = socket.counters().sendCalls - calls;
    print("sent", { group, plain, packets, tooBig, calls: used });
  }
  void socket.close();
}

function print(what: string, details: object): void {
  process.stdout.write(`${what} ${JSON.stringify(details)}\n`);
}
