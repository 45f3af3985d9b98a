/** What becomes of a transfer whose process may have few files open. */
import fs from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { receiveFiles } from "../../src/transfer/receive.ts";
import { sendFiles } from "../../src/transfer/send.ts";
import { errno } from "./failing-calls.ts";
import { listing, memoryPair, patch, scratch } from "./support.ts";

const FOLDERS = 60;

for (const code of ["EMFILE", "ENFILE"]) {
  test.serial(`folders are received where fewer files may be open (${code})`, async (t) => {
    const [from, into] = [await scratch(t), await scratch(t)];
    for (let number = 0; number < FOLDERS; number++) {
      await mkdir(join(from, `top/${number}`), { recursive: true });
      await writeFile(join(from, `top/${number}/file`), `${number}`);
    }
    const { openSync, closeSync } = fs;
    const open = new Set<number>();
    let refused = 0;
    const limited = (...args: Parameters<typeof openSync>) => {
      if (open.size >= FOLDERS && ++refused) throw errno(code);
      const fd = openSync(...args);
      open.add(fd);
      return fd;
    };
    const now =
      (call: (...args: never[]) => unknown) =>
      (...args: unknown[]) => {
        const done = args.pop() as (error: unknown, result?: unknown) => void;
        try {
          setImmediate(done, null, Reflect.apply(call, fs, args));
        } catch (error) {
          setImmediate(done, error);
        }
      };
    const closing = (fd: number) => {
      open.delete(fd);
      closeSync(fd);
    };
    patch(t, { openSync: limited, open: now(limited), closeSync: closing, close: now(closing) });
    const { sender, receiver } = memoryPair();
    const receiving = receiveFiles(receiver, into).done;
    const sent = await sendFiles(sender, [join(from, "top")]).done;
    t.deepEqual([sent.failed, (await receiving).failed], [[], []]);
    t.true(refused > 0);
    t.deepEqual(await listing(into), await listing(from));
  });
}
