/** `mp2p classic …`: what there is. Loaded for `--help`, so it imports no command. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Context } from "../context.ts";
import type { GlobalOptions } from "../options.ts";

export interface ClassicServeOptions extends GlobalOptions {
  readonly interface: string;
  readonly port: number;
  readonly reply?: string;
  readonly ipv4?: true;
  readonly prefix?: true;
  readonly allow?: readonly string[];
  readonly classicSameKey?: true;
}

export interface ClassicCallOptions extends GlobalOptions {
  readonly interface: string;
  readonly address: string;
  readonly key: string;
  readonly text: string;
  readonly port: number;
  readonly classicSameKey?: true;
  /** Milliseconds. */
  readonly timeout: number;
}

type Execute = (
  options: GlobalOptions,
  traits: Record<string, never>,
  command: (context: Context) => Promise<void>,
) => Promise<void>;

const ORIGINAL_PORT = 1024;

/** @param timeout - the option that all commands share */
export function addClassic(program: Command, execute: Execute, timeout: Option): void {
  const classic = program
    .command("classic")
    .description("speak the original Go mp2p; weaker than mp2p/1: docs/CLASSIC.md");
  classic
    .command("serve")
    .description("print address and key, then what is heard")
    .addOption(interfaceOption())
    .addOption(portOption("port to listen on"))
    .option("--reply <text>", "what every message is answered with (default: the message)")
    .option("--ipv4", "take an IPv4 group")
    .option("--prefix", "take an IPv6 group with this network's prefix")
    .option("--allow <key...>", "hear these keys only, 64 hex digits each")
    .addOption(sameKeyOption())
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<ClassicServeOptions>();
      await execute(options, {}, async (context) =>
        (await import("./classic-serve.ts")).classicServe(options, context),
      );
    });
  classic
    .command("call")
    .description("send one message and print the answer")
    .addOption(interfaceOption())
    .requiredOption("--address <group>", "the server's address, as it prints it")
    .requiredOption("--key <hex>", "the server's key, 64 hex digits")
    .requiredOption("--text <text>", "the message")
    .addOption(portOption("the server's port"))
    .addOption(sameKeyOption())
    .addOption(timeout)
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<ClassicCallOptions>();
      await execute(options, {}, async (context) =>
        (await import("./classic-call.ts")).classicCall(options, context),
      );
    });
}

function interfaceOption(): Option {
  return new Option("--interface <name>", "network interface, such as eth0").makeOptionMandatory();
}

function portOption(description: string): Option {
  return new Option("--port <n>", description).default(ORIGINAL_PORT).argParser((text) => {
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (port >= 1 && port <= 65_535) return port;
    throw new InvalidArgumentError("give a port, 1 to 65535.");
  });
}

function sameKeyOption(): Option {
  return new Option(
    "--classic-same-key",
    "use this device's own key instead of one derived from it",
  );
}
