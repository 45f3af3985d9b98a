/** kill -9 of either side of a transfer between two real processes; the next attempt resumes. */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import test, { type ExecutionContext } from "ava";
import { Command, temporaryFolder } from "./command.ts";

const IS_SOAK = process.env.MP2P_SOAK === "1";
/** What is on its way at the kill, 20 MB where disk and processors are busy, is to be within a twentieth. */
const MEGABYTES = IS_SOAK ? 1000 : 480;
const ROUNDS = IS_SOAK ? 10 : 1;
const BYTES = MEGABYTES * 1e6;
/** Of the UDP payload of a full packet, what is not file content: 1,430 of 1,472 bytes are. */
const CONTENT_SHARE = 1430 / 1472;
const BUDGET = 1.05 * BYTES;
const LOOPBACK = ["--bind", "127.0.0.1:0"];

interface Place {
  readonly root: string;
  readonly file: string;
  readonly into: string;
}

function prepare(t: ExecutionContext): Place {
  const root = temporaryFolder(t);
  const file = join(root, "file");
  const descriptor = openSync(file, "w");
  for (let at = 0; at < MEGABYTES; at++) writeSync(descriptor, randomBytes(1e6));
  return { root, file, into: join(root, "in") };
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** 10 to 90 %, another one each round. */
function momentOf(round: number): number {
  return BYTES * (0.1 + 0.8 * ((round * 0.382 + 0.2) % 1));
}

async function doneOf(command: Command) {
  const done = await command.event("done");
  if (!("payloadBytes" in done)) throw new Error("not the end of a transfer");
  return done;
}

async function killReceiver(t: ExecutionContext, { root, file, into }: Place, round: number) {
  const alice = new Command(t, join(root, "alice"), ["send", file, "--json", ...LOOPBACK]);
  const { ticket } = await alice.event("ready");
  const receive = ["receive", ticket, "-o", into, "--yes", "--json"];
  const first = new Command(t, join(root, "bob"), receive);
  await first.event("progress", ({ confirmed }) => confirmed >= momentOf(round));
  first.child.kill("SIGKILL");
  t.is((await first.ended).code, null);
  const second = new Command(t, join(root, "bob"), receive);
  const [sent, received] = await Promise.all([alice.ended, second.ended]);
  t.deepEqual([sent.code, received.code], [0, 0], sent.stdout + received.stdout);
  const { wireBytes } = await doneOf(alice);
  t.true(wireBytes * CONTENT_SHARE <= BUDGET, `${wireBytes} B on the wire for ${BYTES} B`);
}

async function killSender(t: ExecutionContext, { root, file, into }: Place, round: number) {
  const listen = ["listen", "--into", into, "--accept", "all", "--json", ...LOOPBACK];
  const bob = new Command(t, join(root, "bob"), listen);
  const { ticket } = await bob.event("ready");
  const send = ["send", file, "--to", ticket, "--json"];
  const first = new Command(t, join(root, "alice"), send);
  await bob.event("progress", ({ confirmed }) => confirmed >= momentOf(round));
  first.child.kill("SIGKILL");
  t.is((await first.ended).code, null);
  const second = new Command(t, join(root, "alice"), send);
  const sent = await second.ended;
  t.is(sent.code, 0, sent.stdout);
  const { payloadBytes, resumedBytes } = await doneOf(second);
  t.is(payloadBytes + resumedBytes, BYTES);
  t.true(resumedBytes >= momentOf(round) - 0.05 * BYTES, String(resumedBytes));
  bob.child.kill("SIGTERM");
  t.is((await bob.ended).code, 143);
}

for (const [who, kill] of Object.entries({ receiver: killReceiver, sender: killSender })) {
  test.serial(`kill -9 of the ${who} costs little: the next attempt resumes`, async (t) => {
    t.timeout(ROUNDS * 120_000);
    const place = prepare(t);
    const expected = await sha256(place.file);
    for (let round = 0; round < ROUNDS; round++) {
      rmSync(place.into, { recursive: true, force: true });
      mkdirSync(place.into);
      await kill(t, place, round);
      t.is(await sha256(join(place.into, "file")), expected, `round ${round}`);
    }
  });
}
