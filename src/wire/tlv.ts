/**
 * Type-length-value lists that fill a payload of fixed size: `type 1 | length 2 | value`, then zeros.
 * An unknown odd type is ignored, an unknown even one spoils the payload, so that a later version can
 * add what may be ignored and what may not. docs/PROTOCOL.md, "Payload TLVs".
 */
import { viewOf } from "../base/bytes.ts";

const HEAD_BYTES = 3;
/** Not a type: the list ends here and zeros follow. */
const PADDING = 0;

export interface Tlv {
  readonly type: number;
  readonly value: Uint8Array;
}

/** @throws {RangeError} where the list is longer than the payload */
export function writeTlvs(list: readonly Tlv[], payload: Uint8Array): void {
  let at = 0;
  for (const { type, value } of list) {
    if (at + HEAD_BYTES + value.length > payload.length)
      throw new RangeError("TLVs exceed the payload");
    payload[at] = type;
    viewOf(payload).setUint16(at + 1, value.length);
    payload.set(value, at + HEAD_BYTES);
    at += HEAD_BYTES + value.length;
  }
}

/**
 * @returns the values of known types, borrowed from the payload; undefined for a truncated list, a
 * type given twice, an unknown even type or padding that is not zero
 */
export function parseTlvs(
  payload: Uint8Array,
  known: ReadonlySet<number>,
): ReadonlyMap<number, Uint8Array> | undefined {
  const values = new Map<number, Uint8Array>();
  const view = viewOf(payload);
  let at = 0;
  while (at < payload.length && payload[at] !== PADDING) {
    if (at + HEAD_BYTES > payload.length) return undefined;
    const type = payload[at] as number;
    const start = at + HEAD_BYTES;
    at = start + view.getUint16(at + 1);
    if (at > payload.length) return undefined;
    if (known.has(type)) {
      if (values.has(type)) return undefined;
      values.set(type, payload.subarray(start, at));
    } else if (type % 2 === 0) return undefined;
  }
  return payload.subarray(at).every((byte) => byte === 0) ? values : undefined;
}
