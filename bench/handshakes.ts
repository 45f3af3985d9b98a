/** How many strangers can one native endpoint answer in a second, on a core of its own? */
import { startScript } from "./child.ts";
import { absolute, type Row } from "./row.ts";
import { sideBySide } from "./samples.ts";
import { HANDSHAKES } from "./sizes.ts";
import type { Subject } from "./subject.ts";
import { twoSided } from "./two-sided.ts";

const NATIVE = { MP2P_BACKEND: "native" } as const;
const GOAL = { atLeast: 2500 } as const;

export const handshakes: Subject = {
  name: "handshakes",
  question:
    "IK handshakes a second, native responder, INITs by as many identities computed beforehand",
  async run(): Promise<Row[]> {
    const outcomes = await sideBySide({ live: liveEndpoint, compute: computation });
    return [
      absolute({ figure: "handshakes, computation", unit: "/s", ours: outcomes.compute }, GOAL),
      absolute({ figure: "handshakes, live endpoint", unit: "/s", ours: outcomes.live }, GOAL),
    ];
  },
};

async function liveEndpoint(): Promise<number> {
  const done = await twoSided("handshake-flood", {
    first: { role: "serve" },
    second: { role: "dial", count: HANDSHAKES },
    reporter: "second",
    env: NATIVE,
  });
  return Number(done.perSecond);
}

async function computation(): Promise<number> {
  const child = startScript("handshake-compute", { count: HANDSHAKES }, { env: NATIVE });
  try {
    return Number((await child.next("done")).perSecond);
  } finally {
    await child.stop();
  }
}
