/** One transfer by the command line, ours and sendme's, timed from the start of the second command to its end. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Child, NotMeasured } from "./child.ts";
import { watchPeakRss } from "./proc.ts";

const CLI = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const SENDME = fileURLToPath(new URL("../../bench/.tools/bin/sendme", import.meta.url));
const TIMEOUT_MS = 180_000;

export interface Transfer {
  readonly seconds: number;
  readonly senderPeakRssBytes: number;
  readonly receiverPeakRssBytes: number;
}

/** `mp2p listen` waits; the time is that of `mp2p send`: start of Node, handshake, hashing, writing, verifying. */
export async function mp2pTransfer(source: string, into: string, home: string): Promise<Transfer> {
  const run = (who: string, args: readonly string[]): Child =>
    new Child(process.execPath, [CLI, ...args, "--json"], { env: { MP2P_HOME: join(home, who) } });
  const receiver = run("receiver", [
    "listen",
    "--into",
    into,
    "--accept",
    "all",
    "--once",
    "--bind",
    "127.0.0.1:0",
  ]);
  let sender: Child | undefined;
  try {
    const { ticket } = await receiver.next("ready");
    const receiverRss = watchPeakRss(receiver.pid);
    const started = performance.now();
    sender = run("sender", ["send", source, "--to", String(ticket)]);
    const senderRss = watchPeakRss(sender.pid);
    await sender.next("done", TIMEOUT_MS);
    await sender.end();
    const seconds = (performance.now() - started) / 1000;
    await receiver.next("done");
    await receiver.end();
    return {
      seconds,
      senderPeakRssBytes: senderRss.stop(),
      receiverPeakRssBytes: receiverRss.stop(),
    };
  } finally {
    await Promise.all([sender?.stop(), receiver.stop()]);
  }
}

/**
 * `sendme send` has hashed its source before it prints a ticket; only `sendme receive` is timed, so
 * that work is a present to it. It needs a terminal, which `script` gives it.
 */
export async function sendmeTransfer(source: string, into: string, home: string): Promise<number> {
  if (!existsSync(SENDME)) throw new NotMeasured("sendme is not built (npm run bench:setup)");
  const options = ["--relay", "disabled", "--no-progress", "--magic-ipv4-addr", "127.0.0.1:0"];
  const send = [SENDME, "send", ...options, "--ticket-type", "addresses", source].join(" ");
  const sender = new Child("script", ["-qfec", send, "/dev/null"], { cwd: home });
  let receiver: Child | undefined;
  try {
    const ticket = await sendmeTicket(sender);
    const started = performance.now();
    receiver = new Child(SENDME, ["receive", ...options, ticket], { cwd: into });
    await receiver.end(TIMEOUT_MS);
    return (performance.now() - started) / 1000;
  } finally {
    await Promise.all([receiver?.stop(), sender.stop()]);
  }
}

async function sendmeTicket(sender: Child): Promise<string> {
  for (;;) {
    const { text } = await sender.next("line", TIMEOUT_MS);
    const ticket = /sendme receive (blob\w+)/.exec(String(text))?.[1];
    if (ticket !== undefined) return ticket;
  }
}
