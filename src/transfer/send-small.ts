/** A file of at most one unit: read in one go, sent as one record. */
import { HEADROOM_BYTES } from "./buffer-pool.ts";
import { fileRoot } from "./hashes.ts";
import { FILE_HEAD_BYTES, putContentHead, RECORD_HEADER_BYTES } from "./records.ts";
import type { Sender } from "./sender.ts";
import { SourceFile } from "./source-file.ts";
import type { SourceEntry } from "./source-tree.ts";

/** Files up to this size are copied into a block with others. */
const COPIED_BYTES = 64 * 1024;

const NO_HASH = new Uint8Array(32);

export async function sendSmallFile(
  sender: Sender,
  number: number,
  entry: SourceEntry,
): Promise<void> {
  if (entry.size > COPIED_BYTES) {
    await sendAlone(sender, number, entry);
    return;
  }
  const content = Buffer.allocUnsafe(entry.size);
  await readWhole(entry, content);
  const hash = hashOf(sender, number, content);
  const head = new Uint8Array(RECORD_HEADER_BYTES + FILE_HEAD_BYTES);
  putContentHead(head, { entry: number, hash }, content.length);
  sender.channel.put(head, content);
  sender.tally.moved(content.length);
}

async function sendAlone(sender: Sender, number: number, entry: SourceEntry): Promise<void> {
  const buffer = await sender.buffer();
  try {
    const content = buffer.subarray(HEADROOM_BYTES, HEADROOM_BYTES + entry.size);
    await readWhole(entry, content);
    const hash = hashOf(sender, number, content);
    const headBytes = RECORD_HEADER_BYTES + FILE_HEAD_BYTES;
    const bytes = buffer.subarray(HEADROOM_BYTES - headBytes, HEADROOM_BYTES + entry.size);
    putContentHead(bytes, { entry: number, hash }, entry.size);
    await sender.send(buffer, bytes);
    sender.tally.moved(entry.size);
  } catch (error) {
    sender.giveBack(buffer);
    throw error;
  }
}

async function readWhole(entry: SourceEntry, into: Uint8Array): Promise<void> {
  const file = await SourceFile.open(entry);
  try {
    if (into.length > 0) await file.read(into, 0);
    await file.check();
  } finally {
    await file.close();
  }
}

function hashOf(sender: Sender, number: number, content: Uint8Array): Uint8Array {
  const empty = content.length === 0;
  const hash = empty ? NO_HASH : sender.blake3(content);
  sender.sentRoot(number, fileRoot(sender.blake3, content.length, empty ? content : hash));
  return hash;
}
