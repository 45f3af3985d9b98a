import type { Readable } from "node:stream";
import { CliError } from "./failure.ts";

/** The longest ticket has a thousand letters; more without a line end is something else. */
const LONGEST_LINE_BYTES = 4096;
const LINE_FEED = 10;

/**
 * The ticket a command was given: as argument, as `-` (the first line of stdin; what follows stays
 * unread) or in MP2P_TICKET.
 *
 * @throws {CliError} `MP2P_USAGE` where there is none
 */
export async function ticketFrom(
  argument: string | undefined,
  env: NodeJS.ProcessEnv,
  stdin: Readable,
): Promise<string> {
  const given = argument ?? env.MP2P_TICKET ?? "";
  const ticket = given === "-" ? await firstLine(stdin) : given;
  if (ticket.trim() !== "") return ticket.trim();
  throw new CliError(
    "MP2P_USAGE",
    "no ticket was given",
    "give it as argument, as - on stdin, or in MP2P_TICKET",
  );
}

async function firstLine(stdin: Readable): Promise<string> {
  let held: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = stdin.read() as Buffer | null;
    if (chunk === null) {
      if (stdin.readableEnded || stdin.destroyed) return held.toString();
      await moreOrEnd(stdin);
      continue;
    }
    held = Buffer.concat([held, chunk]);
    const end = held.indexOf(LINE_FEED);
    if (end >= 0) {
      if (end + 1 < held.length) stdin.unshift(held.subarray(end + 1));
      return held.subarray(0, end).toString();
    }
    if (held.length > LONGEST_LINE_BYTES) return held.toString();
  }
}

function moreOrEnd(stdin: Readable): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      for (const name of ["readable", "end", "close", "error"]) stdin.off(name, settle);
      resolve();
    };
    for (const name of ["readable", "end", "close", "error"]) stdin.on(name, settle);
  });
}
