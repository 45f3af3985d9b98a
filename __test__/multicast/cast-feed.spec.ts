/** A receiver chooses what it holds: what one block costs that it is fed must not grow with that. */
import test from "ava";
import { RangeSet } from "../../src/base/ranges.ts";
import type { BlockSource } from "../../src/multicast/cast/block-source.ts";
import { readHeld } from "../../src/multicast/cast/door.ts";
import { Feed } from "../../src/multicast/cast/feed.ts";
import type { Geometry } from "../../src/multicast/cast/geometry.ts";
import { Peer } from "../../src/multicast/cast/peer.ts";
import { HASH_BYTES, RECORD } from "../../src/multicast/cast/records.ts";

const BLOCKS = 4000;
const ROW_BYTES = 4 + HASH_BYTES;

/** Serial: the count is of all sets there are. */
test.serial(
  "a receiver that wants every other block is fed those, at the price of a few looks each",
  (t) => {
    const fed: number[] = [];
    const link = {
      send: (record: Uint8Array) => {
        t.is(record[0], RECORD.BLOCK);
        fed.push(new DataView(record.buffer, record.byteOffset).getUint32(5));
      },
      backlog: () => 0,
      close: () => undefined,
    };
    const peer = new Peer(new Uint8Array(32), link, 0);
    const body = new Uint8Array((ROW_BYTES * BLOCKS) / 2);
    for (let row = 0; row < BLOCKS / 2; row++)
      new DataView(body.buffer).setUint32(row * ROW_BYTES, 2 * row);
    t.true(readHeld(peer, body, BLOCKS, BLOCKS));
    const counts = { next: 0, highest: BLOCKS, writtenBytes: 0, windowBytes: 0, kernelDrops: 0 };
    const runs = [{ start: 0, length: BLOCKS, missing: 128 }];
    peer.status = {
      stamp: 0,
      heldUs: 0,
      delayUs: 0,
      deaf: true,
      heard: 0,
      channels: [],
      runs,
      ...counts,
    };
    const source = { get: () => new Uint8Array(8) } as unknown as BlockSource;
    const feed = new Feed({ symbolsOf: () => 128 } as unknown as Geometry, source);
    const { end } = RangeSet.prototype;
    let looks = 0;
    RangeSet.prototype.end = function (index) {
      looks++;
      return end.call(this, index);
    };
    t.teardown(() => {
      RangeSet.prototype.end = end;
    });
    while (feed.run(peer, { all: true, bulk: true, end: BLOCKS }));
    t.deepEqual(
      fed,
      Array.from({ length: BLOCKS / 2 }, (_, index) => 2 * index + 1),
    );
    t.true(looks <= 100 * BLOCKS, `${looks}`);
  },
);
