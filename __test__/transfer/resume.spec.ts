import { spawn } from "node:child_process";
import fs from "node:fs";
import { mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import test from "ava";
import fc from "fast-check";
import type { TransferSummary } from "../../src/transfer/events.ts";
import { type ReceiveOptions, receiveFiles } from "../../src/transfer/receive.ts";
import { type SendOptions, sendFiles } from "../../src/transfer/send.ts";
import type { TransferSession } from "../../src/transfer/session.ts";
import { blake3, listing, type MemoryOptions, memoryPair, noise, scratch } from "./support.ts";

const MIB = 1024 * 1024;
const SOAK = process.env.MP2P_SOAK === "1";

interface Outcome {
  readonly sent: PromiseSettledResult<TransferSummary>;
  readonly received: PromiseSettledResult<TransferSummary>;
  /** Bytes the receiver's and the sender's side hashed. */
  readonly hashed: { receiver: number; sender: number };
}

async function attempt(
  from: string,
  into: string,
  options: { link?: MemoryOptions; send?: SendOptions; receive?: ReceiveOptions } = {},
): Promise<Outcome> {
  const pair = memoryPair(options.link);
  const hashed = { receiver: 0, sender: 0 };
  const counting = (session: TransferSession, side: keyof typeof hashed): TransferSession => ({
    ...session,
    blake3: (data) => {
      if (data.length > 100_000) hashed[side] += data.length;
      return blake3(data);
    },
  });
  const receiving = receiveFiles(counting(pair.receiver, "receiver"), into, options.receive);
  const sending = sendFiles(counting(pair.sender, "sender"), [from], options.send);
  const [sent, received] = await Promise.allSettled([sending.done, receiving.done]);
  return { sent, received, hashed };
}

function value(settled: PromiseSettledResult<TransferSummary>): TransferSummary {
  if (settled.status === "rejected") throw settled.reason;
  return settled.value;
}

function payload(settled: PromiseSettledResult<TransferSummary>): number {
  return value(settled).payloadBytes;
}

async function makeSource(folder: string): Promise<string> {
  const top = join(folder, "top");
  await mkdir(join(top, "many/empty"), { recursive: true });
  await writeFile(join(top, "large"), noise(20 * MIB + 5));
  await writeFile(join(top, "larger"), noise(30 * MIB, 2), { mode: 0o600 });
  for (let number = 0; number < 60; number++) {
    await writeFile(join(top, `many/${number}`), noise(number * 400, number));
  }
  fs.symlinkSync("many/1", join(top, "link"));
  fs.chmodSync(join(top, "many"), 0o755);
  return top;
}

test("a transfer cut anywhere, any number of times, ends with every byte in place", async (t) => {
  const from = await scratch(t);
  const source = await makeSource(from);
  const expected = await listing(from);
  const cuts = fc.array(fc.integer({ min: 0, max: 51 * MIB }), { minLength: 1, maxLength: 3 });
  const journals = await scratch(t);
  await fc.assert(
    fc.asyncProperty(cuts, fc.boolean(), async (afterBytes, keepsJournal) => {
      const into = await scratch(t);
      const send = keepsJournal ? { journal: join(journals, String(afterBytes)) } : {};
      for (const cutAfterBytes of afterBytes) {
        const { sent } = await attempt(source, into, { link: { cutAfterBytes }, send });
        t.true(sent.status === "fulfilled" || sent.reason.code === "MP2P_CLOSED");
      }
      value((await attempt(source, into, { send })).sent);
      t.deepEqual(await listing(into), expected);
      await rm(into, { recursive: true });
    }),
    { numRuns: SOAK ? 100 : 4 },
  );
});

test("after a cut, what was verified is neither sent nor hashed again by either side", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  const journal = await scratch(t);
  await writeFile(join(from, "large"), noise(64 * MIB));
  const path = join(from, "large");
  const send = { journal };
  const first = await attempt(path, into, { link: { cutAfterBytes: 40 * MIB }, send });
  t.is(first.sent.status, "rejected");
  const second = await attempt(path, into, { send });
  const { payloadBytes, resumedBytes } = value(second.sent);
  t.is(payloadBytes + resumedBytes, 64 * MIB);
  t.true(resumedBytes > 30 * MIB, `resumed ${resumedBytes}`);
  t.is(second.hashed.sender, payloadBytes);
  t.is(second.hashed.receiver, payloadBytes);
  t.deepEqual(await listing(into), await listing(from));
  t.deepEqual(await readdir(journal), [], "the sender's journal is gone");
});

