/** What a program can do wrong with a group, and what it is told: the calls themselves, on one machine. */
import { once } from "node:events";
import test, { type ExecutionContext } from "ava";
import { toHex } from "../../src/base/bytes.ts";
import { Admission } from "../../src/endpoint/admission.ts";
import { Endpoint } from "../../src/endpoint/endpoint.ts";
import { GroupInbox } from "../../src/endpoint/group-inbox.ts";
import type { GroupOptions } from "../../src/endpoint/group-options.ts";
import { Identity } from "../../src/endpoint/identity.ts";
import type { EndpointOptions } from "../../src/endpoint/options.ts";
import { availableKinds } from "../support/backends.ts";
import { openEndpoint, openPair } from "./pair.ts";

const SECRET = Uint8Array.from({ length: 16 }, (_, index) => 11 * index);
const [kind = "fallback"] = await availableKinds();
const open = (t: ExecutionContext) => openEndpoint(t, { backend: kind });

async function pair(t: ExecutionContext, name: string) {
  const options = { name: `${name} ${process.pid}`, secret: SECRET };
  const endpoints = await Promise.all([open(t), open(t)]);
  const groups = await Promise.all(endpoints.map((endpoint) => endpoint.openGroup(options)));
  await Promise.all(groups.map((group) => once(group, "joined")));
  const [alice, bob] = groups as [(typeof groups)[0], (typeof groups)[0]];
  return { alice, bob, options, endpoint: endpoints[0] as Endpoint };
}

test("a Buffer that is used again after send is no message's business; what is no bytes is refused", async (t) => {
  const { alice, bob } = await pair(t, "buffers");
  const buffer = Buffer.alloc(100, 1);
  const sent = alice.send(buffer);
  buffer.fill(2);
  await sent;
  for (const wrong of ["text", [1, 2], new ArrayBuffer(5), undefined])
    await t.throwsAsync(alice.send(wrong as unknown as Uint8Array), { instanceOf: TypeError });
  for await (const { data } of bob.messages()) {
    t.deepEqual(new Uint8Array(data), new Uint8Array(100).fill(1));
    break;
  }
});

test("a datagram's bytes are those it had when it was sent", async (t) => {
  const { there, here } = await openPair(t, [kind, kind]);
  const buffer = Buffer.alloc(50, 1);
  there.send(buffer);
  buffer.fill(2);
  for await (const bytes of here.datagrams()) {
    t.deepEqual(new Uint8Array(bytes), new Uint8Array(50).fill(1));
    break;
  }
});

test("a loop over messages ends with its signal, and what comes then is there for others", async (t) => {
  const { alice, bob } = await pair(t, "loops");
  const stop = new AbortController();
  const loop = (async () => {
    for await (const _ of bob.messages({ signal: stop.signal })) t.fail();
  })();
  stop.abort();
  await loop;
  await alice.send(Uint8Array.of(7));
  for await (const { data, instance } of bob) {
    t.deepEqual([...data], [7]);
    t.deepEqual(instance, bob.members()[0]?.instance);
    break;
  }
});

test("an endpoint has a group open once", async (t) => {
  const { alice, options, endpoint } = await pair(t, "once");
  await t.throwsAsync(endpoint.openGroup(options), { code: "MP2P_USAGE" });
  t.is(alice.members().length, 1);
  await alice.close();
  await (await endpoint.openGroup(options)).close();
});

test("who is invited is a member then, or the call says why not", async (t) => {
  const [alice, bob] = await Promise.all([open(t), open(t)]);
  const name = `invited ${process.pid}`;
  const one = await alice.openGroup({ name, secret: SECRET, members: [bob.key] });
  const ticket = bob.ticket();
  await t.throwsAsync(one.invite(ticket), { code: "MP2P_NOT_ALLOWED", message: /the peer/ });

  const other = await bob.openGroup({ name, secret: SECRET, members: [] });
  await t.throwsAsync(one.invite(ticket), { code: "MP2P_NOT_ALLOWED", message: /the peer/ });
  await t.throwsAsync(other.invite(alice.ticket()), {
    code: "MP2P_NOT_ALLOWED",
    message: /this side/,
  });
  await other.close();

  const [again] = await Promise.all([bob.openGroup({ name, secret: SECRET }), one.invite(ticket)]);
  t.is(one.members()[0]?.keyText, bob.keyText);
  await again.invite(alice.ticket());
  one.remove(bob.key);
  await t.throwsAsync(one.invite(ticket), { code: "MP2P_NOT_ALLOWED", message: /this side/ });
  await one.close();
  await t.throwsAsync(one.invite(ticket), { code: "MP2P_CLOSED" });
});

