/**
 * What a cast of files tells its receivers: the offer of a transfer, as bytes (HELLO, ENTRYs, OFFERED:
 * docs/PROTOCOL.md, "Casts of files"). The content of the cast is the files' content, one after the
 * other in the order offered.
 */
import { concatAll, viewOf } from "../base/bytes.ts";
import { Mp2pError } from "../base/errors.ts";
import type { NameRules } from "./names.ts";
import { OfferBook } from "./offer-book.ts";
import * as records from "./records.ts";
import { type Entry, RECORD, RECORD_HEADER_BYTES } from "./records.ts";

/** As the contract of a cast says. */
const MANIFEST_BYTES_MAX: number = 64 * 1024 * 1024;
/** As in a transfer: an offer of a million entries takes about half a gigabyte of memory to look at. */
export const ENTRIES_MAX = 1_000_000;

export interface CastManifest {
  /** 16 bytes: the same when the same is cast again. */
  readonly id: Uint8Array;
  readonly book: OfferBook;
}

/** @throws {Mp2pError} `MP2P_LIMIT` where it is more than a cast can announce */
export function writeManifest(id: Uint8Array, entries: readonly Entry[]): Uint8Array {
  let bytes = 0;
  const parts = [records.helloRecord(id)];
  for (const entry of entries) {
    bytes += entry.size;
    parts.push(records.entryRecord(entry));
  }
  parts.push(records.offeredRecord(entries.length, bytes));
  const manifest = concatAll(parts);
  if (manifest.length > MANIFEST_BYTES_MAX || entries.length > ENTRIES_MAX) {
    const message = `${entries.length} files and folders are more than one cast can announce`;
    throw new Mp2pError("MP2P_LIMIT", message, { hint: "Pack them with tar, or cast in parts." });
  }
  return manifest;
}

/**
 * Reads what a sender says; names that may not be used here are in `book.refused`.
 *
 * @throws {Mp2pError} `MP2P_PROTOCOL` for anything but one whole offer, `MP2P_VERSION`, `MP2P_LIMIT`
 */
export function readManifest(manifest: Uint8Array, rules: NameRules): CastManifest {
  const book = new OfferBook(rules);
  let id: Uint8Array | undefined;
  let isWhole = false;
  for (const [type, body] of recordsOf(manifest)) {
    if (isWhole) throw malformed("goes on after its end");
    if (id === undefined) id = idOf(type, body);
    else if (type === RECORD.entry) addEntry(book, body);
    else isWhole = isEnd(type, body, book);
  }
  if (id === undefined || !isWhole) throw malformed("has no end");
  return { id, book };
}

function* recordsOf(
  manifest: Uint8Array,
): Generator<readonly [number, Uint8Array], void, undefined> {
  const view = viewOf(manifest);
  let at = 0;
  while (at < manifest.length) {
    const bodyAt = at + RECORD_HEADER_BYTES;
    if (bodyAt > manifest.length) throw malformed("ends in the middle of a record");
    const end = bodyAt + view.getUint32(at + 1);
    if (end > manifest.length) throw malformed("ends in the middle of a record");
    yield [manifest[at] as number, manifest.subarray(bodyAt, end)];
    at = end;
  }
}

function idOf(type: number, body: Uint8Array): Uint8Array {
  const hello = type === RECORD.hello ? records.readHello(body) : undefined;
  if (hello === undefined) throw malformed("does not begin as one");
  if (hello.version === records.VERSION) return hello.transferId;
  const message = `the sender speaks version ${hello.version} of transfer, this is version ${records.VERSION}`;
  throw new Mp2pError("MP2P_VERSION", message);
}

function addEntry(book: OfferBook, body: Uint8Array): void {
  const entry = records.readEntry(body);
  if (entry === undefined) throw malformed("has an entry that cannot be");
  book.add(entry);
  if (book.entries.length + book.implied > ENTRIES_MAX || !Number.isSafeInteger(book.bytes)) {
    throw new Mp2pError(
      "MP2P_LIMIT",
      `the cast has more than ${ENTRIES_MAX} entries or 2^53 bytes`,
    );
  }
}

function isEnd(type: number, body: Uint8Array, book: OfferBook): boolean {
  const offered = type === RECORD.offered ? records.readOffered(body) : undefined;
  if (offered?.entries === book.entries.length && offered.bytes === book.bytes) return true;
  throw malformed("does not add up");
}

function malformed(why: string): Mp2pError {
  return new Mp2pError("MP2P_PROTOCOL", `the list of what is cast ${why}`);
}
