import { randomBytes } from "node:crypto";
import test from "ava";
import { contentOf } from "../support/cast-content.ts";
import { openEndpoint } from "./pair.ts";

test("a receiver whose endpoint is closed while a cast runs is waited for no longer, and is told as one that left", async (t) => {
  const options = { services: ["cast/1"], discovery: { mode: "off" } } as const;
  const [sender, stays, leaves] = await Promise.all([
    openEndpoint(t, options),
    openEndpoint(t, options),
    openEndpoint(t, options),
  ]);
  const casting = sender.cast(contentOf(randomBytes(1024 * 1024)), { minReceivers: 2 });
  const target = { offered: async () => [], complete: async () => undefined };
  const leaving = leaves.receiveCast(casting.ticket, {
    ...target,
    write: async () => void leaves.close(),
  });
  await Promise.all([
    stays.receiveCast(casting.ticket, { ...target, write: async () => undefined }),
    t.throwsAsync(leaving, { code: "MP2P_CLOSED" }),
  ]);
  const { receivers } = await casting.done;
  const [left] = receivers.filter(({ outcome }) => outcome !== "complete");
  t.is(receivers.length, 2);
  t.like(left, { outcome: "partial", why: "it closed the connection (MP2P_CLOSED)" });
});
