/** What a second run of the same transfer makes good, after calls of the file system that failed for a moment. */
import fs from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { receiveFiles } from "../../src/transfer/receive.ts";
import { sendFiles } from "../../src/transfer/send.ts";
import { before } from "./failing-calls.ts";
import { listing, memoryPair, noise, scratch } from "./support.ts";

const BIG = 3 * 1024 * 1024;

async function folders(t: ExecutionContext) {
  const [from, into] = [await scratch(t), await scratch(t)];
  const top = join(from, "top");
  await mkdir(join(top, "sub"), { recursive: true });
  await writeFile(join(top, "sub/small"), "small");
  await writeFile(join(top, "sub/big"), noise(BIG));
  await symlink("small", join(top, "sub/link"));
  fs.lutimesSync(join(top, "sub/link"), 1e6, 1e6);
  fs.chmodSync(join(top, "sub"), 0o711);
  for (const folder of [join(top, "sub"), top]) fs.utimesSync(folder, 2e6, 2e6);
  return { from, top, into };
}

async function transfer(top: string, into: string) {
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into).done;
  const [sent, received] = await Promise.all([sendFiles(sender, [top]).done, receiving]);
  return { sent, received };
}

/** True the first time `when` is. */
function once(when: (path: string, to: string) => boolean) {
  let isOver = false;
  return (path: string, to: string) => {
    if (isOver || !when(path, to)) return false;
    isOver = true;
    return true;
  };
}

const FAULTS = {
  "a folder that could not be made": ["mkdir", (path: string) => path.endsWith("/top"), "top"],
  "a folder that was made and could not be opened": [
    "open",
    (path: string) => path.endsWith("/sub") && fs.existsSync(path),
    "top/sub",
  ],
  "the folder of a file that could not be placed": [
    "link",
    (_from: string, to: string) => to.endsWith("/small"),
    "top/sub/small",
  ],
  "a link whose time could not be set": ["lutimes", () => true, "top/sub/link"],
} as const;

for (const [what, [call, when, name]] of Object.entries(FAULTS)) {
  test.serial(`${what} has its mode and time after a second run`, async (t) => {
    const { from, top, into } = await folders(t);
    const ours = (path: string) => path.startsWith("/proc") || path.startsWith(into);
    before(
      t,
      call,
      "EIO",
      once((path, to) => ours(path) && when(path, to)),
    );
    const { sent, received } = await transfer(top, into);
    t.like(received.failed, [{ name, code: "MP2P_TARGET" }]);
    t.deepEqual(sent.failed, received.failed);
    const again = await transfer(top, into);
    t.false(again.sent.partial);
    t.deepEqual(await listing(into), await listing(from));
    t.is(fs.lstatSync(join(into, "top/sub/link")).mtimeMs, 1e9);
  });
}

for (const code of ["EIO", "EACCES", "EMFILE", "EXDEV"]) {
  test.serial(
    `a large file that could not be put in place (${code}) is not sent again`,
    async (t) => {
      const { from, top, into } = await folders(t);
      let isOver = false;
      const fails = (_from: string, to: string) => !isOver && to.endsWith("/big");
      before(t, "link", code, fails);
      before(t, "rename", code, fails);
      const { sent, received } = await transfer(top, into);
      t.deepEqual(
        received.failed.map((failure) => failure.name),
        ["top/sub/big"],
      );
      t.regex(received.failed[0]?.why ?? "", new RegExp(`cannot write top/sub/big: ${code}`));
      t.deepEqual(sent.failed, received.failed);
      isOver = true;
      t.like(await transfer(top, into), { sent: { partial: false, payloadBytes: 0 } });
      t.deepEqual(await listing(into), await listing(from));
    },
  );
}

test.serial("what was put under another name is neither sent nor renamed again", async (t) => {
  const { top, into } = await folders(t);
  await mkdir(join(into, "top/sub"), { recursive: true });
  await writeFile(join(into, "top/sub/big"), "mine");
  await symlink("mine", join(into, "top/sub/link"));
  let failing = 2;
  before(t, "link", "EIO", (_from, to) => to.endsWith("/small") && failing-- > 0);
  for (const name of ["first", "second"]) {
    t.like((await transfer(top, into)).received.failed, [{ name: "top/sub/small" }], name);
  }
  t.like(await transfer(top, into), { sent: { partial: false, payloadBytes: 5 } });
  const names = ["big", "big (1)", "link", "link (1)", "small"];
  t.deepEqual(fs.readdirSync(join(into, "top/sub")).sort(), names);
});
