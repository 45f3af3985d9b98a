/** How fast does the command line move one large file, and with how much memory? */
import { join } from "node:path";

import { NotMeasured } from "./child.ts";
import { absolute, type Row, relative } from "./row.ts";
import { type Outcome, sideBySide, worst } from "./samples.ts";
import { FILE_BYTES } from "./sizes.ts";
import type { Subject } from "./subject.ts";
import { mp2pTransfer, sendmeTransfer, type Transfer } from "./transfer-cli.ts";
import {
  clear,
  copySeconds,
  inMemoryAndOnDisk,
  makeFile,
  sameContent,
  warmMemory,
} from "./work-directory.ts";

const NAME = "file.bin";

export const file: Subject = {
  name: "file",
  question: `One file of ${FILE_BYTES / 1e6} MB by the command line, source in page cache, verified; \`cp\` says what the place can do`,
  run: () => inMemoryAndOnDisk((directory, where) => new FileBench(directory, where).rows()),
};

class FileBench {
  readonly #directory: string;
  readonly #source: string;
  readonly #into: string;
  readonly #where: string;
  readonly #transfers: Transfer[] = [];

  constructor(directory: string, where: string) {
    this.#directory = directory;
    this.#source = join(directory, NAME);
    this.#into = join(directory, "received");
    this.#where = where;
  }

  async rows(): Promise<Row[]> {
    await makeFile(this.#source, FILE_BYTES);
    const outcomes = await sideBySide({
      mp2p: () => this.#rate(() => this.#mp2p()),
      cp: () => this.#rate(() => copySeconds(this.#source, this.#into)),
      sendme: () => this.#rate(() => this.#sendme()),
    });
    const { mp2p, cp, sendme } = outcomes;
    const note = `cp: ${"missing" in cp ? cp.missing : `${cp.value.toFixed(0)} MB/s`}`;
    const figure = { figure: `large file${this.#where}`, unit: "MB/s", ours: mp2p, note };
    return [
      absolute(figure, { atLeast: 600 }),
      relative(figure, "sendme", sendme, { atLeast: 3 }),
      this.#memory("sender", mp2p, ({ senderPeakRssBytes }) => senderPeakRssBytes),
      this.#memory("receiver", mp2p, ({ receiverPeakRssBytes }) => receiverPeakRssBytes),
    ];
  }

  #memory(side: string, mp2p: Outcome, pick: (transfer: Transfer) => number): Row {
    const values = this.#transfers.map((transfer) => pick(transfer) / 1e6);
    const ours = "missing" in mp2p ? mp2p : worst(values);
    const figure = `large file${this.#where}, peak memory of the ${side}`;
    return absolute({ figure, unit: "MB", ours }, { atMost: 200 });
  }

  /** Makes room, and checks every byte outside the time. */
  async #rate(move: () => Promise<number>): Promise<number> {
    await clear(this.#into);
    warmMemory(1.5 * FILE_BYTES);
    const seconds = await move();
    if (!(await sameContent(this.#source, join(this.#into, NAME))))
      throw new NotMeasured("the received file differs");
    return FILE_BYTES / seconds / 1e6;
  }

  async #mp2p(): Promise<number> {
    const transfer = await mp2pTransfer(this.#source, this.#into, this.#directory);
    this.#transfers.push(transfer);
    return transfer.seconds;
  }

  #sendme(): Promise<number> {
    return sendmeTransfer(this.#source, this.#into, this.#directory);
  }
}
