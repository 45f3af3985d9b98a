import { CliError } from "../failure.ts";

const KEY_DIGITS = 64;

/** A key as the original prints it. @throws {CliError} `MP2P_KEY_INVALID` */
export function keyFromHex(text: string): Buffer {
  if (text.length === KEY_DIGITS && /^[0-9a-f]+$/i.test(text)) return Buffer.from(text, "hex");
  throw new CliError(
    "MP2P_KEY_INVALID",
    `not a classic key: ${JSON.stringify(text.slice(0, 80))}`,
    `a classic key has ${KEY_DIGITS} hex digits, as \`mp2p classic serve\` prints it`,
  );
}
