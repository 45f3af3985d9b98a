/** The driver's two clocks: what it takes for a sleep or a restored snapshot, and what it does not. */
import { setImmediate as turn } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import type { DatagramSocket } from "../../src/backend/port.ts";
import type { EndpointCore } from "../../src/endpoint/core.ts";
import { Driver } from "../../src/endpoint/driver.ts";

const START_UNIX_MS = 1_800_000_000_000;

/** A driver between a socket and a core that only count, with both clocks in the test's hands. */
function clocked(t: ExecutionContext) {
  const clocks = { monotonic: 1000, unix: START_UNIX_MS };
  let renewals = 0;
  const socket = { now: () => clocks.monotonic, close: async () => undefined };
  const core = {
    draining: false,
    rehandshakeAll: () => void renewals++,
    run: () => Number.POSITIVE_INFINITY,
    nextAt: () => Number.POSITIVE_INFINITY,
  };
  const { now } = Date;
  Date.now = () => clocks.unix;
  t.teardown(() => {
    Date.now = now;
  });
  const driver = new Driver(
    socket as unknown as DatagramSocket,
    core as unknown as EndpointCore,
    (error) => t.fail(error.message),
  );
  t.teardown(() => driver.close());
  /** Both clocks go on, each by its own measure, and the core has its turn. @returns renewals that brought */
  return async (monotonicMs: number, unixMs: number): Promise<number> => {
    const before = renewals;
    clocks.monotonic += monotonicMs;
    clocks.unix += unixMs;
    driver.flush();
    await turn();
    return renewals - before;
  };
}

test.serial("a wall clock that leaps, either way, renews all keys once", async (t) => {
  const pass = clocked(t);
  t.is(await pass(10, 10), 0);
  t.is(await pass(10, 3_600_000), 1, "slept for an hour");
  t.is(await pass(10, 10), 0, "once");
  t.is(await pass(10, -86_400_000), 1, "a snapshot of yesterday, or a clock set back");
  t.is(await pass(10, 10), 0, "once");
});

test.serial(
  "a wall clock that is put right, and a process that was stopped, renew nothing",
  async (t) => {
    const pass = clocked(t);
    t.is(await pass(10, 20_000), 0, "set by 20 s");
    t.is(await pass(10, -20_000), 0, "and back");
    for (let step = 0; step < 100; step++) t.is(await pass(1000, 1500), 0, "slewed");
    t.is(await pass(600_000, 600_000), 0, "SIGSTOP: both clocks went on");
  },
);
