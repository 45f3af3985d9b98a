/** Variable-length integers of RFC 9000 section 16, limited to 2^53 - 1 so that a number holds them. */
const TWO_30 = 0x4000_0000;
const TWO_32 = 0x1_0000_0000;

/** 1, 2, 4 or 8. */
export function varintBytes(value: number): number {
  if (value < 64) return 1;
  if (value < 16_384) return 2;
  return value < TWO_30 ? 4 : 8;
}

/** @returns the position after the integer. The caller has made sure of the room. */
export function writeVarint(view: DataView, at: number, value: number): number {
  const bytes = varintBytes(value);
  if (bytes === 1) view.setUint8(at, value);
  else if (bytes === 2) view.setUint16(at, 0x4000 | value);
  else if (bytes === 4) view.setUint32(at, 0x8000_0000 + value);
  else {
    view.setUint32(at, 0xc000_0000 + Math.floor(value / TWO_32));
    view.setUint32(at + 4, value % TWO_32);
  }
  return at + bytes;
}
