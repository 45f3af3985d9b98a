import type { Sink } from "./reporter.ts";

type Attribute = "bold" | "dim" | "red" | "green" | "yellow";

/** Select Graphic Rendition, ECMA-48 section 8.3.117. */
const SGR: Readonly<Record<Attribute, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
};

export type Style = (attribute: Attribute, text: string) => string;

/** Colour in a terminal, unless NO_COLOR, TERM=dumb or `--no-color` says otherwise (no-color.org). */
export function styleFor(sink: Sink, wantsColor: boolean, env: NodeJS.ProcessEnv): Style {
  const isForced = (env.FORCE_COLOR ?? "0") !== "0";
  const isDumb = (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb" || sink.isTTY !== true;
  const isPlain = !wantsColor || (isDumb && !isForced);
  return (attribute, text) => (isPlain ? text : `\u001b[${SGR[attribute]}m${text}\u001b[0m`);
}
