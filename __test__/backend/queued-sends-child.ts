/** Sends two mebibytes to the address given, all through libuv's queue, and tells how it went. */
import process from "node:process";
import { loadFallback } from "../../src/backend/fallback.ts";
import { keysOf, patterned, planOf, Recorder } from "../conformance/harness.ts";

export const PACKET_BYTES = 8_000;
const CHUNK = PACKET_BYTES - 42;
/** Whole packets, so that bursts cut the data where one long burst would. */
const BURST_BYTES = 125 * CHUNK;
export const DATA: Uint8Array = patterned(2_097_152);
export const KEYS: ReturnType<typeof keysOf> = keysOf(1);

export interface Report {
  readonly refusals: number;
  readonly writables: number;
  readonly packets: number;
}

async function send(address: string): Promise<Report> {
  const socket = await (await loadFallback()).openSocket({ bind: ["127.0.0.1:0"] });
  const recorder = new Recorder();
  socket.start(recorder);
  socket.installSend(1, KEYS);
  const path = socket.addPath(address);
  let [refusals, packets] = [0, 0];
  for (let sent = 0; sent < DATA.length; sent = packets * CHUNK) {
    const bytes = DATA.subarray(sent, sent + BURST_BYTES);
    const seen = recorder.writables;
    const plan = planOf([{ kind: "stream", bytes, stream: 1, offset: sent }], PACKET_BYTES);
    const planned = Math.ceil(bytes.length / CHUNK);
    const result = socket.sendSealed(1, path, plan);
    packets += result.packets;
    if (result.packets === planned) continue;
    refusals++;
    await recorder.until(() => recorder.writables > seen);
  }
  await socket.close();
  return { refusals, writables: recorder.writables, packets };
}

if (process.send !== undefined && process.argv[2] !== undefined) {
  process.send(await send(process.argv[2]));
  process.disconnect();
}
