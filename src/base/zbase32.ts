/**
 * z-base-32: the alphabet of keys and tickets, made to be read aloud and typed.
 * Source: O'Whielacronx, "human-oriented base-32 encoding" (2009).
 */
const ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769";
const VALUE: ReadonlyMap<string, number> = new Map(
  [...ALPHABET].map((letter, value) => [letter, value]),
);

export function toZbase32(bytes: Uint8Array): string {
  const letters: string[] = [];
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      letters.push(ALPHABET[(held >> bits) & 31] as string);
    }
    held &= (1 << bits) - 1;
  }
  if (bits > 0) letters.push(ALPHABET[(held << (5 - bits)) & 31] as string);
  return letters.join("");
}

/**
 * @param text - lower or upper case
 * @returns undefined for a foreign letter, an impossible length or non-zero padding bits, so that
 * every byte string has exactly one spelling
 */
export function fromZbase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const letter of text.toLowerCase()) {
    const value = VALUE.get(letter);
    if (value === undefined) return undefined;
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits;
    }
    held &= (1 << bits) - 1;
  }
  return bits >= 5 || held !== 0 ? undefined : bytes;
}
