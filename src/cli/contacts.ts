/** Keys this user trusts: `contacts` in the home folder, one `KEY [NAME]` a line, `#` begins a remark. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { homeFolder, type Mp2pError, parseKey } from "../index.ts";
import { CliError } from "./failure.ts";

const FILE = "contacts";

/** @throws {CliError} `MP2P_KEY_INVALID` naming the line that holds no key */
export async function trustedKeys(): Promise<readonly Uint8Array[]> {
  const file = join(homeFolder(), FILE);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return parseContacts(text, file);
}

/** What the user calls the owner of a key. The file is read at the first call; commands that need it tell its faults. */
export function contactNames(): (key: string) => string | undefined {
  let names: ReadonlyMap<string, string> | undefined;
  return (key) => {
    names ??= readNames(join(homeFolder(), FILE));
    return names.get(key);
  };
}

function readNames(file: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  try {
    for (const line of readFileSync(file, "utf8").split("\n")) {
      const [key = "", name] = words(line);
      if (name !== undefined) names.set(key.toLowerCase(), name);
    }
  } catch {
    // Keys are shown instead.
  }
  return names;
}

/** A line without its remark. */
function words(line: string): string[] {
  return line.replace(/#.*/, "").trim().split(/\s+/);
}

export function parseContacts(text: string, file: string): readonly Uint8Array[] {
  const keys: Uint8Array[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const [key] = words(line);
    if (key === undefined || key === "") continue;
    try {
      keys.push(parseKey(key));
    } catch (error) {
      throw new CliError(
        "MP2P_KEY_INVALID",
        `line ${index + 1} of ${file} does not begin with a key`,
        (error as Mp2pError).hint,
      );
    }
  }
  return keys;
}
