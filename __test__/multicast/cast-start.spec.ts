/** When a cast begins: whoever answered counts, and nobody is served by a cast that nobody wants. */
import test from "ava";
import type { CastOutcome } from "../../src/multicast/cast/contract.ts";
import { Peer } from "../../src/multicast/cast/peer.ts";
import { StartGate } from "../../src/multicast/cast/start-gate.ts";

const LINK = { send: () => undefined, backlog: () => 0, close: () => undefined };

/** "here" hears us, "deaf" says that it does not, "asked" has yet to answer; else how it ended. */
function peer(name: number, state: "here" | "deaf" | "asked" | CastOutcome): Peer {
  const one = new Peer(new Uint8Array(32).fill(name), LINK, 0);
  if (state === "here" || state === "deaf") {
    one.ready = true;
    const heard = state === "here" ? 1 : 0;
    one.status = { deaf: state === "deaf", heard } as NonNullable<Peer["status"]>;
  } else if (state !== "asked") one.outcome = state;
  return one;
}

test("those that decline or have everything count, those that left do not, and each key once", (t) => {
  const gate = () => new StartGate({ minReceivers: 3, waitMs: 1000 }, 0);
  t.is(gate().verdict(10, [peer(1, "here"), peer(2, "deaf")]), "wait");
  t.is(gate().verdict(10, [peer(1, "here"), peer(2, "deaf"), peer(3, "declined")]), "start");
  t.is(gate().verdict(10, [peer(1, "here"), peer(2, "complete"), peer(3, "declined")]), "start");
  t.is(gate().verdict(10, [peer(1, "here"), peer(2, "lost"), peer(3, "partial")]), "wait");
  t.is(gate().verdict(10, [peer(1, "here"), peer(3, "declined"), peer(3, "declined")]), "wait");
  t.is(
    gate().verdict(10, [peer(1, "complete"), peer(2, "complete"), peer(3, "complete")]),
    "start",
  );
});

test("where all declined somebody may still come, until the time is over", (t) => {
  const gate = new StartGate({ minReceivers: 1, waitMs: 1000 }, 0);
  t.is(gate.verdict(10, [peer(1, "declined"), peer(2, "declined")]), "wait");
  t.is(gate.verdict(20, [peer(1, "declined"), peer(2, "here")]), "start");
  t.is(gate.verdict(1000, [peer(1, "declined")]), "start", "to its end: the report says so");
  t.is(new StartGate({ waitMs: 1000 }, 0).verdict(1000, []), "none");
  t.is(new StartGate({ waitMs: 1000 }, 0).verdict(1000, [peer(1, "lost")]), "none");
  t.is(new StartGate({}, 0).verdict(1e9, []), "wait");
});

test("one on its way in is waited for a moment, one that is being asked no longer than that", (t) => {
  const gate = new StartGate({ minReceivers: 1 }, 0);
  const peers = [peer(1, "here"), peer(2, "asked")];
  t.is(gate.verdict(100, peers), "wait");
  t.is(gate.verdict(299, peers), "wait");
  t.is(gate.verdict(300, peers), "start");
});
