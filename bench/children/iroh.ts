/** One stream over `@number0/iroh`: no relay, dialled by its loopback address. */
import { Meter } from "./meter.ts";
import { peerModule, say, task } from "./speak.ts";

interface SendStream {
  writeAll(bytes: number[]): Promise<void>;
  finish(): Promise<void>;
}
interface ReceiveStream {
  read(limit: number): Promise<number[]>;
}
interface Connection {
  openBi(): Promise<{ send: SendStream }>;
  acceptBi(): Promise<{ recv: ReceiveStream }>;
  closed(): Promise<string>;
  close(code: bigint, reason: number[]): void;
}
interface Incoming {
  accept(): Promise<{ connect(): Promise<Connection> }>;
}
interface Endpoint {
  id(): { toString(): string };
  boundSockets(): string[];
  acceptNext(): Promise<Incoming>;
  connect(address: object, alpn: number[]): Promise<Connection>;
}
interface Builder {
  applyMinimal(): void;
  relayMode(mode: object): void;
  alpns(alpns: number[][]): void;
  bindAddr(address: string): void;
  bind(): Promise<Endpoint>;
}
interface Iroh {
  Endpoint: { builder(): Builder };
  EndpointAddr: new (id: object, relay: undefined, addresses: string[]) => object;
  EndpointId: { fromString(text: string): object };
  RelayMode: { disabled(): object };
}

const ALPN = [...Buffer.from("bench")];
const { role, id, address, seconds, writeBytes } = task<{
  role: "receive" | "send";
  id: string;
  address: string;
  seconds: number;
  writeBytes: number;
}>();
const iroh = peerModule<Iroh>("@number0/iroh");

if (role === "receive") await receive();
else await send();
process.exit(0);

async function open(): Promise<Endpoint> {
  const builder = iroh.Endpoint.builder();
  builder.applyMinimal();
  builder.relayMode(iroh.RelayMode.disabled());
  builder.alpns([ALPN]);
  builder.bindAddr("127.0.0.1:0");
  return await builder.bind();
}

async function receive(): Promise<void> {
  const endpoint = await open();
  const bound = endpoint.boundSockets().find((socket) => socket.startsWith("127."));
  say({ t: "ready", id: endpoint.id().toString(), address: bound });
  const connection = await (await (await endpoint.acceptNext()).accept()).connect();
  const { recv } = await connection.acceptBi();
  const meter = new Meter();
  for (;;) {
    const chunk = await recv.read(1 << 20);
    if (chunk.length === 0) break;
    meter.count(chunk.length);
  }
  say({ t: "done", ...meter.rate() });
  connection.close(0n, []);
}

async function send(): Promise<void> {
  const endpoint = await open();
  const peer = new iroh.EndpointAddr(iroh.EndpointId.fromString(id), undefined, [address]);
  const connection = await endpoint.connect(peer, ALPN);
  const { send } = await connection.openBi();
  // Its interface takes plain arrays only; made once, so making it is not what is measured.
  const chunk = new Array<number>(writeBytes).fill(0x5a);
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline) await send.writeAll(chunk);
  await send.finish();
  await connection.closed();
}
