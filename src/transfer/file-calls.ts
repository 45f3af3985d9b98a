/**
 * The file system calls of a transfer as promises on plain descriptors, which cost less than
 * `FileHandle`. Calls go through `fs.` so that a test can make them fail.
 */
import fs from "node:fs";
import { whenAllowed } from "./open-limit.ts";
import { quickCall, threaded } from "./quick-call.ts";

/** Longer reads and writes go to a thread whatever they take. */
const QUICK_BYTES = 256 * 1024;

export function openFile(path: string, flags: number, mode = 0o600): Promise<number> {
  return whenAllowed(() =>
    quickCall(
      () => fs.openSync(path, flags, mode),
      (done) => fs.open(path, flags, mode, done),
    ),
  );
}

export function closeFile(fd: number): Promise<void> {
  return quickCall(
    () => fs.closeSync(fd),
    (done) => fs.close(fd, plain(done)),
  );
}

/** Of what was only read: nothing is lost by it. */
export function closeRead(fd: number): Promise<void> {
  return closeFile(fd).catch(() => undefined);
}

export function statFile(fd: number): Promise<fs.BigIntStats> {
  return quickCall(
    () => fs.fstatSync(fd, { bigint: true }),
    (done) => fs.fstat(fd, { bigint: true }, done),
  );
}

/** @returns undefined where nothing has that name. */
export async function statIfThere(path: string): Promise<fs.BigIntStats | undefined> {
  try {
    return await quickCall<fs.BigIntStats | undefined>(
      () => fs.lstatSync(path, { bigint: true, throwIfNoEntry: false }),
      (done) => fs.lstat(path, { bigint: true }, done),
    );
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether something has that name; a link counts, whatever it points to. */
export async function isThere(path: string): Promise<boolean> {
  return (await statIfThere(path)) !== undefined;
}

/** Rejects with the system's error where this process may not read the file. */
export function checkReadable(path: string): Promise<void> {
  return quickCall(
    () => fs.accessSync(path, fs.constants.R_OK),
    (done) => fs.access(path, fs.constants.R_OK, plain(done)),
  );
}

/** @returns bytes read; fewer than asked only at the end of the file. */
export async function readAt(fd: number, into: Uint8Array, position: number): Promise<number> {
  let at = 0;
  while (at < into.length) {
    const from = at;
    const length = into.length - at;
    const later = (done: (error: NodeJS.ErrnoException | null, bytes: number) => void) =>
      fs.read(fd, into, from, length, position + from, done);
    const read = await (length > QUICK_BYTES
      ? threaded(later)
      : quickCall(() => fs.readSync(fd, into, from, length, position + from), later, length)
    ).catch(unlessInterrupted);
    if (read === undefined) continue;
    if (read === 0) break;
    at += read;
  }
  return at;
}

/** libuv makes other calls again by itself (uv__fs_work in its unix/fs.c). */
function unlessInterrupted(error: unknown): undefined {
  if (errnoOf(error) !== "EINTR") throw error;
}

/** @param position - null appends */
export async function writeAt(
  fd: number,
  bytes: Uint8Array,
  position: number | null,
): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const from = at;
    const where = position === null ? null : position + at;
    const length = bytes.length - at;
    const later = (done: (error: NodeJS.ErrnoException | null, written: number) => void) =>
      fs.write(fd, bytes, from, length, where, done);
    at += await (length > QUICK_BYTES
      ? threaded(later)
      : quickCall(() => fs.writeSync(fd, bytes, from, length, where), later, length));
  }
}

/** Node takes seconds as a double: microseconds survive, nanoseconds do not. */
export function setTimes(fd: number, mtimeNs: bigint): Promise<void> {
  const seconds = secondsOf(mtimeNs);
  return quickCall(
    () => fs.futimesSync(fd, seconds, seconds),
    (done) => fs.futimes(fd, seconds, seconds, plain(done)),
  );
}

export function setLinkTimes(path: string, mtimeNs: bigint): Promise<void> {
  const seconds = secondsOf(mtimeNs);
  return quickCall(
    () => fs.lutimesSync(path, seconds, seconds),
    (done) => fs.lutimes(path, seconds, seconds, plain(done)),
  );
}

/** A quarter microsecond more, as libuv cuts what the double cannot express. */
function secondsOf(ns: bigint): number {
  return (Number(ns / 1000n) + 0.25) / 1e6;
}

/** Equality as far as `setTimes` and coarse file systems can express it. */
export function sameTime(left: bigint, right: bigint): boolean {
  const difference = left > right ? left - right : right - left;
  return difference < 2000n;
}

export function setMode(fd: number, mode: number): Promise<void> {
  return quickCall(
    () => fs.fchmodSync(fd, mode),
    (done) => fs.fchmod(fd, mode, plain(done)),
  );
}

export function sync(fd: number): Promise<void> {
  return threaded((done) => fs.fsync(fd, plain(done)));
}

export function truncate(fd: number, size: number): Promise<void> {
  return quickCall(
    () => fs.ftruncateSync(fd, size),
    (done) => fs.ftruncate(fd, size, plain(done)),
  );
}

export function linkFile(from: string, to: string): Promise<void> {
  return quickCall(
    () => fs.linkSync(from, to),
    (done) => fs.link(from, to, plain(done)),
  );
}

export function renameFile(from: string, to: string): Promise<void> {
  return quickCall(
    () => fs.renameSync(from, to),
    (done) => fs.rename(from, to, plain(done)),
  );
}

export function removeFile(path: string): Promise<void> {
  return quickCall(
    () => fs.unlinkSync(path),
    (done) => fs.unlink(path, plain(done)),
  );
}

/** A file that is not there is as good as removed. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await removeFile(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}

export function makeFolder(path: string, mode: number): Promise<void> {
  return quickCall(
    () => fs.mkdirSync(path, mode) as undefined,
    (done) => fs.mkdir(path, mode, plain(done)),
  );
}

export function removeFolder(path: string): Promise<void> {
  return quickCall(
    () => fs.rmdirSync(path),
    (done) => fs.rmdir(path, plain(done)),
  );
}

export function makeLink(target: string, path: string): Promise<void> {
  return quickCall(
    () => fs.symlinkSync(target, path),
    (done) => fs.symlink(target, path, plain(done)),
  );
}

export function readLink(path: string): Promise<string> {
  return quickCall(
    () => fs.readlinkSync(path),
    (done) => fs.readlink(path, done),
  );
}

export function namesIn(path: string): Promise<string[]> {
  return whenAllowed(() => threaded((done) => fs.readdir(path, done)));
}

/** @returns the errno name, `"ENOENT"`, or undefined for another kind of error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function plain(
  done: (error: NodeJS.ErrnoException | null, value: undefined) => void,
): fs.NoParamCallback {
  return (error) => done(error, undefined);
}
