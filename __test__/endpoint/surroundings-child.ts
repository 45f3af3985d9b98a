/**
 * An endpoint that does what its input says, each after a number that the answer repeats: `info` what it knows of groups, `connect KEY MS`,
 * `nearby MS`. Sessions of others are echoed.
 */
import { createInterface } from "node:readline";
import { Mp2pError } from "../../src/base/errors.ts";
import { Endpoint } from "../../src/endpoint/endpoint.ts";
import { Identity } from "../../src/endpoint/identity.ts";
import type { DiscoveryOptions } from "../../src/endpoint/options.ts";

const discovery: DiscoveryOptions = JSON.parse(process.argv[2] ?? "{}");
const endpoint = await Endpoint.open({ identity: await Identity.generate(), discovery });
say("ready", endpoint.keyText);
void accept();
for await (const line of createInterface({ input: process.stdin })) {
  const [number = "", command = "", argument = "", last = ""] = line.split(" ");
  if (command === "info") say(number, info());
  if (command === "connect") void connect(argument, Number(last)).then((what) => say(number, what));
  if (command === "nearby") void nearby(Number(argument)).then((what) => say(number, what));
}

function say(what: string, value: unknown): void {
  process.stdout.write(`${what} ${JSON.stringify(value)}\n`);
}

function info(): unknown {
  const { interfaces, refused, deaf, trouble } = endpoint.multicast ?? {};
  return { interfaces, refused: refused?.map(({ interfaceName }) => interfaceName), deaf, trouble };
}

async function connect(key: string, timeoutMs: number): Promise<unknown> {
  const started = performance.now();
  try {
    await using session = await endpoint.connect(key, { timeoutMs });
    return { path: session.path.kind, ms: Math.round(performance.now() - started) };
  } catch (error) {
    if (!(error instanceof Mp2pError)) throw error;
    return { code: error.code, message: error.message, hint: error.hint };
  }
}

async function nearby(ms: number): Promise<readonly string[]> {
  const keys = new Set<string>();
  for await (const peer of endpoint.nearby({ signal: AbortSignal.timeout(ms) }))
    keys.add(peer.keyText);
  return [...keys];
}

async function accept(): Promise<void> {
  for await (const session of endpoint.sessions()) session.on("path", () => undefined);
}
