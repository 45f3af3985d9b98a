/**
 * Hostile packets at a cast on real sockets, over the loopback interface: none is written, each is counted
 * with where it came from, and every receiver gets its file. MP2P_SOAK=1 sends a million.
 */
import { createHash, randomBytes } from "node:crypto";
import test from "ava";
import type { Casting, CastTarget } from "../../src/multicast/cast/contract.ts";
import { parseTicket } from "../../src/rendezvous/ticket.ts";
import { openEndpoint } from "../endpoint/pair.ts";
import { availableKinds, loadBackend } from "../support/backends.ts";
import { contentOf } from "../support/cast-content.ts";
import { type Attacked, castKeyOf, flood, Insider, Stranger } from "./cast-flood.ts";

const SOAK = process.env.MP2P_SOAK === "1";
const PACKETS = SOAK ? 1_000_000 : 4000;
const CONTENT_BYTES = SOAK ? 32 << 20 : 4 << 20;
/** Slow enough to last as long as the flood. */
const RATE = 4 << 20;
const GROUP = "239.255.200.200";
const OTHER_GROUP = "239.255.200.201";
const RSS_MOST = 200 << 20;
const LAN = { discovery: { interfaces: ["lo"] }, services: ["cast/1"] } as const;

function memory(bytes: number): CastTarget & { readonly written: Uint8Array } {
  const written = new Uint8Array(bytes);
  return {
    written,
    offered: async () => [],
    write: async (offset, block) => written.set(block, offset),
    complete: async () => undefined,
  };
}

/** Content flows: everybody is in the groups. */
async function begun(cast: Casting): Promise<void> {
  while (cast.progress().bytes === 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

for (const kind of await availableKinds()) {
  test.serial(`${kind}: a cast under ${PACKETS} hostile packets loses nothing`, async (t) => {
    t.timeout(SOAK ? 900_000 : 120_000);
    const { primitives } = await loadBackend(kind);
    const options = { ...LAN, backend: kind, bind: ["127.0.0.1:0"] };
    const sender = await openEndpoint(t, options);
    const receivers = [await openEndpoint(t, options), await openEndpoint(t, options)];
    const member = await openEndpoint(t, options);
    const content = randomBytes(CONTENT_BYTES);
    const settings = { admit: "open", rate: RATE, minReceivers: 3, packetBytes: 1452 } as const;
    const stranger = await Stranger.open(GROUP);
    const other = await Stranger.open(OTHER_GROUP);
    t.teardown(() => {
      stranger.close();
      other.close();
    });
    const named = receivers.map(() => 0);
    let total = 0;
    let rssBefore = 0;
    const startedAt = performance.now();
    for (let round = 0; total < PACKETS; round++) {
      const cast = sender.cast(contentOf(content), { ...settings, minReceivers: 2, group: GROUP });
      const second = sender.cast(contentOf(content), {
        ...settings,
        minReceivers: 1,
        group: OTHER_GROUP,
      });
      const { castId = new Uint8Array(0) } = parseTicket(cast.ticket);
      const key = await castKeyOf(member, cast.ticket, castId);
      const insider = new Insider(primitives, key, castId);
      const blocks = Math.ceil(CONTENT_BYTES / (128 * (key.packetBytes - 40)));
      const targets = receivers.map(() => memory(CONTENT_BYTES));
      const elsewhere = memory(CONTENT_BYTES);
      const receiving = receivers.map((receiver, index) =>
        receiver.receiveCast(cast.ticket, targets[index] as CastTarget),
      );
      const others = member.receiveCast(second.ticket, elsewhere);
      let isOver = false;
      const attacked: Attacked = { stranger, other, insider, blocks };
      const attacking = begun(cast).then(() => flood(attacked, PACKETS - total, () => isOver));
      const receipts = await Promise.all(receiving);
      isOver = true;
      const sent = await attacking;
      await Promise.all([others, cast.done, second.done]);

      for (const target of [...targets, elsewhere])
        t.is(hashOf(target.written), hashOf(content), `round ${round}`);
      for (const [index, { forged, path }] of receipts.entries()) {
        t.is(path, "multicast", `round ${round}`);
        const symbols = forged.find(({ source }) => source === stranger.address)?.symbols ?? 0;
        t.true(symbols > 0, `round ${round}`);
        t.true(forged.every((each) => each.interface === "lo"));
        named[index] = (named[index] as number) + symbols;
      }
      total += sent;
      stranger.newest = 0;
      if (round === 0) rssBefore = process.memoryUsage().rss;
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const grown = process.memoryUsage().rss - rssBefore;
    for (const [index, receiver] of receivers.entries()) {
      const { droppedMalformed, droppedKernel } = receiver.counters();
      const dropped = receiver.multicast?.dropped.find(({ source }) => source === stranger.address);
      const { unknown = 0, forged = 0, replayed = 0 } = dropped ?? {};
      t.is(dropped?.interface, "lo");
      t.true(unknown > 0 && forged > 0 && replayed > 0);
      const insiders = named[index] as number;
      t.log({ unknown, forged, replayed, insiders, droppedMalformed, droppedKernel });
      // What comes after its cast has ended, or before its first forgery is proved, is nobody's, and
      // what was recorded comes in once from the stranger's address.
      const counted = unknown + forged + replayed + insiders + droppedMalformed + droppedKernel;
      t.true(counted >= 0.7 * total, `${counted} of ${total}`);
    }
    t.log({ total, seconds, grownMB: grown / 1e6 });
    t.true(grown < RSS_MOST, `${grown}`);
  });
}
