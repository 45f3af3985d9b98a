/** Text from elsewhere made safe to print: no control, bidi or line separating characters. */

/** C0, DEL, C1, bidirectional controls, line and paragraph separators, lone surrogates. */
const UNPRINTABLE: RegExp =
  /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
const UNPRINTABLES = new RegExp(UNPRINTABLE.source, "gu");

const MOST_CHARACTERS = 500;

export function isPrintable(text: string): boolean {
  return !UNPRINTABLE.test(text);
}

/** `\u{1b}` for what a terminal might obey; cut where it is longer than 500 characters. */
export function printable(text: string): string {
  const cut = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
  return cut.replaceAll(
    UNPRINTABLES,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
