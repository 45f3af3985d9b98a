/** Packets of a cast that its sender did not send, told to a person. */
import type { ForgedSymbols } from "../index.ts";
import { plural, printable } from "./text.ts";

const SOURCES_SHOWN = 3;

/** What happened, what it means, what to do. */
export function forgeryLines(forged: readonly ForgedSymbols[]): readonly string[] {
  const most = [...forged].sort((a, b) => b.symbols - a.symbols);
  const shown = most.slice(0, SOURCES_SHOWN).map(sourceText);
  const left = most.length - shown.length;
  const from = left > 0 ? [...shown, `${plural(left, "other source")}`] : shown;
  const packets = plural(
    most.reduce((sum, { symbols }) => sum + symbols, 0),
    "packet",
  );
  return [
    `${packets} of this cast did not come from its sender: ${from.join(", ")}`,
    "  why: somebody who was let into the cast made them up, and may lie about the address; none was written",
    "  try: what is here is as it was sent; ask the sender to cast to those alone who are trusted (--allow KEY…)",
  ];
}

function sourceText({ source, interface: name, symbols }: ForgedSymbols): string {
  const where = name === "" ? "" : ` on ${printable(name)}`;
  return `${symbols} from ${printable(source)}${where}`;
}
