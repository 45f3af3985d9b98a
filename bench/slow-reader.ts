/** Does a reader of 1 MB/s hold back a writer that would give it 1 GB, with memory flat on both sides? */
import { setTimeout as sleep } from "node:timers/promises";

import { type Child, startScript } from "./child.ts";
import { rssBytes } from "./proc.ts";
import { absolute, type Row } from "./row.ts";
import { type Outcome, reason } from "./samples.ts";
import { SLOW_SECONDS } from "./sizes.ts";
import type { Subject } from "./subject.ts";

const READ_BYTES_PER_SECOND = 1_000_000;
/** Buffers fill and code is compiled in the first third; growth counts from there. */
const SETTLE_SHARE = 1 / 3;
/** More growth than this over ten seconds is a leak at 1 MB/s, not the garbage collector's breath. */
const FLAT_MEGABYTES = 5;

interface Look {
  readonly senderBytes: number;
  readonly receiverBytes: number;
  readonly aheadBytes: number;
}

export const slowReader: Subject = {
  name: "slow-reader",
  question: `A reader of 1 MB/s on a stream that could be 1 GB, ${SLOW_SECONDS} s of it`,
  async run(): Promise<Row[]> {
    const env = { MP2P_BACKEND: "native" };
    const reader = startScript(
      "mp2p-slow",
      { role: "read", bytesPerSecond: READ_BYTES_PER_SECOND },
      { env },
    );
    let writer: Child | undefined;
    try {
      const { ticket } = await reader.next("ready");
      writer = startScript("mp2p-slow", { role: "write", ticket }, { env });
      await reader.next("taken");
      return rows(await watch(reader, writer));
    } catch (error) {
      return rows({ missing: reason(error) });
    } finally {
      await Promise.all([reader.stop(), writer?.stop()]);
    }
  },
};

async function watch(reader: Child, writer: Child): Promise<Look[]> {
  await sleep(SLOW_SECONDS * SETTLE_SHARE * 1000);
  const looks = [look(reader, writer)];
  for (let second = 0; second < SLOW_SECONDS * (1 - SETTLE_SHARE); second++) {
    await sleep(1000);
    looks.push(look(reader, writer));
  }
  return looks;
}

function look(reader: Child, writer: Child): Look {
  return {
    senderBytes: rssBytes(writer.pid),
    receiverBytes: rssBytes(reader.pid),
    aheadBytes:
      Number(writer.latest("given")?.bytes ?? 0) - Number(reader.latest("taken")?.bytes ?? 0),
  };
}

function rows(looks: Look[] | { readonly missing: string }): Row[] {
  const growth = (pick: (look: Look) => number): Outcome => {
    if ("missing" in looks) return looks;
    const values = looks.map((one) => (pick(one) - pick(looks[0] as Look)) / 1e6);
    return { values, value: values.at(-1) ?? Number.NaN };
  };
  const last = "missing" in looks ? undefined : looks.at(-1);
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const row = (figure: string, pick: (look: Look) => number): Row => {
    const note = last === undefined ? {} : { note: `${megabytes(pick(last))} MB at the end` };
    return absolute(
      { figure, unit: "MB", ours: growth(pick), ...note },
      { atMost: FLAT_MEGABYTES },
    );
  };
  return [
    row("slow reader, growth of the sender's memory", (one) => one.senderBytes),
    row("slow reader, growth of the receiver's memory", (one) => one.receiverBytes),
    row("slow reader, growth of what the writer is ahead", (one) => one.aheadBytes),
  ];
}
