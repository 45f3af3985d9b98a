/** One stream over hyperdht's Noise stream, with a DHT of its own on loopback. */
import type { Duplex } from "node:stream";

import { Meter } from "./meter.ts";
import { pour } from "./pour.ts";
import { peerModule, say, task } from "./speak.ts";

interface Server {
  listen(): Promise<void>;
  readonly publicKey: Uint8Array;
}
interface Node {
  createServer(onConnection: (stream: Duplex) => void): Server;
  connect(publicKey: Uint8Array): Duplex;
  destroy(): Promise<void>;
}
type Bootstrap = readonly { host: string; port: number }[];
interface NodeOptions {
  readonly bootstrap: Bootstrap;
  readonly host: string;
  readonly ephemeral: boolean;
  readonly firewalled: boolean;
}
type NodeClass = new (options: NodeOptions) => Node;
type CreateTestnet = (size: number) => Promise<{ bootstrap: Bootstrap }>;

const { role, bootstrap, publicKey, seconds, writeBytes } = task<{
  role: "receive" | "send";
  bootstrap: Bootstrap;
  publicKey: string;
  seconds: number;
  writeBytes: number;
}>();
/** Both are reachable: taken for firewalled, two processes of one host meet only every other time. */
const REACHABLE = { host: "127.0.0.1", ephemeral: true, firewalled: false } as const;
const DHT = peerModule<NodeClass>("hyperdht");

if (role === "receive") await receive();
else send();

async function receive(): Promise<void> {
  const testnet = await peerModule<CreateTestnet>("hyperdht/testnet")(3);
  const server = new DHT({ bootstrap: testnet.bootstrap, ...REACHABLE }).createServer((stream) => {
    const meter = new Meter();
    stream.on("data", (chunk: Uint8Array) => meter.count(chunk.length));
    stream.on("end", () => {
      say({ t: "done", ...meter.rate() });
      process.exit(0);
    });
  });
  await server.listen();
  say({
    t: "ready",
    bootstrap: testnet.bootstrap,
    publicKey: Buffer.from(server.publicKey).toString("hex"),
  });
}

function send(): void {
  const stream = new DHT({ bootstrap, ...REACHABLE }).connect(Buffer.from(publicKey, "hex"));
  let opened = false;
  stream.on("open", () => {
    opened = true;
    pour(stream, seconds, writeBytes);
  });
  stream.on("error", (error) => {
    // The receiver ends its process when it has everything.
    if (opened) process.exit(0);
    say({ t: "error", code: "connect", message: error.message });
    process.exit(1);
  });
}
