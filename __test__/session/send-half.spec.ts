/** A peer chooses which packets it acknowledges: what one lost packet costs must not grow with that. */
import test from "ava";
import { RangeSet } from "../../src/base/ranges.ts";
import { BlockPool } from "../../src/session/block-pool.ts";
import { SendHalf } from "../../src/session/send-half.ts";

const PACKETS = 4000;
const PAYLOAD = 1000;

/** Serial: the count is of all sets there are. */
test.serial("a loss is compared with what was acknowledged near it, not with all that was", (t) => {
  const half = new SendHalf(0, 3, PACKETS * PAYLOAD, new BlockPool(), { bytes: 0 });
  half.buffer.append(new Uint8Array(PACKETS * PAYLOAD), PAYLOAD);
  for (let packet = 0; packet < PACKETS; packet++) half.take(packet * PAYLOAD, PAYLOAD);
  for (let packet = 1; packet < PACKETS; packet += 2) half.acked(packet * PAYLOAD, PAYLOAD, false);
  const { remove } = RangeSet.prototype;
  let compared = 0;
  RangeSet.prototype.remove = function (...range) {
    compared++;
    return remove.apply(this, range);
  };
  t.teardown(() => {
    RangeSet.prototype.remove = remove;
  });
  for (let packet = 0; packet < PACKETS; packet += 2) half.lost(packet * PAYLOAD, PAYLOAD, false);
  t.true(compared <= 2 * PACKETS, `${compared}`);
  let offset = 0;
  for (; half.repeats; offset += 2 * PAYLOAD) {
    t.is(half.nextOffset(), offset);
    t.is(half.nextLength(PACKETS * PAYLOAD, 0), PAYLOAD);
    half.take(offset, PAYLOAD);
  }
  t.is(offset, PACKETS * PAYLOAD);
});
