/** A member's announcement: signed by the member, sealed for those who know the group. */
import type { Primitives } from "../../backend/port.ts";
import { ascii, concat } from "../../base/bytes.ts";
import {
  BEACON_HEADER,
  type BeaconBody,
  parseBeaconBody,
  splitBeacon,
  writeBeaconBody,
} from "../../wire/group-beacon.ts";

const LABEL: Uint8Array = ascii("mp2p/1 group announce\0");
const BOX_INFO: Uint8Array = ascii("mp2p/1 group announce key\0");
/** Each nonce makes a key of its own. */
const ZERO_NONCE: Uint8Array = new Uint8Array(12);
const KEY_BYTES = 32;

export interface AnnouncementKeys {
  /** `GroupKeys.id` and `.beacon`. */
  readonly group: Uint8Array;
  readonly beaconKey: Uint8Array;
}

/** What was opened, and is not verified yet. */
export interface Announcement extends BeaconBody {
  verify(): boolean;
}

/** @param nonce - 16 random bytes */
export function sealAnnouncement(
  primitives: Primitives,
  { group, beaconKey }: AnnouncementKeys,
  sign: (message: Uint8Array) => Uint8Array,
  nonce: Uint8Array,
  announced: BeaconBody,
): Uint8Array {
  const body = writeBeaconBody(announced);
  const signature = sign(concat(LABEL, group, body));
  const key = primitives.hkdfSha512(nonce, beaconKey, BOX_INFO, KEY_BYTES);
  const sealed = primitives.seal(key, ZERO_NONCE, BEACON_HEADER, concat(body, signature));
  return concat(BEACON_HEADER, nonce, sealed);
}

/** @returns undefined for what was not sealed for this group */
export function openAnnouncement(
  primitives: Primitives,
  { group, beaconKey }: AnnouncementKeys,
  packet: Uint8Array,
): Announcement | undefined {
  const box = splitBeacon(packet);
  if (box === undefined) return undefined;
  const key = primitives.hkdfSha512(box.nonce, beaconKey, BOX_INFO, KEY_BYTES);
  const opened = primitives.open(key, ZERO_NONCE, BEACON_HEADER, box.sealed);
  const body = opened && parseBeaconBody(opened);
  if (body === undefined) return undefined;
  const { signed, signature } = body;
  const verify = () => primitives.ed25519Verify(body.key, concat(LABEL, group, signed), signature);
  return { key: body.key, instance: body.instance, number: body.number, verify };
}
