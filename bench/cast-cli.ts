/** One file by `mp2p cast`, each side a process in a namespace of its own. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { type Child, NotMeasured } from "./child.ts";
import type { Message } from "./children/speak.ts";
import type { Lan } from "./lan.ts";

const CLI = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const TIMEOUT_MS = 180_000;

export interface CastRun {
  /** From the start of the first process to the end of the last. */
  readonly seconds: number;
  /** UDP payload the sender reports, and what its interface counted, headers included. */
  readonly wireBytes: number;
  readonly sentBytes: number;
  readonly receivers: readonly CastReceiver[];
}

export interface CastReceiver {
  /** From the start of the first process to this one's end. */
  readonly seconds: number;
  readonly path: string;
  readonly resumedBytes: number;
}

export interface CastTask {
  readonly lan: Lan;
  readonly source: string;
  /** One folder a receiver; host 1 is the first. */
  readonly into: readonly string[];
  /** For identities. */
  readonly home: string;
  readonly castArgs?: readonly string[];
  /** Receivers started by `during` instead of at the beginning. */
  readonly late?: number;
  /** For each process; default 180,000. */
  readonly timeoutMs?: number;
  /** Runs beside the cast. */
  readonly during?: (running: RunningCast) => Promise<void>;
}

export class RunningCast {
  readonly task: CastTask;
  readonly startedMs: number = performance.now();
  readonly sender: Child;
  readonly receivers: Child[] = [];
  readonly ends: Promise<CastReceiver>[] = [];
  ticket = "";

  constructor(task: CastTask) {
    this.task = task;
    const { lan, home, source, into, late = 0, castArgs = [] } = task;
    for (const folder of into) rmSync(folder, { recursive: true, force: true });
    const min = String(into.length - late);
    const args = [CLI, "cast", source, "--min", min, "--json", ...castArgs];
    this.sender = lan.start(0, process.execPath, args, { env: { MP2P_HOME: join(home, "0") } });
  }

  /** Starts the process of a receiver, again where it ran before. */
  receive(index: number): void {
    const { lan, home, into } = this.task;
    const args = [CLI, "receive", this.ticket, "-o", into[index] as string, "--yes", "--json"];
    const env = { MP2P_HOME: join(home, String(index + 1)) };
    const child = lan.start(index + 1, process.execPath, args, { env });
    this.receivers[index] = child;
    const end = this.#end(child);
    end.catch(() => undefined);
    this.ends[index] = end;
  }

  /** Resolves when the sender has sent this share of the content once. */
  async sent(share: number): Promise<void> {
    for (;;) {
      const progress = await this.sender.next("progress", TIMEOUT_MS);
      if (Number(progress.bytes) >= share * Number(progress.total)) return;
    }
  }

  /** Bytes that had been sent, and that it did not hold, when a receiver started anew was let in. */
  async missed(index: number): Promise<number> {
    for (;;) {
      const { bytes } = await this.sender.next("progress", TIMEOUT_MS);
      const accept = this.receivers[index]?.latest("accept");
      if (accept !== undefined) return Math.max(0, Number(bytes) - Number(accept.resumeBytes));
    }
  }

  async #end(child: Child): Promise<CastReceiver> {
    const { timeoutMs = TIMEOUT_MS } = this.task;
    const done = await child.next("done", timeoutMs);
    await child.end(timeoutMs);
    const seconds = (performance.now() - this.startedMs) / 1000;
    return { seconds, path: String(done.path), resumedBytes: Number(done.resumedBytes) };
  }
}

export async function mp2pCast(task: CastTask): Promise<CastRun> {
  const { lan, into, late = 0, during, timeoutMs = TIMEOUT_MS } = task;
  const before = lan.sentBytes(0);
  const running = new RunningCast(task);
  const { sender, receivers, ends, startedMs } = running;
  try {
    running.ticket = String((await sender.next("ready")).ticket);
    for (let index = 0; index < into.length - late; index++) running.receive(index);
    const [done] = await Promise.all([last(sender, timeoutMs), during?.(running)]);
    const all = await Promise.all(ends);
    await sender.end(timeoutMs);
    return {
      seconds: (performance.now() - startedMs) / 1000,
      wireBytes: Number(done.wireBytes),
      sentBytes: lan.sentBytes(0) - before,
      receivers: all,
    };
  } finally {
    await Promise.all([sender.stop(), ...receivers.map((receiver) => receiver.stop())]);
  }
}

/** `done`, whoever reads the messages before it. */
async function last(sender: Child, timeoutMs: number): Promise<Message> {
  await Promise.race([sender.end(timeoutMs), sender.failure]);
  const done = sender.latest("done");
  if (done === undefined) throw new NotMeasured("the cast ended without a word");
  return done;
}
