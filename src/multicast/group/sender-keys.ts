/** From a sender key to the slot its packets travel in. docs/PROTOCOL.md, "Secure groups". */
import { type PacketKeys, type Primitives, SUITE_CHACHA20_POLY1305 } from "../../backend/port.ts";
import { ascii, concat, viewOf } from "../../base/bytes.ts";

const KEY_LABEL: Uint8Array = ascii("mp2p/1 group key\0");
const IV_LABEL: Uint8Array = ascii("mp2p/1 group iv\0");
const CID_LABEL: Uint8Array = ascii("mp2p/1 group cid\0");

export interface SenderEpoch {
  /** Group id, 32 bytes. */
  readonly group: Uint8Array;
  /** Of the sender: Ed25519 public key, and the 8 bytes it drew when it opened the group. */
  readonly key: Uint8Array;
  readonly run: Uint8Array;
  readonly epoch: number;
  /** 32 random bytes of this sender and epoch. */
  readonly senderKey: Uint8Array;
}

/** One writer and one key an epoch, so packet numbers from 0 never meet. */
export function senderSlotKeys(primitives: Primitives, of: SenderEpoch): PacketKeys {
  const epoch = new Uint8Array(4);
  viewOf(epoch).setUint32(0, of.epoch);
  const expand = (label: Uint8Array, length: number) =>
    primitives.hkdfSha512(of.group, of.senderKey, concat(label, of.run, epoch, of.key), length);
  return {
    // Every backend opens it: a member need not ask what the others' machines can do.
    suite: SUITE_CHACHA20_POLY1305,
    key: expand(KEY_LABEL, 32),
    iv: expand(IV_LABEL, 12),
    lane: 0,
    cid: expand(CID_LABEL, 8),
  };
}