test("without a journal the sender reads again only what the receiver claims", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  await writeFile(join(from, "large"), noise(32 * MIB));
  const path = join(from, "large");
  await attempt(path, into, { link: { cutAfterBytes: 20 * MIB } });
  const { sent, hashed } = await attempt(path, into);
  t.true(payload(sent) < 20 * MIB);
  t.is(hashed.sender, 32 * MIB);
  t.is(hashed.receiver, payload(sent));
});

test("a source changed between attempts is sent where it differs", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  const journal = await scratch(t);
  const path = join(from, "large");
  const content = noise(32 * MIB);
  await writeFile(path, content);
  await attempt(path, into, { link: { cutAfterBytes: 24 * MIB }, send: { journal } });
  content[3 * MIB + 17] = (content[3 * MIB + 17] as number) ^ 1;
  await writeFile(path, Buffer.concat([content, noise(5)]));
  await utimes(path, 1_000_000_000, 1_000_000_000);
  const { sent } = await attempt(path, into, { send: { journal } });
  t.true(payload(sent) < 16 * MIB, `sent ${payload(sent)}`);
  t.deepEqual(await listing(into), await listing(from));
});

test("after a reboot claimed units are read, and damaged ones sent again", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  const path = join(from, "large");
  await writeFile(path, noise(32 * MIB));
  await attempt(path, into, { link: { cutAfterBytes: 20 * MIB } });
  const inbox = join(into, ".mp2p", (await readdir(join(into, ".mp2p")))[0] as string);
  const files = await readdir(inbox);
  const units = join(inbox, files.find((name) => name.endsWith(".units")) as string);
  const part = join(inbox, files.find((name) => name.endsWith(".part")) as string);
  await otherBoot(units);
  const fd = fs.openSync(part, "r+");
  fs.writeSync(fd, Buffer.alloc(100), 0, 100, 2 * MIB);
  fs.closeSync(fd);
  const before = fs.readFileSync(units).length;
  const { sent, hashed } = await attempt(path, into);
  t.true(before > 0 && hashed.receiver > payload(sent), "claims were read");
  t.true(payload(sent) < 32 * MIB, "but not all of it was sent");
  t.deepEqual(await listing(into), await listing(from));
});

test("a torn row at the end of a journal costs one unit", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  const path = join(from, "large");
  await writeFile(path, noise(16 * MIB));
  await attempt(path, into, { link: { cutAfterBytes: 10 * MIB } });
  const inbox = join(into, ".mp2p", (await readdir(join(into, ".mp2p")))[0] as string);
  for (const name of await readdir(inbox)) {
    const at = join(inbox, name);
    if (name.endsWith(".units")) fs.truncateSync(at, fs.statSync(at).size - 7);
    if (name === "finished") fs.appendFileSync(at, Buffer.of(0, 200, 1, 2));
  }
  value((await attempt(path, into)).sent);
  t.deepEqual(await listing(into), await listing(from));
});

test("a part file that got its name before its receiver was killed is written to no more", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  const path = join(from, "large");
  await writeFile(path, noise(8 * MIB));
  await attempt(path, into, { link: { cutAfterBytes: 5 * MIB } });
  const inbox = join(into, ".mp2p", (await readdir(join(into, ".mp2p")))[0] as string);
  const part = (await readdir(inbox)).find((name) => name.endsWith(".part")) as string;
  fs.linkSync(join(inbox, part), join(into, "large"));
  const before = fs.readFileSync(join(into, "large"));
  await writeFile(path, noise(8 * MIB, 2));
  value((await attempt(path, into)).sent);
  t.true(fs.readFileSync(join(into, "large")).equals(before));
  t.true(fs.readFileSync(join(into, "large (1)")).equals(noise(8 * MIB, 2)));
});

test("what another sender left unfinished is out of reach", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  const path = join(from, "large");
  await writeFile(path, noise(16 * MIB));
  await attempt(path, into, { link: { cutAfterBytes: 12 * MIB } });
  const pair = memoryPair();
  const stranger = { ...pair.receiver.peer, key: new Uint8Array(32).fill(9) };
  const receiving = receiveFiles({ ...pair.receiver, peer: stranger }, into);
  const sent = await sendFiles(pair.sender, [path]).done;
  await receiving.done;
  t.is(sent.payloadBytes, 16 * MIB);
});

