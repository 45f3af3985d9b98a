/** Text for people: numbers with units, and names that a peer chose made harmless. */

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Decimal units, three digits: `0 B`, `999 B`, `1.00 kB`, `12.3 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be rounded to four digits.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** `0:07`, `12:03`, `1:02:03`; a day or more is `2 d 3 h`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const [s, m, h] = [whole % 60, Math.floor(whole / 60) % 60, Math.floor(whole / 3600)];
  if (h >= 24) return `${Math.floor(h / 24)} d ${h % 24} h`;
  const two = (part: number) => String(part).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** How long something took: `0.16 s`, from ten seconds on `0:12`. */
export function formatTaken(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(2)} s` : formatSeconds(seconds);
}

export function formatMs(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * Characters that a terminal obeys or that hide what is written: C0 and C1 controls, DEL, line and
 * paragraph separators, bidirectional marks, overrides and isolates (Unicode TR 36 section 2.5),
 * zero-width marks, lone surrogates.
 */
const DANGEROUS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Shows foreign text without obeying it: `"a\x1b[2Jb"` becomes `"a\u001b[2Jb"` in plain letters. */
export function printable(text: string): string {
  return text.replace(DANGEROUS, escapeCharacter);
}

/** One line of JSON that is safe to show in a terminal; parsing it gives the original text. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(DANGEROUS, escapeCharacter);
}
