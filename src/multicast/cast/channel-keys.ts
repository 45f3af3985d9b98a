/**
 * Keys of a cast's one-way slots: a channel is one interface of the sender, with packet numbers of its
 * own. docs/PROTOCOL.md, "Cast".
 */
import type { PacketKeys, Primitives, Suite } from "../../backend/port.ts";
import { ascii, concat } from "../../base/bytes.ts";

const KEY_LABEL: Uint8Array = ascii("mp2p/1 cast key\0");
const IV_LABEL: Uint8Array = ascii("mp2p/1 cast iv\0");
const CID_LABEL: Uint8Array = ascii("mp2p/1 cast cid\0");
const EMPTY: Uint8Array = new Uint8Array(0);

/** @param senderKey - 32 random bytes, drawn for one cast: no two writers share it */
export function channelKeys(
  primitives: Primitives,
  senderKey: Uint8Array,
  suite: Suite,
  channel: number,
): PacketKeys {
  const context = Uint8Array.of(suite, channel);
  const expand = (label: Uint8Array, length: number) =>
    primitives.hkdfSha512(EMPTY, senderKey, concat(label, context), length);
  return {
    suite,
    key: expand(KEY_LABEL, 32),
    iv: expand(IV_LABEL, 12),
    lane: 0,
    cid: expand(CID_LABEL, 8),
  };
}
