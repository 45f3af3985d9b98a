/** Much of a little: what a sender can say in few bytes, and what it may cost the receiver. */
import test, { type ExecutionContext } from "ava";
import { concat } from "../../src/base/bytes.ts";
import { PartFile } from "../../src/transfer/part-file.ts";
import { type ReceiveOptions, receiveFiles } from "../../src/transfer/receive.ts";
import * as records from "../../src/transfer/records.ts";
import { KIND, RECORD, record } from "../../src/transfer/records.ts";
import { entry, type PartialEntry, RawSender, unitRecord } from "./raw-sender.ts";
import { blake3, memoryPair, scratch } from "./support.ts";

const LARGE_BYTES = 1024 * 1024 + 1;
const WRONG_ROOT = new Uint8Array(32);
const LAST_UNIT = Uint8Array.of(1);

async function receivingOf(
  t: ExecutionContext,
  offer: readonly PartialEntry[],
  options: ReceiveOptions = {},
) {
  const { sender, receiver } = memoryPair();
  const { done } = receiveFiles(receiver, await scratch(t), options);
  const raw = await RawSender.open(sender);
  raw.offer(offer.map(entry));
  return { done, raw };
}

function largeFiles(count: number): PartialEntry[] {
  return Array.from({ length: count }, (_, index) => ({ path: `f${index}`, size: LARGE_BYTES }));
}

test.serial("of a thousand files that are finished at once, few are open at a time", async (t) => {
  const { open } = PartFile;
  const { close } = PartFile.prototype;
  t.teardown(() => {
    PartFile.open = open;
    PartFile.prototype.close = close;
  });
  let now = 0;
  let most = 0;
  PartFile.open = (...all) => {
    most = Math.max(most, ++now);
    return open.apply(PartFile, all);
  };
  PartFile.prototype.close = function (this: PartFile) {
    now--;
    return close.call(this);
  };
  const { done, raw } = await receivingOf(t, largeFiles(1000));
  await raw.answer(RECORD.go);
  for (let number = 0; number < 1000; number++) raw.write(records.finishRecord(number, WRONG_ROOT));
  raw.write(record(RECORD.end));
  const { failed } = await done;
  t.is(failed.length, 1000);
  t.true(most > 0 && most <= 64, `${most}`);
});

test.serial("files that fail when they are finished make room for those behind them", async (t) => {
  const { done, raw } = await receivingOf(t, largeFiles(40));
  await raw.answer(RECORD.go);
  const units = Array.from({ length: 40 }, (_, number) => unitRecord(number, 1, LAST_UNIT, blake3));
  raw.write(...units.slice(0, 32));
  const confirmed = ({ type, body }: { type: number; body: Uint8Array }) =>
    type === RECORD.confirm && records.readConfirm(body)?.confirmed === 32;
  while (!raw.answers.some(confirmed)) await new Promise(setImmediate);

  const finish = Array.from({ length: 32 }, (_, number) =>
    records.finishRecord(number, WRONG_ROOT),
  );
  raw.write(concat(...finish, ...units.slice(32), record(RECORD.end)));
  const { failed } = await done;
  t.is(failed.length, 40);
});

const EXPANSIONS: Record<string, { readonly entries: number; readonly offer: PartialEntry[] }> = {
  "a name that speaks of a thousand folders": {
    entries: 900,
    offer: [{ path: `${"f/".repeat(1000)}f` }],
  },
  "names below a file, each of which speaks of a thousand folders": {
    entries: 9000,
    offer: ["", ...Array.from({ length: 10 }, (_, at) => `/${at}${"/f".repeat(1000)}`)].map(
      (below) => ({ path: `f${below}` }),
    ),
  },
  "names longer than a name may be": {
    entries: 100,
    offer: Array.from({ length: 20 }, () => ({ path: "x".repeat(60_000) })),
  },
  "links to names longer than a name may be": {
    entries: 100,
    offer: Array.from({ length: 20 }, (_, at) => ({
      path: `${at}`,
      kind: KIND.link,
      size: 0,
      target: "x".repeat(60_000),
    })),
  },
};

for (const [label, { entries, offer }] of Object.entries(EXPANSIONS)) {
  test(`an offer of ${label} counts for what it costs`, async (t) => {
    const { done } = await receivingOf(t, offer, { limits: { entries } });
    await t.throwsAsync(done, { code: "MP2P_LIMIT" });
  });
}
