/**
 * What programs pass as options, checked by name and kind. A slip would mean the default without a word: `alow: []`
 * an open door, `limits: { byte: 1 }` no limit.
 */

export interface Rule {
  /** What the value should be, for a person: "true or false". */
  readonly is: string;
  readonly fits: (value: unknown) => boolean;
}

export type Rules = Readonly<Record<string, Rule>>;

function rule(is: string, fits: (value: unknown) => boolean): Rule {
  return { is, fits };
}

export const FLAG: Rule = rule("true or false", (value) => typeof value === "boolean");
export const TEXT: Rule = rule("text", (value) => typeof value === "string");
export const CALL: Rule = rule("a function", (value) => typeof value === "function");
export const ANY: Rule = rule("anything", () => true);
/** NaN would wait for ever, and refuse nothing. */
export const AMOUNT: Rule = rule(
  "a number, zero or more",
  (value) => typeof value === "number" && value >= 0,
);
export const NUMBER: Rule = rule(
  "a number",
  (value) => typeof value === "number" && !Number.isNaN(value),
);
/** Where zero would mean that nothing ever happens. */
export const RATE: Rule = rule(
  "a number above zero",
  (value) => typeof value === "number" && value > 0,
);
/** Signals of other realms are none by `instanceof`. */
export const SIGNAL: Rule = rule("an AbortSignal", (value) => {
  const { throwIfAborted, addEventListener } = Object(value);
  return typeof throwIfAborted === "function" && typeof addEventListener === "function";
});

/** Every one of a list. */
export function listOf(each: Rule): Rule {
  return rule(`a list, each ${each.is}`, (value) => Array.isArray(value) && value.every(each.fits));
}

export function bytesOf(length: number): Rule {
  const fits = (value: unknown) => value instanceof Uint8Array && value.length === length;
  return rule(`a Uint8Array of ${length} bytes`, fits);
}

export function oneOf(...names: readonly unknown[]): Rule {
  return rule(names.map(shown).join(" or "), (value) => names.includes(value));
}

export function either(left: Rule, right: Rule): Rule {
  return rule(`${left.is} or ${right.is}`, (value) => left.fits(value) || right.fits(value));
}

/** Options that are options themselves. */
export function nested(rules: Rules): Rule & { readonly rules: Rules } {
  return { ...rule("an object", isObject), rules };
}

/**
 * @param what - whose options, for a person: "connect"
 * @throws {TypeError} for a name that is no option, and for a value that cannot be meant
 */
export function checkOptions(what: string, given: unknown, rules: Rules): void {
  if (!isObject(given))
    throw new TypeError(`the options of ${what} are an object, not ${shown(given)}`);
  for (const [name, value] of Object.entries(given as object)) {
    if (value === undefined) continue;
    const found = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (found === undefined)
      throw new TypeError(`${what} has no option ${name}; it has ${Object.keys(rules).join(", ")}`);
    if (!found.fits(value))
      throw new TypeError(`${name} of ${what} is ${found.is}, not ${shown(value)}`);
    if ("rules" in found) checkOptions(`${name} of ${what}`, value, found.rules as Rules);
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Short, and never what may be a secret's bytes. */
function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (typeof value !== "object" || value === null) return String(value).slice(0, 80);
  return Array.isArray(value) ? "a list" : `a ${value.constructor?.name ?? "bare object"}`;
}
