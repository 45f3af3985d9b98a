/** Two processes of one script, one receiving and one sending; the receiver's figure counts. */
import { startScript } from "./child.ts";
import type { Message } from "./children/speak.ts";

export interface Roles {
  /** Task of the side that starts first and says `ready`. */
  readonly first: object;
  /** Task of the other side; the fields of `ready` are added to it. */
  readonly second: object;
  /** Which of them says `done`. */
  readonly reporter: "first" | "second";
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export async function twoSided(script: string, roles: Roles): Promise<Message> {
  const options = { env: roles.env ?? {} };
  const first = startScript(script, roles.first, options);
  let second: ReturnType<typeof startScript> | undefined;
  try {
    const { t: _, ...ready } = await first.next("ready");
    second = startScript(script, { ...ready, ...roles.second }, options);
    const [reporter, other] = roles.reporter === "first" ? [first, second] : [second, first];
    return await Promise.race([reporter.next("done", roles.timeoutMs), other.failure]);
  } finally {
    await Promise.all([first.stop(), second?.stop()]);
  }
}

export interface Pouring {
  readonly seconds: number;
  readonly writeBytes: number;
  /** By `lend`, which only our streams have. */
  readonly lends?: boolean;
}

/** 10^6 bytes a second of one stream from memory to memory, as the receiver counts them. */
export async function streamRate(
  script: string,
  task: Pouring,
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const done = await twoSided(script, {
    first: { role: "receive", ...task },
    second: { role: "send", ...task },
    reporter: "first",
    env,
    timeoutMs: task.seconds * 1000 + 60_000,
  });
  return Number(done.megabytesPerSecond);
}
