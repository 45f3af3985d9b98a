/** How fast is one stream from memory to memory on the native backend, between two processes? */
import { rawLoopRate } from "./raw-loop.ts";
import { type Row, relative } from "./row.ts";
import { sideBySide } from "./samples.ts";
import { STREAM_SECONDS } from "./sizes.ts";
import type { Subject } from "./subject.ts";
import { streamRate } from "./two-sided.ts";

/** Each subject writes in the size that serves it best; larger gains none of them anything. */
const WRITE_BYTES = { mp2p: 1 << 20, tls: 1 << 16, hyperdht: 1 << 16 } as const;

const NATIVE = { MP2P_BACKEND: "native" } as const;

export const streamNative: Subject = {
  name: "stream-native",
  question: "One stream, memory to memory, two processes, native backend",
  async run(): Promise<Row[]> {
    const outcomes = await sideBySide({
      mp2p: () => streamRate("mp2p-stream", STREAM_SECONDS, WRITE_BYTES.mp2p, NATIVE),
      tls: () => streamRate("tls", STREAM_SECONDS, WRITE_BYTES.tls),
      hyperdht: () => streamRate("hyperdht", STREAM_SECONDS, WRITE_BYTES.hyperdht),
      raw: () => rawLoopRate(STREAM_SECONDS),
    });
    const figure = { figure: "stream, native", unit: "MB/s", ours: outcomes.mp2p };
    return [
      relative(figure, "Node TLS", outcomes.tls, { atLeast: 1.0 }),
      relative(figure, "hyperdht", outcomes.hyperdht, { atLeast: 4 }),
      relative(figure, "Rust loop", outcomes.raw, { atLeast: 0.5 }),
    ];
  },
};
