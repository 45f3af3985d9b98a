/** `castFiles`: files and folders to any number of receivers, each byte sent once. */
import type {
  Casting,
  CastOptions,
  CastProgress,
  CastReport,
  ReceiverStatus,
} from "../multicast/cast/contract.ts";
import type { CastEndpoint } from "./cast-endpoint.ts";
import { writeManifest } from "./cast-manifest.ts";
import { CastSource } from "./cast-source.ts";
import { checkCastFiles } from "./check-transfer.ts";
import type { TransferFailure } from "./events.ts";
import { checkReadable } from "./file-calls.ts";
import { fileError } from "./file-error.ts";
import { deriveCastId } from "./hashes.ts";
import { namesHere } from "./names.ts";
import { printable } from "./printable.ts";
import { KIND } from "./records.ts";
import { type SourceEntry, sourceRoots, walk } from "./source-tree.ts";

export interface CastFilesOptions extends CastOptions {
  /** Leave out names that some other system could not hold. */
  readonly portable?: boolean;
  /** 16 bytes; by default the same for the same absolute paths and identity. */
  readonly id?: Uint8Array;
}

/** A cast of files under way. Iterating yields its progress, ten times a second. */
export interface FileCast extends AsyncIterable<CastProgress>, AsyncDisposable {
  /** For receivers: hand it out. */
  readonly ticket: string;
  readonly files: number;
  /** Sum of the file sizes. */
  readonly bytes: number;
  /** The first names, at most 100, safe to print. */
  readonly names: readonly string[];
  /** What cannot be cast: not readable, or of a name that nobody could use. */
  readonly failed: readonly TransferFailure[];
  progress(): CastProgress;
  receivers(): readonly ReceiverStatus[];
  /**
   * What became of each receiver; receivers that were not reached do not reject it.
   *
   * @throws {Mp2pError} `MP2P_SOURCE_CHANGED` where a file changed meanwhile, `MP2P_TIMEOUT` where
   *   nobody came, or the signal's reason
   */
  readonly done: Promise<CastReport>;
  /** Ends it: receivers keep what they have, and the same call goes on. Idempotent. */
  close(): Promise<void>;
}

const NAMES_SHOWN = 100;
const PROGRESS_MS = 100;

/**
 * Casts files and folders: each is read and sent once, whatever the number of receivers, who get what
 * they lose, come late, leave and come back. Resolves when the ticket can be handed out.
 *
 * @param paths - files and folders; each arrives under its own last name
 * @throws {Mp2pError} `MP2P_SOURCE` where a path is missing, `MP2P_LIMIT` for more than a million entries
 */
export async function castFiles(
  endpoint: CastEndpoint,
  paths: readonly string[],
  options: CastFilesOptions = {},
): Promise<FileCast> {
  const { portable = false, id: named, ...cast } = options;
  checkCastFiles({ portable, id: named });
  options.signal?.throwIfAborted();
  const roots = await sourceRoots(paths);
  const entries: SourceEntry[] = [];
  const failed: TransferFailure[] = [];
  for await (const batch of walk(roots, namesHere(portable))) {
    options.signal?.throwIfAborted();
    for (const found of batch) {
      const failure = "failed" in found ? found.failed : await whyUnreadable(found.entry);
      if (failure !== undefined) failed.push(failure);
      else if ("entry" in found) entries.push(found.entry);
    }
  }
  const files = roots.map((root) => root.file);
  const id = named ?? deriveCastId(endpoint.blake3, endpoint.key, files);
  const source = new CastSource(writeManifest(id, entries), entries);
  const casting = endpoint.cast(source, cast);
  const done = casting.done.finally(() => source.close());
  done.catch(() => undefined);
  return {
    ...running(casting),
    done,
    files: entries.filter(({ kind }) => kind === KIND.file).length,
    bytes: source.bytes,
    names: entries.slice(0, NAMES_SHOWN).map(({ path }) => printable(path)),
    failed,
  };
}

/** What a cast of files and one of a stream have in common. */
export function running(
  casting: Casting,
): Pick<
  FileCast,
  | "ticket"
  | "progress"
  | "receivers"
  | "close"
  | typeof Symbol.asyncIterator
  | typeof Symbol.asyncDispose
> {
  return {
    ticket: casting.ticket,
    progress: () => casting.progress(),
    receivers: () => casting.receivers(),
    close: () => casting.close(),
    [Symbol.asyncIterator]: () => progressOf(casting),
    [Symbol.asyncDispose]: () => casting.close(),
  };
}

async function* progressOf(casting: Casting): AsyncGenerator<CastProgress, void, undefined> {
  let isOver = false;
  let wake = (): void => undefined;
  const over = casting.done.finally(() => {
    isOver = true;
    wake();
  });
  // Whoever gives the loop up does not hear how the cast ends.
  over.catch(() => undefined);
  while (!isOver) {
    // Not a race with `over`, which would remember every tick of a live cast until it ends.
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PROGRESS_MS);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (isOver) await over;
    yield casting.progress();
  }
}

/** Once a cast has begun, a file that cannot be read ends it for everybody: better to know before. */
async function whyUnreadable(entry: SourceEntry): Promise<TransferFailure | undefined> {
  if (entry.kind !== KIND.file) return undefined;
  try {
    await checkReadable(entry.file);
    return undefined;
  } catch (error) {
    const { code, message } = fileError(error, "MP2P_SOURCE", "read", entry.path);
    return { name: printable(entry.path), code, why: message };
  }
}
