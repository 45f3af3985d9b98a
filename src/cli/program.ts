/** The command line: what there is, and nothing about how it is done, so that `--help` loads nothing. */
import { Command, CommanderError, Option } from "commander";
import { addClassic } from "./commands/classic.ts";
import type { Context } from "./context.ts";
import type { CommandTraits } from "./execute.ts";
import {
  ACCEPT,
  CAST_POLICY,
  type CastCommandOptions,
  type ConnectOptions,
  type DoctorOptions,
  type GlobalOptions,
  type IdOptions,
  type ListenOptions,
  type PeersOptions,
  type ReceiveOptions,
  type SendOptions,
} from "./options.ts";
import { abortOnLostOutput, flushed } from "./outputs.ts";
import {
  addNetworkOptions,
  conflictOption,
  countOption,
  durationOption,
  rateOption,
  timeoutOption,
  waitOption,
} from "./program-options.ts";

/** Equal to package.json's, which a test checks. */
export const VERSION = "0.1.0";
const USAGE_ERROR = 2;
const USAGE_HINT = "mp2p COMMAND --help shows what there is";
const TWO_SECONDS_MS = 2000;
const CAST_RESUMES = "cast the same again: receivers go on with what they have";
const RESUMES = "run the same command again: what is verified is not sent twice";

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const { stdout, stderr } = process;
  const lost = abortOnLostOutput([stdout, stderr]);
  let exitCode = 0;
  const runCommand: Execute = async (options, traits, command) => {
    const { execute } = await import("./execute.ts");
    exitCode = await execute(options, traits, command, lost);
  };
  const program = buildProgram(runCommand);
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    await Promise.allSettled([flushed(stdout), flushed(stderr)]);
    if (error.exitCode === 0) {
      // Help and version are output like any other.
      if (lost.aborted) await runCommand(program.opts<GlobalOptions>(), {}, async () => {});
      return exitCode;
    }
    const isBare = error.code === "commander.help";
    if (args.includes("--json")) {
      await reportUsage(args, isBare ? "no command was given" : error.message);
    }
    return USAGE_ERROR;
  }
}

type Execute = (
  options: GlobalOptions,
  traits: CommandTraits,
  command: (context: Context) => Promise<void>,
) => Promise<void>;

export function buildProgram(execute: Execute): Command {
  const program = new Command("mp2p")
    .description("Send files and streams between devices, encrypted, by public key.")
    .version(`mp2p ${VERSION}`, "-V, --version")
    .option("--json", "one event a line on stdout, for scripts (docs/CLI.md)")
    .option("-q, --quiet", "only results and errors")
    .option("-v, --verbose", "also paths, backend and the cause of errors")
    .option("--no-color", "plain text (as NO_COLOR does)")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError(`(${USAGE_HINT})`)
    .enablePositionalOptions(false)
    .exitOverride();
  addId(program, execute);
  addSend(program, execute);
  addReceive(program, execute);
  addCast(program, execute);
  addListen(program, execute);
  addConnect(program, execute);
  addDoctor(program, execute);
  addPeers(program, execute);
  for (const command of program.commands) if (command.name() !== "id") addNetworkOptions(command);
  addClassic(program, execute, timeoutOption());
  return program;
}

function addId(program: Command, execute: Execute): void {
  program
    .command("id")
    .description("print this device's key; made at the first call")
    .option("--qr", "also as a QR code")
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<IdOptions>();
      await execute(options, {}, async (context) =>
        (await import("./commands/id.ts")).id(options, context),
      );
    });
}

function addSend(program: Command, execute: Execute): void {
  program
    .command("send")
    .description("send files and folders; without --to, print a ticket and wait for the receiver")
    .argument("<path...>", "files and folders")
    .option("--to <ticket>", "ticket or key of a waiting `mp2p listen`; - reads it from stdin")
    .addOption(waitOption("how long to wait for the receiver"))
    .addOption(timeoutOption())
    .option("--portable", "refuse names that some systems cannot hold")
    .option("--qr", "show the ticket as a QR code too")
    .action(async (paths: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<SendOptions>();
      const usageOf = (ticket: string) => `mp2p receive ${ticket}`;
      await execute(options, { usageOf, continueHint: RESUMES }, async (context) =>
        (await import("./commands/send.ts")).send(paths, options, context),
      );
    });
}

function addReceive(program: Command, execute: Execute): void {
  program
    .command("receive")
    .alias("recv")
    .description("receive what a waiting `mp2p send` offers, or `mp2p cast` casts")
    .argument("[ticket]", "the sender's ticket; - reads it from stdin; default: MP2P_TICKET")
    .option("-o, --output <dir>", "folder to write into; - writes a live cast to stdout", ".")
    .option("-y, --yes", "do not ask")
    .addOption(conflictOption())
    .option("--durable", "sync every file to disk before it counts")
    .addOption(timeoutOption())
    .action(async (ticket: string | undefined, _options, command: Command) => {
      const options = command.optsWithGlobals<ReceiveOptions>();
      const isPipe = options.output === "-";
      // What is live cannot be gone on with.
      const traits = isPipe ? { isPipe } : { continueHint: RESUMES };
      await execute(options, traits, async (context) =>
        (await import("./commands/receive.ts")).receive(ticket, options, context),
      );
    });
}

