/** Calls as somebody without types writes them: every slip is named at once, and none means the default. */
import { getEventListeners } from "node:events";
import test from "ava";
import { onAbort } from "../../src/base/abort.ts";
import { Endpoint } from "../../src/endpoint/endpoint.ts";
import { Identity } from "../../src/endpoint/identity.ts";
import { availableKinds } from "../support/backends.ts";
import { type Kind, openEndpoint, openPair } from "./pair.ts";

const [kind] = (await availableKinds()) as [Kind];
const MIX = [kind, kind] as const;
const target = {
  offered: async () => [],
  write: async () => undefined,
  complete: async () => undefined,
};
const identity = await Identity.generate();
const bind = ["127.0.0.1:0"];

for (const [slip, message] of [
  [{ alow: [] }, /no option alow; it has .*allow/],
  [{ discovery: "off" }, /discovery .* object, not "off"/],
  [{ discovery: { mod: "off" } }, /no option mod; it has mode/],
  [{ services: "chat" }, /services .* list/],
  [{ services: ["two words"] }, /service name/],
  [{ byKey: "no" }, /byKey .* true or false, not "no"/],
  [{ congestion: "bbr" }, /congestion .* "rate" or "cubic"/],
  [{ limits: { idleSeconds: Number.NaN } }, /idleSeconds .* number/],
  [{ limits: { largestPacketBytes: 10 } }, /largestPacketBytes/],
  [{ identity: new Uint8Array(32) }, /an Identity/],
  [{ signal: new AbortController() }, /an AbortSignal/],
] as const) {
  test(`an endpoint is not opened with ${JSON.stringify(slip)}`, async (t) => {
    const options = { identity, bind, backend: kind, ...slip } as never;
    await t.throwsAsync(Endpoint.open(options), { message });
  });
}

test("calls of an endpoint and of a session name what is wrong with their options", async (t) => {
  const { alice, bob, there } = await openPair(t, MIX);
  const cast = { manifest: new Uint8Array(), bytes: 0, read: async () => 0 };
  const calls: [() => unknown, RegExp][] = [
    [() => alice.connect(bob.ticket(), { timeoutMs: Number.NaN }), /timeoutMs/],
    [() => alice.connect(undefined as never), /a ticket, its text, or a key/],
    [() => alice.connect({ key: bob.key } as never), /a ticket, its text, or a key/],
    [async () => alice.ticket({ ofer: true } as never), /no option ofer/],
    [async () => alice.cast(cast, { admit: [bob.keyText] as never }), /admit/],
    [async () => alice.cast(cast, { rate: 0 }), /rate .* above zero/],
    [async () => alice.cast(cast, { policy: "required" }), /list of required keys/],
    [async () => alice.cast(cast, { required: [bob.key] }), /list of required keys/],
    [() => alice.receiveCast(undefined as never, target), /a cast's ticket/],
    [async () => alice.cast(cast, { minReceiver: 3 } as never), /no option minReceiver/],
    [() => there.openStream({ unidirectionl: true } as never), /no option unidirectionl/],
    [() => there.openStream({ priority: 9 }), /priority/],
    [() => there.openStream("chat" as never), /an object, not "chat"/],
    [() => there.close({ code: 16 }), /code of close is 0, or 256 to 65535/],
    [() => there.close({ code: 70_000 }), /code of close/],
  ];
  for (const [call, message] of calls)
    await t.throwsAsync(async () => call(), { instanceOf: TypeError, message });
  t.is(await Promise.race([there.closed, "open"]), "open");
});

test("a seed of anything but bytes is no identity, not the one that everybody could guess", async (t) => {
  for (const seed of [{ length: 32 }, "a".repeat(32), Array(32).fill(7), new Uint16Array(32)])
    await t.throwsAsync(Identity.fromSeed(seed as never), { instanceOf: TypeError });
});

test("a signal that aborts while an endpoint opens leaves no endpoint behind", async (t) => {
  const controller = new AbortController();
  const opening = Endpoint.open({ identity, bind, backend: kind, signal: controller.signal });
  controller.abort(new Error("called off"));
  await t.throwsAsync(opening, { message: "called off" });
});

test("one signal serves any number of calls: it has one listener, and none when they are over", async (t) => {
  const { signal } = new AbortController();
  const abortListeners = () => getEventListeners(signal, "abort").length;
  const { there } = await openPair(t, MIX, { limits: { bidirectionalStreams: 1 } });
  const endpoints = [];
  for (let each = 0; each < 12; each++)
    endpoints.push(await openEndpoint(t, { backend: kind, signal }));
  await there.openStream();
  const opening = Array.from({ length: 12 }, () =>
    there.openStream({ signal }).catch(() => "over"),
  );
  await new Promise(setImmediate);
  t.is(abortListeners(), 1);
  await there.close();
  await Promise.all([...opening, ...endpoints.map((each) => each.close())]);
  t.is(abortListeners(), 0);
});

test("who listens to a signal hears it once, at once where it has aborted, and never after stopping", (t) => {
  const controller = new AbortController();
  const heard: string[] = [];
  onAbort(controller.signal, () => heard.push("first"));
  onAbort(controller.signal, () => heard.push("stopped"))();
  onAbort(controller.signal, () => heard.push("second"));
  controller.abort();
  onAbort(controller.signal, () => heard.push("late"));
  t.deepEqual(heard, ["first", "second", "late"]);
});

test("what a listener throws reaches the process, and the session goes on", async (t) => {
  const { there, here } = await openPair(t, MIX);
  const thrown = new Promise<Error>((resolve) => {
    process.setUncaughtExceptionCaptureCallback(resolve);
  });
  t.teardown(() => process.setUncaughtExceptionCaptureCallback(null));
  const closed: string[] = [];
  there.on("close", () => {
    throw new Error("of a listener");
  });
  here.on("close", () => closed.push("peer"));
  await there.close();
  await here.closed;
  t.is((await thrown).message, "of a listener");
  t.deepEqual(closed, ["peer"]);
});

test("a callback of a receiver that throws ends its cast with that, and not the process", async (t) => {
  const { alice, bob } = await openPair(t, MIX);
  const content = { manifest: new Uint8Array(), bytes: 1, read: async () => 1 };
  await using casting = alice.cast(content, { minReceivers: 2 });
  const onProgress = () => {
    throw new Error("of a callback");
  };
  const receiving = bob.receiveCast(casting.ticket, target, { onProgress });
  await t.throwsAsync(receiving, { message: "of a callback" });
});

test("a callback that throws when asked whom a cast is for refuses, and says so", async (t) => {
  const { alice, bob } = await openPair(t, MIX);
  const content = { manifest: new Uint8Array(), bytes: 1, read: async () => 1 };
  const admit = () => {
    throw new Error("of a callback");
  };
  await using casting = alice.cast(content, { admit });
  const receiving = bob.receiveCast(casting.ticket, target);
  await t.throwsAsync(receiving, { code: "MP2P_NOT_ALLOWED" });
});