test("a sender that comes back early takes the transfer over from its old session", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  const path = join(from, "large");
  await writeFile(path, noise(64 * MIB));
  const old = memoryPair();
  const oldReceiving = receiveFiles(old.receiver, into);
  const oldSending = sendFiles(old.sender, [path]);
  for await (const event of oldSending) if (event.type === "progress") break;
  const { sent } = await attempt(path, into);
  t.is(value(sent).files, 1);
  await t.throwsAsync(oldReceiving.done, { code: "MP2P_CLOSED", message: /anew/ });
  await t.throwsAsync(oldSending.done, { code: "MP2P_CLOSED" });
  t.deepEqual(await listing(into), await listing(from));
});

for (const side of ["sender", "receiver"] as const) {
  test(`a signal at the ${side} ends both sides in a state that resumes`, async (t) => {
    const from = await scratch(t);
    const into = await scratch(t);
    const path = join(from, "large");
    await writeFile(path, noise(48 * MIB));
    const stop = new AbortController();
    const pair = memoryPair();
    const signal = { signal: stop.signal };
    const receiving = receiveFiles(pair.receiver, into, side === "receiver" ? signal : {});
    const sending = sendFiles(pair.sender, [path], side === "sender" ? signal : {});
    for await (const event of sending) {
      if (event.type === "progress" && event.confirmed > 16 * MIB) break;
    }
    stop.abort(new Error("enough"));
    const own = side === "sender" ? sending.done : receiving.done;
    const other = side === "sender" ? receiving.done : sending.done;
    await t.throwsAsync(own, { message: "enough" });
    await t.throwsAsync(other, { code: "MP2P_CLOSED", message: /cancelled/ });
    const { sent } = await attempt(path, into);
    t.true(payload(sent) <= 32 * MIB);
    t.deepEqual(await listing(into), await listing(from));
  });
}

test("kill -9 of both sides anywhere costs at most a twentieth, and ends with equal content", async (t) => {
  t.timeout(300_000);
  const from = await scratch(t);
  const bytes = (SOAK ? 1024 : 256) * MIB;
  await mkdir(join(from, "top"));
  const chunk = noise(32 * MIB);
  for (let at = 0; at < bytes; at += chunk.length) {
    chunk.writeUInt32LE(at);
    fs.appendFileSync(join(from, "top/large"), chunk);
  }
  fs.writeFileSync(join(from, "top/small"), "small");
  const expected = await listing(from);
  const kills = SOAK ? 20 : 2;
  for (let kill = 0; kill < kills; kill++) {
    const into = await scratch(t);
    const journal = await scratch(t);
    const killAt = bytes * (0.1 + (0.8 * (kill + 0.5)) / kills);
    const firstBytes = await killed(join(from, "top"), into, journal, killAt);
    const { sent, hashed } = await attempt(join(from, "top"), into, { send: { journal } });
    const total = firstBytes + payload(sent);
    t.true(total <= 1.05 * bytes, `killed at ${firstBytes}: ${total} of ${bytes}`);
    t.true(hashed.sender <= payload(sent), "the sender did not hash again");
    t.deepEqual(await listing(into), expected);
    fs.rmSync(into, { recursive: true });
  }
});

/** Runs a transfer until `killAt` bytes were sent, then kill -9. @returns bytes sent at the last report */
async function killed(
  from: string,
  into: string,
  journal: string,
  killAt: number,
): Promise<number> {
  const child = fileURLToPath(new URL("crash-child.js", import.meta.url));
  const process_ = spawn(process.execPath, [child, from, into, journal], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let sent = 0;
  for await (const line of createInterface({ input: process_.stdout })) {
    sent = Number(line.split(" ")[0]);
    if (sent >= killAt) process_.kill("SIGKILL");
  }
  return sent;
}

/** Changes the boot id of a journal of units, and the header's checksum with it. */
async function otherBoot(path: string): Promise<void> {
  const { crc32c } = await import("../../src/base/crc32c.ts");
  const bytes = fs.readFileSync(path);
  bytes[8] = (bytes[8] as number) ^ 1;
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 64)), 64);
  fs.writeFileSync(path, bytes);
}
