/** CRC-32C (Castagnoli), reflected polynomial 0x82f63b78. Source: RFC 3720 appendix B.4. */
const TABLE: Uint32Array = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f6_3b78 : value >>> 1;
  return value;
});

/** @returns an unsigned 32-bit integer; every burst of errors up to 32 bits long changes it. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ 0xffff_ffff) >>> 0;
}
