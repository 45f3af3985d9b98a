/** How fast does the command line move one large file, and with how much memory? */
import { join } from "node:path";

import { NotMeasured } from "./child.ts";
import { absolute, type Row, relative } from "./row.ts";
import { type Outcome, sideBySide, worst } from "./samples.ts";
import { FILE_BYTES } from "./sizes.ts";
import type { Subject } from "./subject.ts";
import { mp2pTransfer, sendmeTransfer, type Transfer } from "./transfer-cli.ts";
import { clear, makeFile, sameContent, withWorkDirectory } from "./work-directory.ts";

const NAME = "file.bin";

export const file: Subject = {
  name: "file",
  question: `One file of ${FILE_BYTES / 1e6} MB by the command line, source in page cache, verified`,
  run: () => withWorkDirectory(measure),
};

async function measure(directory: string): Promise<Row[]> {
  const source = join(directory, NAME);
  const into = join(directory, "received");
  await makeFile(source, FILE_BYTES);
  const transfers: Transfer[] = [];
  /** Checks every byte outside the time, then makes room. */
  const rate = async (seconds: number): Promise<number> => {
    if (!(await sameContent(source, join(into, NAME))))
      throw new NotMeasured("the received file differs");
    return FILE_BYTES / seconds / 1e6;
  };
  const outcomes = await sideBySide({
    mp2p: async () => {
      await clear(into);
      const transfer = await mp2pTransfer(source, into, directory);
      transfers.push(transfer);
      return await rate(transfer.seconds);
    },
    sendme: async () => {
      await clear(into);
      return await rate(await sendmeTransfer(source, into, directory));
    },
  });
  const figure = { figure: "large file", unit: "MB/s", ours: outcomes.mp2p };
  const memory = (side: string, pick: (transfer: Transfer) => number): Row => {
    const ours: Outcome =
      "missing" in outcomes.mp2p ? outcomes.mp2p : worst(transfers.map((one) => pick(one) / 1e6));
    return absolute(
      { figure: `large file, peak memory of the ${side}`, unit: "MB", ours },
      { atMost: 200 },
    );
  };
  return [
    absolute(figure, { atLeast: 600 }),
    relative(figure, "sendme", outcomes.sendme, { atLeast: 3 }),
    memory("sender", (transfer) => transfer.senderPeakRssBytes),
    memory("receiver", (transfer) => transfer.receiverPeakRssBytes),
  ];
}
