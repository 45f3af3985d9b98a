/** Questions to a person, and which lines answer them. */

export interface Question<T> {
  /** Printed before the answer is typed; ends with what can be typed. */
  readonly text: string;
  /** Printed for a line that is no answer. */
  readonly again: string;
  /** @returns undefined for a line that is no answer */
  readonly answer: (line: string) => T | undefined;
}

export function yesNo(text: string): Question<boolean> {
  return { text: `${text} [Y/n] `, again: "Please answer y or n: ", answer: yesNoAnswer };
}

/** An empty line is a yes: the person has started a command that receives. */
export function yesNoAnswer(line: string): boolean | undefined {
  const word = line.trim().toLowerCase();
  if (word === "" || word === "y" || word === "yes") return true;
  return word === "n" || word === "no" ? false : undefined;
}

export interface ConflictAnswer {
  readonly conflict: "skip" | "rename" | "overwrite";
  /** Also for the conflicts that follow. */
  readonly forAll: boolean;
}

export function conflictQuestion(text: string): Question<ConflictAnswer> {
  return {
    text: `${text}\n[s]kip, [r]ename, [o]verwrite; sa, ra, oa for all: `,
    again: "Please answer s, r, o, sa, ra or oa: ",
    answer: conflictAnswer,
  };
}

/** No default: every answer has consequences. */
export function conflictAnswer(line: string): ConflictAnswer | undefined {
  const match = /^\s*(s|r|o|skip|rename|overwrite)\s*(a|all)?\s*$/i.exec(line);
  if (match === null) return undefined;
  const letter = (match[1] as string)[0]?.toLowerCase();
  const conflict = letter === "s" ? "skip" : letter === "r" ? "rename" : "overwrite";
  return { conflict, forAll: match[2] !== undefined };
}
