/**
 * Who said it: pieces of messages signed by their sender inside the packets' encryption, which every
 * member could make. The text that is signed names the group, the sender's run and the epoch, so that no
 * signature serves anywhere else.
 */
import type { Primitives } from "../../backend/port.ts";
import { ascii, concat, equalBytes, viewOf } from "../../base/bytes.ts";
import {
  BATCH_PIECES_MAX,
  type GroupFrame,
  MODE_BATCH,
  MODE_SINGLE,
  type Piece,
  SALT_BYTES,
  writeGroupFrame,
  writePiece,
} from "../../wire/group-frames.ts";
import { merkleRoot, merkleTree } from "./merkle.ts";

const LABEL: Uint8Array = ascii("mp2p/1 group message\0");
/** Up to here a signature for each piece is cheaper than paths and the hashes of a tree. */
const SINGLES_MAX = 2;
/** Signatures found good, newest last: the pieces of a batch share one. */
const VERIFIED_KEPT = 8;

/** What a signature is bound to beside the message. */
export interface SigningContext {
  /** 32 bytes. */
  readonly group: Uint8Array;
  /** 8 bytes, drawn when the sender opened the group. */
  readonly run: Uint8Array;
  readonly epoch: number;
}

/** @param pieces - 1 to 64. @returns a frame for each */
export function signPieces(
  primitives: Primitives,
  sign: (message: Uint8Array) => Uint8Array,
  context: SigningContext,
  pieces: readonly Piece[],
): Uint8Array[] {
  if (pieces.length > BATCH_PIECES_MAX) throw new RangeError("a batch has up to 64 pieces");
  const sha512 = (data: Uint8Array) => primitives.sha512(data);
  const written = pieces.map(writePiece);
  if (written.length <= SINGLES_MAX) {
    return written.map((piece) => {
      const signature = sign(signedText(context, MODE_SINGLE, sha512(piece)));
      return writeGroupFrame(signature, undefined, piece);
    });
  }
  const salt = primitives.randomBytes(SALT_BYTES);
  const { root, places } = merkleTree(written, salt, sha512);
  const signature = sign(signedText(context, MODE_BATCH, concat(salt, root)));
  return written.map((piece, index) => writeGroupFrame(signature, places[index], piece));
}

/** Verifies what one sender signed in one epoch. */
export class PieceVerifier {
  readonly #primitives: Primitives;
  readonly #key: Uint8Array;
  readonly #context: SigningContext;
  /** Signature and the text it was found good for. */
  readonly #verified: { readonly signature: Uint8Array; readonly text: Uint8Array }[] = [];

  /** @param key - the sender's Ed25519 public key */
  constructor(primitives: Primitives, key: Uint8Array, context: SigningContext) {
    this.#primitives = primitives;
    this.#key = key;
    this.#context = context;
  }

  verify({ batch, signed, signature }: GroupFrame): boolean {
    const sha512 = (data: Uint8Array) => this.#primitives.sha512(data);
    const text =
      batch === undefined
        ? signedText(this.#context, MODE_SINGLE, sha512(signed))
        : signedText(
            this.#context,
            MODE_BATCH,
            concat(batch.salt, merkleRoot(signed, batch, sha512)),
          );
    const known = this.#verified.some(
      (each) => equalBytes(each.text, text) && equalBytes(each.signature, signature),
    );
    if (known) return true;
    if (!this.#primitives.ed25519Verify(this.#key, text, signature)) return false;
    if (batch !== undefined) {
      this.#verified.push({ signature: signature.slice(), text });
      if (this.#verified.length > VERIFIED_KEPT) this.#verified.shift();
    }
    return true;
  }
}

function signedText(
  { group, run, epoch }: SigningContext,
  mode: number,
  hash: Uint8Array,
): Uint8Array {
  const numbers = new Uint8Array(5);
  viewOf(numbers).setUint32(0, epoch);
  numbers[4] = mode;
  return concat(LABEL, group, run, numbers, hash);
}
