/** Finds what is to be sent: the named paths and all below them, in an order with parents first. */
import fs from "node:fs";
import { basename, join, resolve, sep } from "node:path";
import { Mp2pError } from "../base/errors.ts";
import type { TransferFailure } from "./events.ts";
import { readLink, statIfThere } from "./file-calls.ts";
import { fileError } from "./file-error.ts";
import { type NameRules, whyNotLink, whyNotPath } from "./names.ts";
import { printable } from "./printable.ts";
import { type Entry, KIND, type Kind } from "./records.ts";

/** An entry of the offer and where it is read from. */
export interface SourceEntry extends Entry {
  readonly path: string;
  readonly file: string;
}

/** A path to send: its name at the receiver and where it really is. */
export interface SourceRoot {
  readonly name: string;
  readonly file: string;
}

export type Found = { readonly entry: SourceEntry } | { readonly failed: TransferFailure };

/** Stat calls under way at once. */
const STATS_AT_ONCE = 64;

const strict = new TextDecoder("utf-8", { fatal: true });

/**
 * A path named by the caller is followed where it is a link, and `.` means the folder by its name.
 *
 * @throws {Mp2pError} `MP2P_SOURCE` for a path that is not there, `MP2P_NAME` for two of one name
 */
export async function sourceRoots(paths: readonly string[]): Promise<SourceRoot[]> {
  // A string is a list of its letters.
  if (typeof paths === "string") throw new TypeError("paths are a list, also of one: [path]");
  const roots = new Map<string, SourceRoot>();
  for (const path of paths) {
    // Of an unset variable, say: it would be the current folder with all that is in it.
    if (path === "") throw new Mp2pError("MP2P_SOURCE", "an empty path names nothing to send");
    const absolute = resolve(path);
    const name = basename(absolute);
    if (name === "") throw new Mp2pError("MP2P_SOURCE", `${printable(path)} has no name to send`);
    if (roots.has(name)) {
      throw new Mp2pError("MP2P_NAME", `two of the paths are called ${printable(name)}`, {
        hint: "Send them one after the other, or the folder that holds both.",
      });
    }
    try {
      roots.set(name, { name, file: await fs.promises.realpath(absolute) });
    } catch (error) {
      throw fileError(error, "MP2P_SOURCE", "read", path);
    }
  }
  if (roots.size === 0) throw new Mp2pError("MP2P_USAGE", "no path to send");
  return [...roots.values()];
}

/** Yields what was found in batches. */
export async function* walk(
  roots: readonly SourceRoot[],
  rules: NameRules,
): AsyncGenerator<Found[], void, undefined> {
  const found = await Promise.all(roots.map((root) => look(root.name, root.file, rules)));
  yield found;
  const folders = found.filter(isFolder).reverse();
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const { path, file } = folder.entry;
    const listed = await list(path, file);
    if (listed.failed.length > 0) yield listed.failed;
    const below: (Found & { entry: SourceEntry })[] = [];
    for (let at = 0; at < listed.names.length; at += STATS_AT_ONCE) {
      const some = listed.names.slice(at, at + STATS_AT_ONCE);
      const batch = await Promise.all(
        some.map((name) => look(`${path}/${name}`, join(file, name), rules)),
      );
      yield batch;
      below.push(...batch.filter(isFolder));
    }
    for (const one of below.reverse()) folders.push(one);
  }
}

function isFolder(found: Found): found is { entry: SourceEntry } {
  return "entry" in found && found.entry.kind === KIND.folder;
}

async function list(path: string, file: string): Promise<{ names: string[]; failed: Found[] }> {
  let raw: Buffer[];
  try {
    raw = await fs.promises.readdir(file, { encoding: "buffer" });
  } catch (error) {
    const { code, message } = fileError(error, "MP2P_SOURCE", "read the folder", path);
    return { names: [], failed: [{ failed: { name: path, code, why: message } }] };
  }
  const names: string[] = [];
  const failed: Found[] = [];
  for (const bytes of raw) {
    try {
      names.push(strict.decode(bytes));
    } catch {
      const name = printable(`${path}/${bytes.toString("latin1")}`);
      failed.push({ failed: { name, code: "MP2P_NAME", why: `${name}: the name is not UTF-8` } });
    }
  }
  return { names: names.sort(), failed };
}

async function look(path: string, file: string, rules: NameRules): Promise<Found> {
  const why = whyNotPath(path, rules);
  if (why !== undefined) return { failed: { name: printable(path), code: "MP2P_NAME", why } };
  try {
    const stat = await statIfThere(file);
    if (stat === undefined) {
      const gone = `${printable(path)} is gone`;
      return { failed: { name: printable(path), code: "MP2P_SOURCE", why: gone } };
    }
    const kind = kindOf(stat);
    if (kind === undefined) {
      const what = `${printable(path)} is ${whatIs(stat)}, not a file, folder or link`;
      return { failed: { name: printable(path), code: "MP2P_SOURCE", why: what } };
    }
    const target = kind === KIND.link ? (await readLink(file)).replaceAll(sep, "/") : undefined;
    const whyNot = target === undefined ? undefined : whyNotLink(path, target);
    if (whyNot !== undefined) {
      return { failed: { name: printable(path), code: "MP2P_NAME", why: whyNot } };
    }
    const mode = Number(stat.mode) & 0o777;
    const size = kind === KIND.file ? Number(stat.size) : 0;
    return { entry: { kind, path, file, mode, mtimeNs: stat.mtimeNs, size, target } };
  } catch (error) {
    const { code, message } = fileError(error, "MP2P_SOURCE", "read", path);
    return { failed: { name: printable(path), code, why: message } };
  }
}

function kindOf(stat: fs.BigIntStats): Kind | undefined {
  if (stat.isFile()) return KIND.file;
  if (stat.isDirectory()) return KIND.folder;
  return stat.isSymbolicLink() ? KIND.link : undefined;
}

function whatIs(stat: fs.BigIntStats): string {
  if (stat.isFIFO()) return "a named pipe";
  if (stat.isSocket()) return "a socket";
  return "a device";
}
