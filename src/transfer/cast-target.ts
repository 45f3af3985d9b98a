/** The receiving side of a cast of files: takes the offer, keeps blocks, and puts files in their places. */
import { type Deferred, deferred } from "../base/deferred.ts";
import { Mp2pError } from "../base/errors.ts";
import { toZbase32 } from "../base/zbase32.ts";
import type { CastShape, CastTarget, HeldBlock } from "../multicast/cast/contract.ts";
import { bootId } from "./boot-id.ts";
import { type CastManifest, readManifest } from "./cast-manifest.ts";
import { CastParts, estimateHeld } from "./cast-parts.ts";
import { placeAll } from "./cast-place.ts";
import { alone } from "./exclusive.ts";
import { fileError } from "./file-error.ts";
import { Tasks } from "./gate.ts";
import { type Blake3, castInboxName } from "./hashes.ts";
import { Inbox } from "./inbox.ts";
import { namesHere } from "./names.ts";
import { decide, describe, policiesFor } from "./offer-decision.ts";
import type { Conflict } from "./place.ts";
import type { Placing } from "./placing.ts";
import type { ReceiverOptions } from "./receiver.ts";
import { KIND } from "./records.ts";
import type { Emit } from "./running-transfer.ts";
import { partialError } from "./send.ts";
import { Settling, type Telling } from "./settling.ts";
import { type Survey, survey } from "./survey.ts";
import { Tally } from "./tally.ts";
import type { Target } from "./target.ts";
import { makeFolders } from "./tree.ts";
import { Turns } from "./turns.ts";

/** Some system's file system does each. */
const FOLDS_ALL = { caseless: true, normalising: true };
/** A cast reports what its target has as a whole, not file by file. */
const NOBODY: Telling = { put: () => undefined, failure: undefined };

export interface FilesTargetOptions extends ReceiverOptions {
  readonly blake3: Blake3;
  readonly target: Target;
  readonly emit: Emit;
  /** Ends the cast from this side. */
  readonly end: (error: Mp2pError) => void;
}

export class FilesTarget implements CastTarget {
  readonly tally: Tally;
  /** All was done that could be. */
  isPlaced = false;
  readonly #options: FilesTargetOptions;
  readonly #over: Deferred<void> = deferred();
  readonly #turns = new Turns(() => this.#check());
  #isClosed = false;
  #alone: Promise<void> = Promise.resolve();
  #inbox: Inbox | undefined;
  #work: Work | undefined;
  /** A write that failed, as each side is told: paths of this machine are nobody else's affair. */
  #failure: { readonly own: Mp2pError; readonly told: Mp2pError } | undefined;

  constructor(options: FilesTargetOptions) {
    this.#options = options;
    this.tally = new Tally(options.emit);
  }

  async offered(manifest: Uint8Array, shape: CastShape): Promise<readonly HeldBlock[]> {
    const { blake3, target, limits, portable } = this.#options;
    if (manifest.length === 0) {
      const hint = "Receive it with -o - (in a program: receiveCastStream).";
      throw new Mp2pError("MP2P_USAGE", "this cast is a stream, not files", { hint });
    }
    const read = readManifest(manifest, namesHere(portable));
    const { entries, bytes } = read.book;
    if (shape.bytes !== bytes || !(shape.blockBytes > 0)) {
      throw new Mp2pError("MP2P_PROTOCOL", "the cast's content has another length than its files");
    }
    if (entries.length > limits.entries || bytes > limits.bytes) {
      const message = `the cast is larger than ${limits.entries} entries or ${limits.bytes} bytes`;
      throw new Mp2pError("MP2P_LIMIT", message, { hint: "Cast it in parts." });
    }
    for (const entry of entries) if (entry.kind === KIND.file) this.tally.offered(entry.size);
    const name = castInboxName(blake3, shape.sender, read.id);
    await this.#becomeOnly(`${target.directory}\0${name}`);
    return await this.#start(read, name, { ...shape, layout: blake3(manifest) });
  }

