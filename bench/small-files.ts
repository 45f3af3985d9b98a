/** How long does a folder of many small files take by the command line? */
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { NotMeasured } from "./child.ts";
import { absolute, type Row } from "./row.ts";
import { type Outcome, sideBySide } from "./samples.ts";
import { SMALL_FILES } from "./sizes.ts";
import type { Subject } from "./subject.ts";
import { mp2pTransfer, sendmeTransfer } from "./transfer-cli.ts";
import {
  clear,
  copySeconds,
  inMemoryAndOnDisk,
  makeSmallFiles,
  sameContent,
} from "./work-directory.ts";

const NAME = "folder";

export const smallFiles: Subject = {
  name: "small-files",
  question: `A folder of ${SMALL_FILES} files of 1 kB by the command line, verified; \`cp -r\` says what the place can do`,
  run: () => inMemoryAndOnDisk(measure),
};

async function measure(directory: string, where: string): Promise<Row[]> {
  const source = join(directory, NAME);
  await makeSmallFiles(source, SMALL_FILES);
  let rounds = 0;
  // Nothing is deleted between rounds: ext4 hands out freed inodes slowly for minutes.
  const round = async (transfer: (into: string) => Promise<number>): Promise<number> => {
    const into = join(directory, `received-${++rounds}`);
    await clear(into);
    const seconds = await transfer(into);
    await checkSame(source, join(into, NAME));
    return seconds;
  };
  const outcomes = await sideBySide({
    mp2p: () => round(async (into) => (await mp2pTransfer(source, into, directory)).seconds),
    cp: () => round((into) => copySeconds(source, into)),
    sendme: () => round((into) => sendmeTransfer(source, into, directory)),
  });
  const { mp2p, cp, sendme } = outcomes;
  const figure = `small files${where}`;
  const note = `sendme: ${secondsOf(sendme)}, cp -r: ${secondsOf(cp)}`;
  return [absolute({ figure, unit: "s", ours: mp2p, note }, { atMost: 1.5 })];
}

function secondsOf(outcome: Outcome): string {
  return "missing" in outcome ? outcome.missing : `${outcome.value.toFixed(2)} s`;
}

async function checkSame(source: string, received: string): Promise<void> {
  const names = await fileNames(source);
  const arrived = await fileNames(received);
  if (arrived.length !== names.length) {
    throw new NotMeasured(`${arrived.length} of ${names.length} files arrived`);
  }
  for (const name of names) {
    if (!(await sameContent(join(source, name), join(received, name))))
      throw new NotMeasured(`${name} differs`);
  }
}

async function fileNames(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}
