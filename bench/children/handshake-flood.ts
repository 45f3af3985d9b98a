/**
 * A live endpoint that is dialled, and a process that computed its INITs beforehand: IK, each by an
 * identity of its own, from a hundred loopback addresses so that no source looks like a flood.
 */
import { createSocket, type Socket } from "node:dgram";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { Endpoint, Identity } from "../../src/index.ts";
import { PACKET } from "../../src/wire/handshake-packets.ts";

import { initBy, strangers } from "./inits.ts";
import { loopbackAddress } from "./loopback.ts";
import { say, task } from "./speak.ts";

/** Each sends below what an endpoint keeps pending for one source. */
const PER_ADDRESS = 50;
/** INITs unanswered at a time: a full queue at the responder, never an overflowing one. */
const IN_FLIGHT = 64;
/** Answers before the clock starts. */
const WARM_UP_SHARE = 0.2;
/** Nothing arrives any more: what is missing was lost. */
const SILENCE_MS = 1000;

const { role, port, key, staticKey, count } = task<{
  role: "serve" | "dial";
  port: number;
  key: string;
  staticKey: string;
  count: number;
}>();

if (role === "serve") await serve();
else await dial();

async function serve(): Promise<void> {
  const identity = await Identity.generate();
  const limits = {
    handshakesPerSecond: 1e6,
    handshakesPerSourcePerSecond: 1e6,
    handshakesPerSourceBurst: 1e6,
  };
  const endpoint = await Endpoint.open({ identity, bind: ["127.0.0.1:0"], limits });
  const address = endpoint.addresses[0] ?? "";
  say({
    t: "ready",
    port: Number(address.slice(address.lastIndexOf(":") + 1)),
    key: toHex(identity.key),
    staticKey: toHex(identity.staticPublic),
  });
}

async function dial(): Promise<void> {
  const responder = {
    key: fromHex(key) as Uint8Array,
    staticKey: fromHex(staticKey) as Uint8Array,
  };
  const inits: Uint8Array[] = [];
  for (const stranger of await strangers(count)) inits.push(initBy(stranger, responder));
  const addresses = Math.ceil(count / PER_ADDRESS);
  const sockets = await Promise.all(Array.from({ length: addresses }, (_, n) => bound(n)));

  let next = 0;
  let answered = 0;
  let warmAt = 0;
  let lastAt = 0;
  const warm = Math.floor(count * WARM_UP_SHARE);
  const send = (): void => {
    const init = inits[next];
    if (init === undefined) return;
    sockets[Math.floor(next++ / PER_ADDRESS)]?.send(init, port, "127.0.0.1");
  };
  for (const socket of sockets) {
    socket.on("message", (packet) => {
      if (packet[0] !== PACKET.response) return;
      lastAt = performance.now();
      if (++answered === warm) warmAt = lastAt;
      send();
    });
  }
  for (let n = 0; n < IN_FLIGHT; n++) send();
  await quiet(
    () => answered === count,
    () => lastAt,
  );
  const perSecond = ((answered - warm) / (lastAt - warmAt)) * 1000;
  say({ t: "done", answered, lost: count - answered, perSecond });
  for (const socket of sockets) socket.close();
}

async function bound(n: number): Promise<Socket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, loopbackAddress(n), resolve));
  return socket;
}

async function quiet(complete: () => boolean, lastAt: () => number): Promise<void> {
  const started = performance.now();
  while (!complete()) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (performance.now() - Math.max(started, lastAt()) > SILENCE_MS) return;
  }
}
