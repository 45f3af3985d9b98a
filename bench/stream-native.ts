/** How fast is one stream from memory to memory on the native backend, between two processes? */
import { rawLoopRate } from "./raw-loop.ts";
import { type Row, relative } from "./row.ts";
import { sideBySide } from "./samples.ts";
import { STREAM_SECONDS } from "./sizes.ts";
import type { Subject } from "./subject.ts";
import { streamRate } from "./two-sided.ts";

const seconds = STREAM_SECONDS;
/** Each subject writes in the size that serves it best; larger gains none of them anything. */
const OURS = { seconds, writeBytes: 1 << 20 } as const;
const PEERS = { seconds, writeBytes: 1 << 16 } as const;

const NATIVE = { MP2P_BACKEND: "native" } as const;

export const streamNative: Subject = {
  name: "stream-native",
  question: "One stream, memory to memory, two processes, native backend",
  async run(): Promise<Row[]> {
    const outcomes = await sideBySide({
      lent: () => streamRate("mp2p-stream", { ...OURS, lends: true }, NATIVE),
      written: () => streamRate("mp2p-stream", OURS, NATIVE),
      tls: () => streamRate("tls", PEERS),
      hyperdht: () => streamRate("hyperdht", PEERS),
      raw: () => rawLoopRate(STREAM_SECONDS),
    });
    const unit = "MB/s";
    const figure = { figure: "stream, native", unit, ours: outcomes.lent };
    const copied = { figure: "stream, native, by `write`", unit, ours: outcomes.written };
    return [
      relative(figure, "Node TLS", outcomes.tls, { atLeast: 1.0 }),
      relative(figure, "hyperdht", outcomes.hyperdht, { atLeast: 4 }),
      relative(figure, "Rust loop", outcomes.raw, { atLeast: 0.5 }),
      relative(copied, "Node TLS", outcomes.tls, { atLeast: 1.0 }),
      relative(copied, "hyperdht", outcomes.hyperdht, { atLeast: 4 }),
      relative(copied, "Rust loop", outcomes.raw, { atLeast: 0.5 }),
    ];
  },
};
