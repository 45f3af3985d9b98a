import type { Readable } from "node:stream";
import { isCastTicket, parseKey, parseTicket } from "../index.ts";
import { CliError } from "./failure.ts";

/** The longest ticket has a thousand letters; more without a line end is something else. */
const LONGEST_LINE_BYTES = 4096;
const LINE_FEED = 10;
const KEY = /^[a-z0-9]{52}$/i;

/**
 * The ticket a command was given: as argument, as `-` (the first line of stdin; what follows stays
 * unread) or in MP2P_TICKET.
 *
 * @returns its text, found to be a ticket or, for a peer met before, a key
 * @throws `MP2P_USAGE` where there is none, `MP2P_TICKET_INVALID` or `MP2P_KEY_INVALID`
 */
export async function ticketFrom(
  argument: string | undefined,
  env: NodeJS.ProcessEnv,
  stdin: Readable,
): Promise<string> {
  const given = argument ?? env.MP2P_TICKET ?? "";
  const text = (given === "-" ? await firstLine(stdin) : given).trim();
  if (text === "") {
    const hint = "give it as argument, as - on stdin, or in MP2P_TICKET";
    throw new CliError("MP2P_USAGE", "no ticket was given", hint);
  }
  if (KEY.test(text)) parseKey(text);
  else parseTicket(text);
  return text;
}

/** @throws {CliError} `MP2P_USAGE` for the ticket of a cast, which only `receive` has a use for */
export function refuseCast(ticket: string): void {
  if (KEY.test(ticket) || !isCastTicket(ticket)) return;
  throw new CliError(
    "MP2P_USAGE",
    "this is the ticket of a cast",
    "receive it: mp2p receive TICKET",
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
