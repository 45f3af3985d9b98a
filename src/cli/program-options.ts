/** Options that several commands have, and how their values are read. Loaded for `--help` too. */
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  bindAddresses,
  bytesPerSecond,
  DISCOVERY,
  durationMs,
  ON_CONFLICT,
  SCOPE,
} from "./options.ts";

const TEN_MINUTES_MS = 600_000;
const TWENTY_SECONDS_MS = 20_000;

/** What every command has that opens an endpoint. */
export function addNetworkOptions(command: Command): void {
  command
    .addOption(bindOption())
    .addOption(
      new Option("--discovery <mode>", "being found on the local network (default: on)").choices(
        DISCOVERY,
      ),
    )
    .addOption(
      new Option("--scope <scope>", "how far packets to groups go (default: link)").choices(SCOPE),
    )
    .addOption(listOption("--group <address>", "listen on this multicast group too"))
    .addOption(listOption("--interface <name>", "use groups on this interface only"));
}

function listOption(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`).argParser(
    (text, before: readonly string[] = []) => [...before, text],
  );
}

function bindOption(): Option {
  return new Option(
    "--bind <addr:port>",
    "local address; may be repeated (default: all)",
  ).argParser((text, before: readonly string[] = []) => {
    const addresses = bindAddresses(text);
    if (addresses === undefined)
      throw new InvalidArgumentError("give ADDR:PORT, [IPV6]:PORT or PORT.");
    return [...before, ...addresses];
  });
}

export function waitOption(description: string): Option {
  return durationOption("--wait <time>", description).default(TEN_MINUTES_MS, "10m");
}

export function timeoutOption(): Option {
  return durationOption("--timeout <time>", "how long to try to reach the peer").default(
    TWENTY_SECONDS_MS,
    "20s",
  );
}

export function durationOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const ms = durationMs(text);
    if (ms === undefined) throw new InvalidArgumentError("give a time such as 90s, 10m or 2h.");
    return ms;
  });
}

export function countOption(flags: string, description: string): Option {
  return new Option(flags, description).default(1).argParser((text) => {
    const count = Number(text);
    if (!Number.isInteger(count) || count < 1)
      throw new InvalidArgumentError("give a number from 1.");
    return count;
  });
}

export function rateOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const rate = bytesPerSecond(text);
    if (rate === undefined) throw new InvalidArgumentError("give a rate such as 25MB or 200Mbit.");
    return rate;
  });
}

export function conflictOption(): Option {
  return new Option("--on-conflict <how>", "what to do with files that exist")
    .choices(ON_CONFLICT)
    .default("ask");
}
