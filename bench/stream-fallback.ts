/** How fast is the same stream where no native binary exists? */
import { type Row, relative } from "./row.ts";
import { sideBySide } from "./samples.ts";
import { STREAM_SECONDS } from "./sizes.ts";
import type { Subject } from "./subject.ts";
import { streamRate } from "./two-sided.ts";

const POURING = { seconds: STREAM_SECONDS, writeBytes: 1 << 16 };
const FALLBACK = { MP2P_BACKEND: "fallback" } as const;

export const streamFallback: Subject = {
  name: "stream-fallback",
  question: "One stream, memory to memory, two processes, fallback backend",
  async run(): Promise<Row[]> {
    const outcomes = await sideBySide({
      mp2p: () => streamRate("mp2p-stream", POURING, FALLBACK),
      loop: () => streamRate("sodium-loop", POURING),
      iroh: () => streamRate("iroh", POURING),
    });
    const figure = { figure: "stream, fallback", unit: "MB/s", ours: outcomes.mp2p };
    return [
      relative(figure, "bare dgram loop", outcomes.loop, { atLeast: 0.6 }),
      relative(figure, "@number0/iroh", outcomes.iroh, { atLeast: 6 }),
    ];
  },
};
