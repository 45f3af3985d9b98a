import { Readable } from "node:stream";
import test from "ava";
import fc from "fast-check";
import { AsyncQueue } from "../../src/endpoint/async-queue.ts";
import { GroupInbox } from "../../src/endpoint/group-inbox.ts";
import { IncomingSessions } from "../../src/endpoint/incoming-sessions.ts";
import { openPair } from "./pair.ts";

test("a loop that its signal ended takes nothing from those that go on", async (t) => {
  const queue = new AsyncQueue<number>();
  const patience = new AbortController();
  const ended = queue.loop({ signal: patience.signal })[Symbol.asyncIterator]().next();
  const goesOn = queue.next();
  patience.abort();
  t.deepEqual(await ended, { value: undefined, done: true });
  queue.push(1);
  t.deepEqual(await goesOn, { value: 1, done: false });
  queue.push(2);
  for await (const _ of queue.loop({ signal: patience.signal })) t.fail("it was ended before");
  t.is(queue.size, 1);
});

test("a loop that is over while it waits takes nothing from those that go on", async (t) => {
  const queue = new AsyncQueue<number>();
  const stream = Readable.from(queue);
  stream.resume();
  const left = queue[Symbol.asyncIterator]();
  const waiting = left.next();
  await left.return?.();
  stream.destroy();
  await new Promise(setImmediate);
  queue.push(1);
  t.deepEqual(await waiting, { value: undefined, done: true });
  t.deepEqual(await queue.next(), { value: 1, done: false });
  t.deepEqual(await left.next(), { value: undefined, done: true });
});

test("any pushing, taking and taking back leaves what a plain array would, within its limits", async (t) => {
  const limits = { items: 3000, bytes: 9000, bytesOf: (item: number) => item % 7 };
  const steps = fc.record({
    what: fc.constantFrom("push", "push", "take", "delete", "drain" as const),
    times: fc.oneof(fc.constant(1), fc.constant(2500)),
  });
  const run = async (actions: readonly { what: string; times: number }[]) => {
    const queue = new AsyncQueue<number>(limits);
    let model: number[] = [];
    let next = 0;
    const bytes = () => model.reduce((sum, item) => sum + (item % 7), 0);
    const act: Record<string, () => unknown> = {
      push: () => {
        const fits = model.length < limits.items && bytes() + (next % 7) <= limits.bytes;
        t.is(queue.push(next), fits);
        if (fits) model.push(next);
        next++;
      },
      take: async () => model.length > 0 && t.is((await queue.next()).value, model.shift()),
      delete: () => {
        const item = model.splice(model.length >> 1, 1)[0];
        if (item !== undefined) queue.delete(item);
      },
      drain: () => {
        t.deepEqual(queue.drain(), model);
        model = [];
      },
    };
    for (const { what, times } of actions)
      for (let time = 0; time < times; time++) await act[what]?.();
    t.is(queue.size, model.length);
    t.deepEqual(queue.drain(), model);
  };
  await fc.assert(fc.asyncProperty(fc.array(steps, { maxLength: 8 }), run), { numRuns: 20 });
});

test("loops over sessions, streams and datagrams end with their signal", async (t) => {
  const { alice, there } = await openPair(t, ["fallback", "fallback"]);
  const patience = new AbortController();
  const { signal } = patience;
  const loops = [
    alice.sessions({ signal }),
    there.streams("", { signal }),
    there.datagrams({ signal }),
  ];
  const ended = Promise.all(loops.map(async (loop) => loop[Symbol.asyncIterator]().next()));
  patience.abort();
  for (const result of await ended) t.true(result.done);
  t.throws(() => there.send("text" as unknown as Uint8Array), { instanceOf: TypeError });
});

test("peers that come and go unfetched leave the open sessions and the latest that ended", async (t) => {
  const sessions = new IncomingSessions<{ readonly at: number; readonly closed: Promise<void> }>();
  const never = new Promise<void>(() => undefined);
  for (let at = 0; at < 1000; at++)
    sessions.push({ at, closed: at === 7 ? never : Promise.resolve() });
  await Promise.resolve();
  sessions.end();
  const left: number[] = [];
  for await (const { at } of sessions.loop({})) left.push(at);
  t.deepEqual(left, [7, ...Array.from({ length: 64 }, (_, index) => 936 + index)]);
});

test("a loop over a group's messages that has ended leaves the next one to others", async (t) => {
  const inbox = new GroupInbox();
  const over = inbox.loop();
  const waiting = over.next();
  await over.return?.();
  const [from, instance] = [new Uint8Array(32), new Uint8Array(8)];
  inbox.push("alice", { from, instance, seq: 0, lost: 0, data: Uint8Array.of(1) });
  t.true((await waiting).done);
  t.like(await inbox.loop().next(), { done: false, value: { seq: 0, lost: 0 } });
});
