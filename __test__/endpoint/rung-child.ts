/**
 * One endpoint in a process of its own. `listen` echoes every stream; `connect` dials the key it is
 * given and then does what its input says: `exchange N` sends N bytes and compares what comes back.
 */
import { createInterface } from "node:readline";
import { Endpoint } from "../../src/endpoint/endpoint.ts";
import { Identity } from "../../src/endpoint/identity.ts";
import type { DiscoveryOptions, EndpointLimits } from "../../src/endpoint/options.ts";
import type { Session } from "../../src/endpoint/session.ts";

interface Task {
  readonly key?: string;
  readonly discovery?: DiscoveryOptions;
  readonly limits?: EndpointLimits;
}

const { key, discovery = {}, limits = {} }: Task = JSON.parse(process.argv[2] ?? "{}");
const endpoint = await Endpoint.open({ identity: await Identity.generate(), discovery, limits });
if (key === undefined) await listen();
else await connect(key);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function listen(): Promise<void> {
  say(`ready ${endpoint.keyText}`);
  for await (const session of endpoint.sessions()) void echo(session);
}

async function echo(session: Session): Promise<void> {
  session.on("path", ({ kind, address }) => say(`path ${kind} ${address}`));
  for await (const stream of session.streams()) {
    stream.on("error", () => undefined);
    stream.pipe(stream);
  }
}

async function connect(peer: string): Promise<void> {
  const started = performance.now();
  const session = await endpoint.connect(peer);
  say(`connected ${Math.round(performance.now() - started)}`);
  for await (const line of createInterface({ input: process.stdin })) {
    const [, bytes = ""] = line.split(" ");
    const same = await exchange(session, Number(bytes));
    say(`exchanged ${bytes} ${same ? "same" : "different"} ${session.path.kind}`);
  }
}

async function exchange(session: Session, bytes: number): Promise<boolean> {
  const sent = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) sent[at] = (at * 167 + (at >> 8) + bytes) & 0xff;
  const stream = await session.openStream();
  stream.end(sent);
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part as Uint8Array);
  return Buffer.concat(parts).equals(sent);
}
