/**
 * Receiver of a cast in a process that is meant to be killed. Prints bytes that were written; where a
 * number is given, it kills itself once it has put so many files in place.
 */
import fs from "node:fs";
import { castFiles } from "../../src/transfer/cast-files.ts";
import { receiveCast } from "../../src/transfer/receive-cast.ts";
import { memoryCast } from "./memory-cast.ts";

const [from, into, files] = process.argv.slice(2) as [string, string, string?];
if (files !== undefined) killAfter(Number(files));
const { sender, receiver } = memoryCast({ blockBytes: 181_248 });
const { ticket } = await castFiles(sender, [from]);
for await (const event of receiveCast(receiver, ticket, into)) {
  if (event.type === "progress") process.stdout.write(`${event.confirmed}\n`);
}

function killAfter(files: number): void {
  let left = files;
  const { link, linkSync } = fs;
  const count = (): void => {
    if (left-- === 0) process.kill(process.pid, "SIGKILL");
  };
  fs.linkSync = (...call: Parameters<typeof linkSync>) => {
    count();
    linkSync(...call);
  };
  fs.link = ((...call: Parameters<typeof link>) => {
    count();
    link(...call);
  }) as typeof link;
}
