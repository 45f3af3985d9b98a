/**
 * The bare loop under the fallback: libsodium seals, `node:dgram` carries, libsodium opens.
 * No acknowledgement, no order, no loss recovery; the rate is what the receiver has opened.
 */
import { createSocket, type Socket } from "node:dgram";

import sodium from "libsodium-wrappers";

import { Meter } from "./meter.ts";
import { say, task } from "./speak.ts";

/** The same packet as mp2p's: 15-byte header, 16-byte tag, 1,450 bytes in all. */
const PACKET_BYTES = 1450;
const HEADER_BYTES = 15;
const TAG_BYTES = 16;
const FRAME_BYTES = PACKET_BYTES - HEADER_BYTES - TAG_BYTES;
/** An empty sealed frame ends the run; sent several times, as any one may be lost. */
const END_REPEATS = 20;
/** Sends given to the kernel and not yet confirmed; deeper queues gain nothing. */
const IN_FLIGHT = 64;
const BUFFER_BYTES = 4 << 20;
const KEY = new Uint8Array(32).fill(7);

const { role, port, seconds } = task<{ role: "receive" | "send"; port: number; seconds: number }>();
await sodium.ready;
const socket = createSocket("udp4");
if (role === "receive") receive(socket);
else send(socket);

function receive(socket: Socket): void {
  const meter = new Meter();
  const nonce = new Uint8Array(12);
  socket.on("message", (packet) => {
    const header = packet.subarray(0, HEADER_BYTES);
    nonce.set(packet.subarray(9, HEADER_BYTES), 6);
    const sealed = packet.subarray(HEADER_BYTES);
    const frame = sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
      null,
      sealed,
      header,
      nonce,
      KEY,
    );
    if (frame.length > 0) {
      meter.count(frame.length);
      return;
    }
    say({ t: "done", ...meter.rate() });
    process.exit(0);
  });
  socket.bind(0, "127.0.0.1", () => {
    socket.setRecvBufferSize(BUFFER_BYTES);
    say({ t: "ready", port: socket.address().port });
  });
}

function send(socket: Socket): void {
  const frame = new Uint8Array(FRAME_BYTES).fill(0x5a);
  const nonce = new Uint8Array(12);
  let packetNumber = 0;
  const seal = (plaintext: Uint8Array): Uint8Array[] => {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUIntBE(packetNumber++, 9, 6);
    nonce.set(header.subarray(9), 6);
    return [
      header,
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, header, null, nonce, KEY),
    ];
  };
  socket.connect(port, "127.0.0.1", () => {
    const deadline = performance.now() + seconds * 1000;
    let inFlight = 0;
    const fill = (): void => {
      while (inFlight < IN_FLIGHT && performance.now() < deadline) {
        inFlight++;
        socket.send(seal(frame), () => {
          inFlight--;
          fill();
        });
      }
      if (inFlight === 0) end();
    };
    const end = (): void => {
      let left = END_REPEATS;
      const timer = setInterval(() => {
        if (left-- === 0) {
          clearInterval(timer);
          socket.close();
        } else socket.send(seal(new Uint8Array(0)));
      }, 50);
    };
    fill();
  });
  // The receiver leaves first; its port then refuses.
  socket.on("error", () => process.exit(0));
}
