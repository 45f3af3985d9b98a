/** How long from `connect` to the first byte of an answer, when the peer's static key is known? */
import { absolute, type Row } from "./row.ts";
import { sideBySide } from "./samples.ts";
import { CONNECTS } from "./sizes.ts";
import type { Subject } from "./subject.ts";
import { twoSided } from "./two-sided.ts";

export const connect: Subject = {
  name: "connect",
  question: "connect() to the first byte of an answer, IK, two processes, median",
  async run(): Promise<Row[]> {
    const { mp2p } = await sideBySide({
      mp2p: async () => {
        const done = await twoSided("mp2p-connect", {
          first: { role: "serve" },
          second: { role: "ask", count: CONNECTS },
          reporter: "second",
          env: { MP2P_BACKEND: "native" },
        });
        return Number(done.medianMs);
      },
    });
    return [
      absolute({ figure: "connect to first byte, IK", unit: "ms", ours: mp2p }, { atMost: 5 }),
    ];
  },
};
