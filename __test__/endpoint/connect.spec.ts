import test from "ava";
import { Endpoint } from "../../src/endpoint/endpoint.ts";
import { Identity } from "../../src/endpoint/identity.ts";
import { parseTicket } from "../../src/rendezvous/ticket.ts";
import { firstOf, openEndpoint, openPair } from "./pair.ts";

const LOOPBACK = ["127.0.0.1:0"];

test("both ends learn each other's proved key", async (t) => {
  const { alice, bob, there, here } = await openPair(t, ["fallback", "fallback"]);
  t.is(there.peer.keyText, bob.keyText);
  t.is(here.peer.keyText, alice.keyText);
  t.like(there.path, { kind: "loopback" });
});

test("connecting again gives the session that exists", async (t) => {
  const { alice, bob, there } = await openPair(t, ["fallback", "fallback"]);
  t.is(await alice.connect(bob.ticket()), there);
  t.is(await alice.connect(bob.key), there);
});

test("after a close the same pair connects anew, by key alone, and streams work", async (t) => {
  const { alice, bob, there } = await openPair(t, ["fallback", "fallback"]);
  await there.close();
  const again = await alice.connect(bob.key);
  t.not(again, there);
  const stream = await again.openStream();
  stream.end("again");
  const here = await firstOf(bob.sessions());
  const incoming = await firstOf(here.streams());
  t.is(String(await incoming.toArray()), "again");
});

test("two endpoints that dial each other at once share one session", async (t) => {
  const alice = await openEndpoint(t);
  const bob = await openEndpoint(t);
  const [there, here] = await Promise.all([
    alice.connect(bob.ticket()),
    bob.connect(alice.ticket()),
  ]);
  const stream = await there.openStream();
  stream.end("crossed");
  const incoming = await firstOf(here.streams());
  t.is(String(await incoming.toArray()), "crossed");
});

test("two endpoints of one identity are two peers", async (t) => {
  const identity = await Identity.generate();
  const inbox = await openEndpoint(t, { identity });
  const sender = await openEndpoint(t, { identity });
  const session = await sender.connect(inbox.ticket());
  t.is(session.peer.keyText, sender.keyText);
  await t.throwsAsync(sender.connect(sender.ticket()), { code: "MP2P_WRONG_PEER" });
});

test("a peer that is not there is an error that lists what was tried", async (t) => {
  const alice = await openEndpoint(t);
  const gone = await Endpoint.open({ identity: await Identity.generate(), bind: LOOPBACK });
  const ticket = gone.ticket();
  await gone.close();
  const error = await t.throwsAsync(alice.connect(ticket, { timeoutMs: 300 }), {
    code: "MP2P_NO_PATH",
  });
  t.regex(String(error?.message), /loopback 127\.0\.0\.1:\d+, \d+ times in 0\.3 s,/);
});

test("a key without an address, a mangled ticket and an aborted call say so", async (t) => {
  const alice = await openEndpoint(t);
  const alone = await openEndpoint(t, { discovery: { mode: "off" } });
  const { key, keyText } = await Identity.generate();
  await t.throwsAsync(alone.connect(key), { code: "MP2P_NO_ADDRESS" });
  await t.throwsAsync(alice.connect(keyText, { timeoutMs: 400 }), { code: "MP2P_NO_ADDRESS" });
  await t.throwsAsync(alice.connect("mp2p1nonsense"), { code: "MP2P_TICKET_INVALID" });
  await t.throwsAsync(alice.connect("nonsense"), { code: "MP2P_KEY_INVALID" });
  const bob = await openEndpoint(t, { network: "another network" });
  const abort = new AbortController();
  const connecting = alice.connect(bob.ticket(), { signal: abort.signal });
  abort.abort(new Error("changed my mind"));
  await t.throwsAsync(connecting, { message: "changed my mind" });
});

test("a key that is not allowed is told so, and the program never sees it", async (t) => {
  const stranger = await openEndpoint(t);
  const friend = await openEndpoint(t);
  const bob = await openEndpoint(t, { allow: [friend.keyText] });
  const refused = await stranger.connect(bob.ticket());
  t.like(await refused.closed, { code: "MP2P_NOT_ALLOWED", by: "peer" });
  await friend.connect(bob.ticket());
  t.is((await firstOf(bob.sessions())).peer.keyText, friend.keyText);
});

test("an offer's token lets one bearer in, whom it names from then on", async (t) => {
  const bob = await openEndpoint(t, { allow: [] });
  const first = await openEndpoint(t);
  const second = await openEndpoint(t);
  const ticket = bob.ticket({ offer: true });
  const session = await first.connect(ticket);
  const incoming = await firstOf(bob.sessions());
  t.true(incoming.offer);
  t.is(incoming.peer.keyText, first.keyText);
  const late = await second.connect(ticket);
  t.like(await late.closed, { code: "MP2P_NOT_ALLOWED" });
  await session.close();
  await first.connect(ticket);
  t.is((await firstOf(bob.sessions())).peer.keyText, first.keyText);
});

test("an expired offer is refused where it is used, and where it was made", async (t) => {
  const bob = await openEndpoint(t, { allow: [] });
  const alice = await openEndpoint(t);
  const expired = bob.ticket({ offer: true, lifetimeMs: -1000 });
  await t.throwsAsync(alice.connect(expired), { code: "MP2P_TICKET_EXPIRED" });
  const { expires: _, ...forged } = parseTicket(expired);
  const session = await alice.connect(forged);
  t.like(await session.closed, { code: "MP2P_NOT_ALLOWED" });
});

test("a port in use is named in the error", async (t) => {
  const alice = await openEndpoint(t);
  const [address] = alice.addresses;
  const identity = await Identity.generate();
  const opening = Endpoint.open({ identity, bind: [address as string] });
  await t.throwsAsync(opening, { code: "MP2P_PORT_IN_USE" });
});

test("closing twice is closing once, and what comes after is refused", async (t) => {
  const { alice, bob, here } = await openPair(t, ["fallback", "fallback"]);
  await Promise.all([alice.close(), alice.close()]);
  t.like(await here.closed, { by: "peer" });
  await t.throwsAsync(alice.connect(bob.ticket()), { code: "MP2P_CLOSED" });
});