  async write(offset: number, bytes: Uint8Array, hash: Uint8Array): Promise<void> {
    const { parts } = this.#work as Work;
    try {
      const isAgain = await parts.write(offset, bytes, hash);
      if (isAgain) this.tally.resentUnit(bytes.length);
    } catch (error) {
      const own = fileError(error, "MP2P_TARGET", "write", this.#options.target.directory);
      this.#failure ??= { own, told: fileError(error, "MP2P_TARGET", "write", "what comes") };
      throw this.#failure.told;
    }
    this.tally.moved(bytes.length);
    this.tally.confirm(
      Math.min(this.tally.resumedBytes + this.tally.payloadBytes, this.tally.total),
    );
  }

  /** @returns what this side's user is told of what the sender was told: with the path */
  own(error: unknown): unknown {
    const { own, told } = this.#failure ?? {};
    return own !== undefined && error === told ? own : error;
  }

  /** @throws {Mp2pError} `MP2P_DISK_FULL`; `MP2P_PARTIAL` where single files were refused */
  async complete(): Promise<void> {
    const work = this.#work as Work;
    await placeAll(work);
    await work.parts.close();
    if (!work.settling.hasUnfinished) await work.inbox.remove();
    this.isPlaced = true;
    const summary = this.tally.summary();
    if (summary.partial) throw partialError(summary);
  }

  /** Closes what is open; what is unfinished stays. */
  async close(): Promise<void> {
    this.#isClosed = true;
    try {
      await this.#work?.parts.close();
      await this.#inbox?.close();
    } finally {
      this.#over.resolve();
      await this.#alone.catch(() => undefined);
    }
  }

  #check(): void {
    if (this.#isClosed) throw new Mp2pError("MP2P_CLOSED", "the cast ended before it began");
  }

  /** Another attempt at the same cast ends this one, and waits until it is over. */
  async #becomeOnly(name: string): Promise<void> {
    const started = deferred<void>();
    this.#alone = alone(name, this.#options.end, async () => {
      started.resolve();
      await this.#over.promise;
    });
    await started.promise;
  }

  async #start(
    { id, book }: CastManifest,
    name: string,
    shape: CastShape & { readonly layout: Uint8Array },
  ): Promise<readonly HeldBlock[]> {
    const { target, blake3, accept, emit, portable, onConflict } = this.#options;
    const boot = await bootId();
    let inbox = await Inbox.open(target, name, boot, false);
    this.#inbox = inbox;
    try {
      const stamp = { boot, layout: shape.layout, blockBytes: shape.blockBytes };
      const seen = await survey(book, target, inbox, blake3, this.#turns);
      const held = (await inbox?.named(estimateHeld(inbox, stamp))) ?? 0;
      const here = seen.resumeBytes + held;
      const { present, conflicts, damaged } = seen;
      const found = { present, conflicts, damaged, resumeBytes: Math.min(here, book.bytes) };
      const peer = { key: shape.sender, keyText: toZbase32(shape.sender) };
      const offer = await describe({ peer, transferId: id, book }, target, found);
      await decide(offer, found, accept, emit);
      this.#check();
      inbox ??= (await Inbox.open(target, name, boot, true)) as Inbox;
      this.#inbox = inbox;
      await book.refuseCollisions(portable ? FOLDS_ALL : await inbox.probe(), this.#turns);
      const policies = await policiesFor(found, onConflict, () => this.#check());
      const settling = new Settling(book, NOBODY, this.tally);
      await settling.refuseNames(this.#turns);
      settleNow(settling, found, policies);
      const isWanted = (number: number) => !settling.has(number);
      const { entries } = book;
      const opening = CastParts.open({ inbox, entries, stamp, blake3, isWanted });
      const parts = await inbox.named(opening);
      this.#work = new Work(this.#options, { settling, inbox, parts, policies });
      await makeFolders(this.#work);
      return this.#report(offer.files);
    } catch (error) {
      await inbox?.close();
      throw error;
    }
  }

  #report(files: number): readonly HeldBlock[] {
    const { parts } = this.#work as Work;
    const held = parts.held();
    const resumeBytes = held.reduce((sum, { block }) => sum + parts.blockLength(block), 0);
    this.tally.started();
    this.tally.resumed(resumeBytes);
    this.#options.emit({ type: "accept", files, resumeBytes });
    this.tally.confirm(resumeBytes);
    return held;
  }
}

/** What is decided before the first block. */
function settleNow(
  settling: Settling,
  found: Survey,
  policies: ReadonlyMap<number, Conflict>,
): void {
  for (const [number, how] of found.present) {
    if (how === "kept") settling.settle(number, "kept", "");
    else settling.settle(number, "skipped", "already there, of the same size and time");
  }
  for (const [number, policy] of policies) {
    if (policy === "skip") settling.settle(number, "skipped", "another file has this name");
  }
}

interface Started {
  readonly settling: Settling;
  readonly inbox: Inbox;
  readonly parts: CastParts;
  readonly policies: ReadonlyMap<number, Conflict>;
}

/** A cast that was accepted. */
class Work implements Placing {
  readonly settling: Settling;
  readonly inbox: Inbox;
  readonly parts: CastParts;
  readonly target: Target;
  readonly blake3: Blake3;
  readonly durable: boolean;
  readonly channel: Telling = NOBODY;
  readonly tasks: Tasks = new Tasks();
  readonly made: Set<string> = new Set();
  readonly #policies: ReadonlyMap<number, Conflict>;
  readonly #otherwise: Conflict;

  constructor(options: FilesTargetOptions, { settling, inbox, parts, policies }: Started) {
    const { target, blake3, durable, onConflict } = options;
    this.settling = settling;
    this.inbox = inbox;
    this.parts = parts;
    this.target = target;
    this.blake3 = blake3;
    this.durable = durable;
    this.#policies = policies;
    this.#otherwise = typeof onConflict === "function" ? "rename" : onConflict;
  }

  async policy(number: number): Promise<Conflict> {
    return this.#policies.get(number) ?? this.#otherwise;
  }
}
