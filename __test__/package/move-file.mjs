/** Runs in a folder where mp2p is installed: moves a file between two endpoints, says on what. */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { Endpoint, Identity, receiveFiles, sendFiles } from "mp2p";

const folder = await mkdtemp(join(process.cwd(), "move-"));
const content = randomBytes(20_000_000);
await writeFile(join(folder, "source.bin"), content);

const [alice, bob] = await Promise.all(
  [1, 2].map(async () =>
    Endpoint.open({ identity: await Identity.generate(), bind: ["127.0.0.1:0"] }),
  ),
);
const incoming = bob.sessions()[Symbol.asyncIterator]();
const outgoing = await alice.connect(bob.ticket());
const { value: session } = await incoming.next();
const received = receiveFiles(session, join(folder, "inbox"));
const sent = sendFiles(outgoing, [join(folder, "source.bin")]);
await Promise.all([sent.done, received.done]);

const equal = content.equals(await readFile(join(folder, "inbox", "source.bin")));
const { backend } = outgoing.stats();
await Promise.all([alice.close(), bob.close()]);
console.log(JSON.stringify({ backend, equal, note: alice.backend.note }));
