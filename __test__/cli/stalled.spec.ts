/** What scripts are told about a peer that is silent: by a clock of our own, so nobody waits. */
import { mock } from "node:test";
import test, { type ExecutionContext } from "ava";
import type { Context } from "../../src/cli/context.ts";
import type { CliEventBody } from "../../src/cli/events.ts";
import { type FollowedCast, followCast } from "../../src/cli/follow-cast.ts";
import { type Following, followTransfer } from "../../src/cli/follow-transfer.ts";
import type { ReceiverStatus, Transfer, TransferEvent } from "../../src/index.ts";
import { castReceiver } from "./cast-receiver.ts";

const PEER = "ybndrfg8";
const SUMMARY = {
  bytes: 9,
  files: 1,
  skipped: 0,
  seconds: 1,
  resumedBytes: 0,
  payloadBytes: 9,
  partial: false,
  failed: [],
};

/** A step of what goes on: something happens, or so many seconds pass. */
type Step<T> = T | number;

class Script {
  readonly told: string[] = [];
  readonly reporter = {
    emit: (event: CliEventBody): void => {
      if (event.t === "stalled") this.told.push(`${event.path} ${event.seconds}`);
      else this.told.push(event.t);
    },
    follow: (): (() => void) => () => undefined,
  };
  #nowMs = 0;

  constructor(t: ExecutionContext) {
    mock.timers.enable({ apis: ["setInterval"] });
    t.teardown(() => mock.timers.reset());
  }

  readonly now = (): number => this.#nowMs;

  async *play<T extends object>(steps: readonly Step<T>[]): AsyncGenerator<T> {
    for (const step of steps) {
      if (typeof step !== "number") yield step;
      else this.pass(step);
    }
  }

  pass(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      this.#nowMs += 1000;
      mock.timers.tick(1000);
    }
  }
}

async function follow(t: ExecutionContext, steps: readonly Step<TransferEvent>[]) {
  const script = new Script(t);
  const events = script.play(steps);
  const transfer: Transfer = {
    done: Promise.resolve(SUMMARY),
    [Symbol.asyncIterator]: () => events,
  };
  const session = { peer: { keyText: PEER }, path: { kind: "lan", rttMs: 1 } };
  const { now, reporter } = script;
  const following = { session, reporter, now, wireBytes: () => 9 } as unknown as Following;
  await followTransfer(transfer, following);
  return script;
}

const ACCEPT = { type: "accept", files: 1, resumeBytes: 0 } as const;
const progress = (confirmed: number, files = 0) =>
  ({ type: "progress", bytes: 9, confirmed, total: 9, files, filesTotal: 3 }) as const;

test.serial(
  "a transfer that stands still says so after 10 s, and after each twice as long",
  async (t) => {
    const { told } = await follow(t, [ACCEPT, progress(1), 9, progress(2), 45, progress(9)]);
    const stalls = ["lan 10", "lan 20", "lan 40"];
    t.deepEqual(told, ["accept", "progress", "progress", ...stalls, "progress"]);
  },
);

test.serial(
  "a transfer that goes on and stands still again says so after 10 s again",
  async (t) => {
    const { told } = await follow(t, [progress(1), 25, progress(2), 15, progress(9)]);
    t.deepEqual(told, ["progress", "lan 10", "lan 20", "progress", "lan 10", "progress"]);
  },
);

test.serial(
  "a transfer whose peer takes it and sends nothing is said to stand still",
  async (t) => {
    const { told } = await follow(t, [ACCEPT, 12]);
    t.deepEqual(told, ["accept", "lan 10"]);
  },
);

test.serial("a person who thinks about an offer is no stall", async (t) => {
  const offer = { type: "offer", peer: PEER, files: 1, bytes: 9, names: ["a"] } as const;
  const { told } = await follow(t, [offer, 60, ACCEPT]);
  t.deepEqual(told, ["offer", "accept"]);
});

test.serial("what is handed to the network is no progress, an empty file is", async (t) => {
  const handed = { ...progress(1), bytes: 5 };
  const { told } = await follow(t, [handed, 6, progress(1), 6, progress(1, 1), 6]);
  t.deepEqual(told, ["progress", "progress", "lan 10", "progress"]);
});

test.serial("a transfer that is over tells nothing more", async (t) => {
  const script = await follow(t, [progress(1)]);
  script.pass(60);
  t.deepEqual(script.told, ["progress"]);
});

test.serial("a cast stands still only when it has begun, for somebody who is there", async (t) => {
  const script = new Script(t);
  const of = (receivers: number, slowest: number) => {
    const counts = { bytes: slowest, total: 9, receivers, complete: 0, slowest };
    return { ...counts, median: slowest, rate: 1, wireBytes: 0 };
  };
  let seed = 0;
  const receivers: ReceiverStatus[] = [];
  const come = () => receivers.push(castReceiver(++seed));
  const steps = script.play([of(0, 0), 30, of(1, 0), 30, of(2, 0), 12, of(2, 5), 12, of(2, 9)]);
  const casting: FollowedCast = {
    done: Promise.resolve({ bytes: 9, seconds: 1, wireBytes: 9, receivers: [] }),
    progress: () => of(2, 0),
    receivers: () => receivers,
    async *[Symbol.asyncIterator]() {
      for await (const step of steps) {
        while (receivers.length < step.receivers) come();
        yield step;
      }
    },
  };
  await followCast(casting, 2, script as unknown as Context);
  const waiting = ["progress", "progress"];
  const begun = ["progress", "multicast 10", "progress", "multicast 10", "progress"];
  t.deepEqual(script.told, [...waiting, ...begun]);
});