test("options that are none are refused before anything is open", async (t) => {
  const endpoint = await open(t);
  const mistakes: readonly [unknown, object][] = [
    [{ name: 5, secret: SECRET }, { instanceOf: TypeError }],
    [{ secret: 5 }, { instanceOf: TypeError, message: /secret/ }],
    [
      { name: "x", members: "abc" },
      { instanceOf: TypeError, message: /list/ },
    ],
    [{ name: "x", members: [new Uint8Array(5)] }, { code: "MP2P_KEY_INVALID" }],
    [{ secret: SECRET, owner: new Uint8Array(31) }, { code: "MP2P_KEY_INVALID" }],
    [
      { secret: SECRET, maxRate: 0 },
      { instanceOf: TypeError, message: /maxRate .* above zero/ },
    ],
    [{ secret: SECRET, maxRate: Number.NaN }, { instanceOf: TypeError }],
    [{ secret: SECRET, maxRate: Infinity }, { instanceOf: TypeError }],
    [
      { secret: SECRET, member: [] },
      { instanceOf: TypeError, message: /no option member; .*members/ },
    ],
    [
      { secret: SECRET, reliable: "yes" },
      { instanceOf: TypeError, message: /true or false/ },
    ],
  ];
  for (const [options, expected] of mistakes)
    await t.throwsAsync(endpoint.openGroup(options as GroupOptions), expected);
});

test("an endpoint that cannot be opened leaves no socket behind, and no slip announces anybody", async (t) => {
  const free = await openEndpoint(t, { backend: kind });
  const [address = ""] = free.addresses;
  await free.close();
  const identity = await Identity.generate();
  const mistakes: readonly [object, object][] = [
    [{ allow: ["x"] }, { code: "MP2P_KEY_INVALID" }],
    [{ allow: "abc" }, { instanceOf: TypeError }],
    [{ identity: {} }, { instanceOf: TypeError }],
    [{ discovery: { mode: "privat" } }, { instanceOf: TypeError, message: /mode/ }],
    [{ discovery: { scope: "mars" } }, { instanceOf: TypeError, message: /scope/ }],
  ];
  for (const [wrong, expected] of mistakes) {
    const options = { identity, backend: kind, bind: [address], ...wrong } as EndpointOptions;
    await t.throwsAsync(Endpoint.open(options), expected);
  }
  await openEndpoint(t, { backend: kind, bind: [address] });
});

test("what was said while a member was cut off counts as lost, and who began anew lost nothing", async (t) => {
  const inbox = new GroupInbox();
  const messages = inbox.loop();
  const lost = async (voice: string, seq: number, known = 0) => {
    const [from, data] = [new Uint8Array(32), new Uint8Array(1)];
    inbox.push(voice, { from, instance: new Uint8Array(8), seq, lost: known, data });
    return (await messages.next()).value?.lost;
  };
  t.is(await lost("first run", 5), 0, "nobody misses what came before it joined");
  t.is(await lost("first run", 9, 3), 3);
  t.is(await lost("first run", 110), 100, "it joined anew, at 110");
  t.is(await lost("second run", 0), 0);
});

test("the program is asked about a key once at a time, and anew where it had refused", async (t) => {
  const asked: string[] = [];
  let answer: (allowed: boolean) => void = () => undefined;
  const admission = new Admission((key) => {
    asked.push(toHex(key).slice(0, 2));
    return new Promise((resolve) => {
      answer = resolve;
    });
  });
  const [one, two] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const both = [admission.allows(one), admission.allows(one)];
  answer(false);
  t.deepEqual(await Promise.all(both), [false, false]);
  void admission.allows(two);
  const later = admission.allows(one);
  answer(true);
  t.true(await later);
  t.deepEqual(asked, ["01", "02", "01"]);
});
