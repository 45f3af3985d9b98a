import { Readable } from "node:stream";
import test from "ava";
import fc from "fast-check";
import { deferred } from "../../src/base/deferred.ts";
import { LivePacker, liveBytes } from "../../src/transfer/live-blocks.ts";

const BLOCK_BYTES = 40;

async function packed(packer: LivePacker): Promise<Uint8Array[]> {
  const blocks: Uint8Array[] = [];
  for (;;) {
    const block = new Uint8Array(BLOCK_BYTES).fill(0xee);
    const bytes = await packer.fill(block);
    if (bytes > 0) blocks.push(block.subarray(0, bytes));
    if (bytes < BLOCK_BYTES) return blocks;
  }
}

test("whatever pieces a stream comes in, its blocks hold it, whole but for the last one", async (t) => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(pieces, async (chunks) => {
      const content = Buffer.concat(chunks);
      const packer = new LivePacker(Readable.from(chunks)[Symbol.asyncIterator]());
      const blocks = await packed(packer);
      t.deepEqual(Buffer.concat(blocks.map(liveBytes)), content);
      t.is(blocks.length, Math.ceil(content.length / (BLOCK_BYTES - 4)));
      const bytes = blocks.reduce((sum, block) => sum + block.length, 0);
      t.is(packer.bytesIn(bytes), content.length);
    }),
  );
});

test("what was said leaves before the next is, and what comes then is not lost", async (t) => {
  const isOut = deferred<void>();
  async function* slow() {
    yield Buffer.from("first");
    await isOut.promise;
    yield "second";
  }
  const packer = new LivePacker(slow());
  const block = new Uint8Array(BLOCK_BYTES).fill(0xee);
  t.is(await packer.fill(block), BLOCK_BYTES, "a whole block, as others may follow");
  t.is(Buffer.from(liveBytes(block)).toString(), "first");
  t.true(block.subarray(9).every((byte) => byte === 0));
  isOut.resolve();
  const [last] = await packed(packer);
  t.is(Buffer.from(liveBytes(last ?? block)).toString(), "second");
  t.is(packer.bytesIn(2 * BLOCK_BYTES), 11);
});

test("a stream that fails between two blocks fails the next one", async (t) => {
  async function* failing() {
    yield Buffer.from("some");
    await Promise.resolve();
    throw new Error("gone");
  }
  await t.throwsAsync(packed(new LivePacker(failing())), { message: "gone" });
});

test("a stream of objects is named as such", async (t) => {
  async function* objects() {
    yield { bytes: 1 } as never;
  }
  await t.throwsAsync(packed(new LivePacker(objects())), { message: /bytes or text, not object/ });
});

test("a block that does not hold what it says is refused", (t) => {
  const tooLong = Uint8Array.of(0, 0, 0, 5, 1, 2, 3, 4);
  for (const block of [new Uint8Array(), new Uint8Array(3), new Uint8Array(9), tooLong])
    t.throws(() => liveBytes(block), { code: "MP2P_PROTOCOL" });
});
