import test from "ava";
import type { PathTable } from "../../src/endpoint/path-table.ts";
import type { NamedPeer } from "../../src/endpoint/peer.ts";
import { SessionRecord } from "../../src/endpoint/session-record.ts";
import type { SessionEngine } from "../../src/session/session.ts";

test("a peer that moves without end is looked for at its latest addresses only", (t) => {
  const nothing = {};
  const record = new SessionRecord(
    nothing as SessionEngine,
    nothing as NamedPeer,
    0,
    nothing as PathTable,
    0,
  );
  for (let port = 1; port <= 1000; port++) record.remember(`192.0.2.1:${port}`);
  record.remember("192.0.2.1:1000");
  t.true(record.knownAddresses.length <= 32, `${record.knownAddresses.length}`);
  t.is(record.knownAddresses.at(-1), "192.0.2.1:1000");
  t.is(new Set(record.knownAddresses).size, record.knownAddresses.length);
});
