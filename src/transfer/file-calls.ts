/**
 * The file system calls of a transfer as promises on plain descriptors. Cheaper than `FileHandle`,
 * which counts when 10,000 files of 1 kB go by. Calls go through `fs.` so that a test can fail them.
 */
import fs from "node:fs";

type Done<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

function call<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value)));
  });
}

function act(start: (done: fs.NoParamCallback) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}

export function openFile(path: string, flags: number, mode = 0o600): Promise<number> {
  return call((done) => fs.open(path, flags, mode, done));
}

export function closeFile(fd: number): Promise<void> {
  return act((done) => fs.close(fd, done));
}

export function statFile(fd: number): Promise<fs.BigIntStats> {
  return call((done) => fs.fstat(fd, { bigint: true }, done));
}

export function statLink(path: string): Promise<fs.BigIntStats> {
  return call((done) => fs.lstat(path, { bigint: true }, done));
}

/** @returns undefined where nothing has that name. */
export async function statIfThere(path: string): Promise<fs.BigIntStats | undefined> {
  try {
    return await statLink(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** @returns bytes read; fewer than asked only at the end of the file. */
export async function readAt(fd: number, into: Uint8Array, position: number): Promise<number> {
  let at = 0;
  while (at < into.length) {
    const length = into.length - at;
    const read = await call<number>((done) =>
      fs.read(fd, into, at, length, position + at, (error, bytes) => done(error, bytes)),
    );
    if (read === 0) break;
    at += read;
  }
  return at;
}

/** @param position - null appends */
export async function writeAt(
  fd: number,
  bytes: Uint8Array,
  position: number | null,
): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const where = position === null ? null : position + at;
    const from = at;
    at += await call<number>((done) =>
      fs.write(fd, bytes, from, bytes.length - from, where, (error, written) =>
        done(error, written),
      ),
    );
  }
}

/** Node takes seconds as a double: microseconds survive, nanoseconds do not. */
export function setTimes(fd: number, mtimeNs: bigint): Promise<void> {
  const seconds = secondsOf(mtimeNs);
  return act((done) => fs.futimes(fd, seconds, seconds, done));
}

export function setLinkTimes(path: string, mtimeNs: bigint): Promise<void> {
  const seconds = secondsOf(mtimeNs);
  return act((done) => fs.lutimes(path, seconds, seconds, done));
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
  return act((done) => fs.fchmod(fd, mode, done));
}

export function sync(fd: number): Promise<void> {
  return act((done) => fs.fsync(fd, done));
}

export function truncate(fd: number, size: number): Promise<void> {
  return act((done) => fs.ftruncate(fd, size, done));
}

export function linkFile(from: string, to: string): Promise<void> {
  return act((done) => fs.link(from, to, done));
}

export function renameFile(from: string, to: string): Promise<void> {
  return act((done) => fs.rename(from, to, done));
}

export function removeFile(path: string): Promise<void> {
  return act((done) => fs.unlink(path, done));
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
  return act((done) => fs.mkdir(path, mode, done));
}

export function removeFolder(path: string): Promise<void> {
  return act((done) => fs.rmdir(path, done));
}

export function makeLink(target: string, path: string): Promise<void> {
  return act((done) => fs.symlink(target, path, done));
}

export function readLink(path: string): Promise<string> {
  return call((done) => fs.readlink(path, done));
}

export function namesIn(path: string): Promise<string[]> {
  return call((done) => fs.readdir(path, done));
}

/** @returns the errno name, `"ENOENT"`, or undefined for another kind of error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
