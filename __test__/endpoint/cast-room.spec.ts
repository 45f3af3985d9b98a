import { randomBytes } from "node:crypto";
import { setTimeout as later } from "node:timers/promises";
import test from "ava";
import { contentOf } from "../support/cast-content.ts";
import { openEndpoint } from "./pair.ts";

const MIB = 1024 * 1024;
const CONTENT_BYTES = 64 * MIB;

test("what a cast sends by unicast does not pile up before a slow disk", async (t) => {
  const options = { services: ["cast/1"], discovery: { mode: "off" } } as const;
  const sender = await openEndpoint(t, options);
  const receiver = await openEndpoint(t, options);
  const content = randomBytes(CONTENT_BYTES);
  const casting = sender.cast(contentOf(content));
  let waiting = 0;
  let most = 0;
  let written = 0;
  await receiver.receiveCast(casting.ticket, {
    offered: async () => [],
    write: async (offset, bytes) => {
      waiting += bytes.length;
      most = Math.max(most, waiting);
      // A disk that is slower than the network: one write in two milliseconds, however many are asked for.
      await later((2 * waiting) / bytes.length);
      t.true(content.subarray(offset, offset + bytes.length).equals(bytes));
      waiting -= bytes.length;
      written += bytes.length;
    },
    complete: async () => undefined,
  });
  await casting.done;
  t.is(written, CONTENT_BYTES);
  t.true(most <= 18 * MIB, `${most / MIB} MiB at once`);
});

test("one endpoint receives the same cast twice at once", async (t) => {
  const options = {
    services: ["cast/1"],
    discovery: { interfaces: ["lo"] },
    bind: ["127.0.0.1:0"],
  };
  const sender = await openEndpoint(t, options);
  const receiver = await openEndpoint(t, options);
  const content = randomBytes(2 * MIB);
  const casting = sender.cast(contentOf(content), { minReceivers: 1 });
  const receive = async () => {
    const written = Buffer.alloc(content.length);
    await receiver.receiveCast(casting.ticket, {
      offered: async () => [],
      write: async (offset, bytes) => void written.set(bytes, offset),
      complete: async () => undefined,
    });
    return written;
  };
  const both = await Promise.all([receive(), receive()]);
  await casting.done;
  for (const written of both) t.true(written.equals(content));
});
