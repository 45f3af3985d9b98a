/** The content of a cast of files: one row of bytes, read from whichever files they are of. */
import type { CastContent } from "../multicast/cast/contract.ts";
import { CastLayout } from "./cast-layout.ts";
import { OpenFiles } from "./open-files.ts";
import { SourceFile } from "./source-file.ts";
import type { SourceEntry } from "./source-tree.ts";

const OPEN_AT_ONCE = 32;

export class CastSource implements CastContent {
  readonly manifest: Uint8Array;
  readonly bytes: number;
  readonly #layout: CastLayout;
  readonly #files: OpenFiles<SourceFile>;

  constructor(manifest: Uint8Array, entries: readonly SourceEntry[]) {
    this.manifest = manifest;
    this.#layout = new CastLayout(entries);
    this.bytes = this.#layout.bytes;
    const open = (number: number) => SourceFile.open(entries[number] as SourceEntry);
    this.#files = new OpenFiles(open, OPEN_AT_ONCE);
  }

  /** @throws {Mp2pError} `MP2P_SOURCE_CHANGED`, `MP2P_SOURCE`, `MP2P_PERMISSION` */
  async read(offset: number, into: Uint8Array): Promise<number> {
    const length = Math.max(0, Math.min(into.length, this.bytes - offset));
    for (const piece of this.#layout.pieces(offset, length)) {
      await this.#files.use(piece.entry, async (file) => {
        await file.read(into.subarray(piece.from, piece.from + piece.length), piece.position);
        // After the read: this vouches for it.
        await file.check();
      });
    }
    return length;
  }

  /** No read may be under way. */
  async close(): Promise<void> {
    await this.#files.closeAll();
  }
}
