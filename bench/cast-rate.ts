/** How soon does a cast find the rate of a path, and what does it leave to others on it? */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { type CastTask, mp2pCast, RunningCast } from "./cast-cli.ts";
import { type Child, NotMeasured } from "./child.ts";
import { Lan } from "./lan.ts";
import { absolute, type Row } from "./row.ts";
import { sideBySide } from "./samples.ts";
import type { Subject } from "./subject.ts";
import { makeFile, withWorkDirectory } from "./work-directory.ts";

const LINK_RATE = fileURLToPath(new URL("./children/link-rate.js", import.meta.url));
const PATH_BITS = 1e9;
const SHARED_BITS = 200e6;
const SHARED_SECONDS = 30;
/** The bottleneck's queue can hide a pause this long, and its samples lie 20 ms apart. */
const WINDOW_MS = 200;
/** What is slower is handshake and announcement, not data. */
const BEGINS_BITS = 5e6;

export const castRate: Subject = {
  name: "cast-rate",
  question: "A cast to one receiver behind a bottleneck (tbf, 50 ms of queue)",
  run: () => withWorkDirectory(measure, "/dev/shm"),
};

async function measure(directory: string): Promise<Row[]> {
  const source = join(directory, "file.bin");
  await makeFile(source, 1_000_000_000);
  const task = (lan: Lan): CastTask => ({
    lan,
    source,
    into: [join(directory, "received")],
    home: directory,
  });
  const outcomes = await sideBySide({
    found: () => behind(PATH_BITS, (lan) => findingMs(lan, task(lan))),
    shared: () => behind(SHARED_BITS, (lan) => cubicShare(lan, task(lan))),
  });
  return [
    absolute({ figure: "until 90 % of 1 Gbit/s", unit: "s", ours: outcomes.found }, { atMost: 2 }),
    absolute(
      {
        figure: `left to TCP CUBIC on 200 Mbit/s over ${SHARED_SECONDS} s`,
        unit: "%",
        ours: outcomes.shared,
      },
      { atLeast: 25 },
    ),
  ];
}

async function behind(bitsPerSecond: number, use: (lan: Lan) => Promise<number>): Promise<number> {
  const lan = Lan.make(2);
  try {
    lan.limit(1, bitsPerSecond);
    return await use(lan);
  } finally {
    lan.close();
  }
}

/** Seconds from the first data on the link until a fifth of a second of it is nine tenths full. */
async function findingMs(lan: Lan, task: CastTask): Promise<number> {
  const meter = lan.start(1, process.execPath, [LINK_RATE, JSON.stringify({ name: "e0" })]);
  try {
    const found = firstFull(meter);
    found.catch(() => undefined);
    await mp2pCast(task);
    return await found;
  } finally {
    await meter.stop();
  }
}

async function firstFull(meter: Child): Promise<number> {
  const samples: { readonly atMs: number; readonly bytes: number }[] = [];
  let beganMs: number | undefined;
  for (;;) {
    const { atMs, bytes } = await meter.next("link", 30_000);
    samples.push({ atMs: Number(atMs), bytes: Number(bytes) });
    while (Number(atMs) - (samples[1]?.atMs ?? Number(atMs)) >= WINDOW_MS) samples.shift();
    const first = samples[0] as { readonly atMs: number; readonly bytes: number };
    const before = samples.at(-2) ?? first;
    const now = (8000 * (Number(bytes) - before.bytes)) / (Number(atMs) - before.atMs);
    if (beganMs === undefined && now > BEGINS_BITS) beganMs = before.atMs;
    const rate = (8000 * (Number(bytes) - first.bytes)) / (Number(atMs) - first.atMs);
    const isWhole = Number(atMs) - first.atMs >= WINDOW_MS * 0.9;
    // Of the window only its end counts: that is when the rate was there.
    if (beganMs !== undefined && isWhole && rate >= 0.9 * PATH_BITS)
      return (Number(atMs) - beganMs) / 1000;
  }
}

/** Percent of the bottleneck that a TCP stream gets while a cast fills the rest. */
async function cubicShare(lan: Lan, task: CastTask): Promise<number> {
  const server = lan.start(1, "iperf3", ["-s", "-1"]);
  const running = new RunningCast(task);
  try {
    running.ticket = String((await running.sender.next("ready")).ticket);
    running.receive(0);
    await running.sender.next("progress");
    const seconds = String(SHARED_SECONDS);
    const client = lan.start(0, "iperf3", [
      "-c",
      lan.address(1),
      "-C",
      "cubic",
      "-t",
      seconds,
      "-f",
      "k",
    ]);
    const bits = await received(client);
    if (running.sender.latest("done") !== undefined)
      throw new NotMeasured("the cast ended before TCP did");
    return (100 * bits) / SHARED_BITS;
  } finally {
    await Promise.all([running.sender, ...running.receivers, server].map((child) => child.stop()));
  }
}

/** Bits a second from the last line of iperf3's report: `… 95120 Kbits/sec receiver`. */
async function received(client: Child): Promise<number> {
  for (;;) {
    const { text } = await client.next("line", (SHARED_SECONDS + 30) * 1000);
    const kilobits = /([\d.]+) Kbits\/sec\s+receiver/.exec(String(text))?.[1];
    if (kilobits !== undefined) return Number(kilobits) * 1000;
  }
}