function addCast(program: Command, execute: Execute): void {
  program
    .command("cast")
    .description("send files and folders to any number of receivers at once, each byte once")
    .argument("<path...>", "files and folders; - casts stdin live")
    .addOption(countOption("--min <n>", "receivers to wait for before it begins"))
    .addOption(waitOption("how long to wait for them; then it begins with those that came"))
    .addOption(
      new Option("--policy <who>", "whom the rate follows").choices(CAST_POLICY).default("slowest"),
    )
    .option("--require <key...>", "the receivers that --policy required means")
    .addOption(rateOption("--floor <rate>", "receivers slower than this get the rest by unicast"))
    .addOption(
      rateOption("--rate <rate>", "send at this rate, 25MB or 200Mbit a second (default: found)"),
    )
    .addOption(new Option("--secret", "let in whoever has the ticket (default)"))
    .addOption(
      new Option("--open", "let in everybody, and inboxes that trust this device").conflicts([
        "secret",
        "allow",
      ]),
    )
    .addOption(
      new Option("--allow <key...>", "let in these keys only, their inboxes too").conflicts(
        "secret",
      ),
    )
    .option("--portable", "leave out names that some systems cannot hold")
    .option("--qr", "show the ticket as a QR code too")
    .action(async (paths: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<CastCommandOptions>();
      if (paths.includes("-") && paths.length > 1) {
        command.error("error: - cannot be cast together with files", { exitCode: USAGE_ERROR });
      }
      if ((options.policy === "required") !== (options.require !== undefined)) {
        const message = "error: --policy required and --require KEY belong together";
        command.error(message, { exitCode: USAGE_ERROR });
      }
      const isLive = paths[0] === "-";
      const usageOf = (ticket: string) => `mp2p receive ${ticket}${isLive ? " -o -" : ""}`;
      const traits = isLive ? { usageOf } : { usageOf, continueHint: CAST_RESUMES };
      await execute(options, traits, async (context) =>
        (await import("./commands/cast.ts")).cast(paths, options, context),
      );
    });
}

function addListen(program: Command, execute: Execute): void {
  program
    .command("listen")
    .description(
      "wait for peers: an inbox for files and casts (--into), or one end of a pipe (--pipe)",
    )
    .option("--into <dir>", "receive files into this folder")
    .option("--pipe", "join stdin and stdout with those of one `mp2p connect`")
    .addOption(
      new Option("--accept <whom>", "default: trusted with --allow, else ask").choices(ACCEPT),
    )
    .option("--allow <key...>", "trust these keys, and their casts, besides MP2P_HOME/contacts")
    .option("--once", "end after the first accepted transfer")
    .addOption(conflictOption())
    .option("--durable", "sync every file to disk before it counts")
    .addOption(waitOption("how long --pipe without --allow waits for its peer"))
    .option("--qr", "show the ticket as a QR code too")
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<ListenOptions>();
      if ((options.pipe === true) === (options.into !== undefined)) {
        command.error("error: give one of --into DIR and --pipe", { exitCode: USAGE_ERROR });
      }
      const isPipe = options.pipe === true;
      const usageOf = (ticket: string) =>
        isPipe ? `mp2p connect ${ticket}` : `mp2p send PATH… --to ${ticket}`;
      await execute(options, { usageOf, isPipe, isInbox: !isPipe }, async (context) =>
        isPipe
          ? (await import("./commands/listen-pipe.ts")).listenPipe(options, context)
          : (await import("./commands/listen.ts")).listen(options, context),
      );
    });
}

function addConnect(program: Command, execute: Execute): void {
  program
    .command("connect")
    .description("join stdin and stdout with those of a waiting `mp2p listen --pipe`")
    .argument(
      "[ticket]",
      "its ticket; - reads it from the first line of stdin; default: MP2P_TICKET",
    )
    .addOption(timeoutOption())
    .action(async (ticket: string | undefined, _options, command: Command) => {
      const options = command.optsWithGlobals<ConnectOptions>();
      await execute(options, { isPipe: true }, async (context) =>
        (await import("./commands/connect.ts")).connect(ticket, options, context),
      );
    });
}

function addDoctor(program: Command, execute: Execute): void {
  program
    .command("doctor")
    .description("check this device: identity, backend, buffers, addresses")
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<DoctorOptions>();
      await execute(options, {}, async (context) =>
        (await import("./commands/doctor.ts")).doctor(options, context),
      );
    });
}

function addPeers(program: Command, execute: Execute): void {
  program
    .command("peers")
    .description("list peers: --nearby, those on the local network")
    .requiredOption("--nearby", "those that are on the local network now")
    .addOption(durationOption("--wait <time>", "how long to listen").default(TWO_SECONDS_MS, "2s"))
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<PeersOptions>();
      await execute(options, {}, async (context) =>
        (await import("./commands/peers.ts")).peers(options, context),
      );
    });
}

async function reportUsage(args: readonly string[], message: string): Promise<void> {
  const { JsonReporter } = await import("./json-reporter.ts");
  const output = isForPipe(args) ? process.stderr : process.stdout;
  const reporter = new JsonReporter(output, () => Date.now());
  const said = message.replace(/^error: /, "");
  reporter.emit({ t: "error", code: "MP2P_USAGE", message: said, hint: USAGE_HINT });
}

/** Whether stdout is for data, as far as a command line says that is wrong. */
function isForPipe(args: readonly string[]): boolean {
  const command = args.find((arg) => !arg.startsWith("-"));
  const output = args.findIndex((arg) => arg === "-o" || arg === "--output");
  return (
    command === "connect" || args.includes("--pipe") || (output >= 0 && args[output + 1] === "-")
  );
}
