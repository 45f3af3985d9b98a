/** What somebody on the network of a cast can send to its groups: recorded, bent, made up, and sealed by an insider. */
import { createCipheriv, randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import type { Primitives } from "../../src/backend/port.ts";
import type { Endpoint } from "../../src/endpoint/endpoint.ts";
import { authFrame } from "../../src/multicast/cast/auth-frame.ts";
import { channelKeys } from "../../src/multicast/cast/channel-keys.ts";
import { type CastKey, joinRecord, parseKeyRecord } from "../../src/multicast/cast/key-record.ts";
import { RecordStream } from "../../src/multicast/cast/record-stream.ts";
import { RECORD, record } from "../../src/multicast/cast/records.ts";

const LOOPBACK = "127.0.0.1";
const PORT = 6727;
const KEPT = 2048;
const BATCH = 32;
/** Within a replay window of the sender's packet numbers, whatever it sends meanwhile. */
const AHEAD = 20_000;

type Random = (below: number) => number;

/** A socket in the groups: hears what members hear, and sends from an address of its own. */
export class Stranger {
  readonly heard: Buffer[] = [];
  readonly #socket: Socket;
  readonly #group: string;
  address = "";
  /** The highest packet number of the sender's that it heard. */
  newest = 0;

  private constructor(socket: Socket, group: string) {
    this.#socket = socket;
    this.#group = group;
  }

  static async open(group: string): Promise<Stranger> {
    const [listener, speaker] = await Promise.all([bound(PORT), bound(0, LOOPBACK)]);
    listener.addMembership(group, LOOPBACK);
    speaker.setMulticastInterface(LOOPBACK);
    const stranger = new Stranger(speaker, group);
    stranger.address = `${LOOPBACK}:${speaker.address().port}`;
    speaker.on("close", () => listener.close());
    listener.on("message", (bytes, from) => {
      const isOurs = from.port === speaker.address().port;
      if (isOurs || bytes[0] !== 0x56 || bytes.length < 31) return;
      stranger.newest = Math.max(stranger.newest, bytes.readUIntBE(9, 6));
      if (stranger.heard.length < KEPT) stranger.heard.push(bytes);
      else stranger.heard[Math.floor(Math.random() * KEPT)] = bytes;
    });
    return stranger;
  }

  send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.send(bytes, PORT, this.#group, () => resolve()));
  }

  close(): void {
    this.#socket.close();
  }
}

/** Joins a cast as everybody may, for its key. */
export async function castKeyOf(
  insider: Endpoint,
  ticket: string,
  castId: Uint8Array,
): Promise<CastKey> {
  const session = await insider.connect(ticket);
  const stream = await session.openStream({ service: "cast/1" });
  return new Promise((resolve) => {
    const records = new RecordStream((type, body) => {
      const key = type === RECORD.KEY ? parseKeyRecord(body) : undefined;
      if (key !== undefined) resolve(key);
    });
    stream.consume((bytes) => void records.push(bytes));
    const proof = new Uint8Array(0);
    stream.write(joinRecord({ castId, suites: [1, 2], receiveBufferBytes: 1 << 20, proof }));
    stream.write(record(RECORD.DECLINE, Uint8Array.of(0)));
  });
}

/** Packets under the keys of a cast, as any receiver can make them. */
export class Insider {
  readonly #key: CastKey;
  readonly #primitives: Primitives;
  readonly #castId: Uint8Array;
  #made = 0;

  constructor(primitives: Primitives, key: CastKey, castId: Uint8Array) {
    this.#primitives = primitives;
    this.#key = key;
    this.#castId = castId;
  }

  /** @param newest - the sender's packet number: those that it has used are old */
  seal(plaintext: Uint8Array, channel: number, newest: number): Buffer {
    const { key, iv, cid, suite } = channelKeys(
      this.#primitives,
      this.#key.senderKey,
      this.#key.suite,
      channel,
    );
    const packet = newest + AHEAD + (this.#made++ % AHEAD);
    const header = Buffer.alloc(15);
    header[0] = 0x56;
    header.set(cid, 1);
    header.writeUIntBE(packet, 9, 6);
    const nonce = Buffer.from(iv);
    const number = Buffer.alloc(8);
    number.writeBigUInt64BE(BigInt(packet));
    for (let at = 0; at < 8; at++)
      nonce[4 + at] = (nonce[4 + at] as number) ^ (number[at] as number);
    const name = suite === 1 ? "chacha20-poly1305" : "aes-256-gcm";
    const cipher = createCipheriv(name as "aes-256-gcm", key, nonce, { authTagLength: 16 });
    cipher.setAAD(header);
    return Buffer.concat([header, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }

  symbol(block: number, symbol: number): Buffer {
    const bytes = randomBytes(this.#key.packetBytes - 31);
    bytes[0] = 0x14;
    bytes.writeUInt16BE(1, 1);
    bytes.writeUInt32BE(block, 3);
    bytes.writeUInt16BE(symbol, 7);
    return bytes;
  }

  auth(): Uint8Array {
    const signer = {
      primitives: this.#primitives,
      castId: this.#castId,
      authSeed: randomBytes(32),
    };
    const stamp = randomBytes(4).readUInt32BE();
    const head = { stamp, sentBlocks: 0xffff_ffff, statusIntervalMs: 1, receivers: 1 };
    return authFrame(signer, { ...head, report: true }, { first: 0, hashes: [randomBytes(32)] });
  }
}

export interface Attacked {
  /** In the group of the cast. */
  readonly stranger: Stranger;
  /** In the group of another cast. */
  readonly other: Stranger;
  readonly insider: Insider;
  readonly blocks: number;
}

/** Many windows of packet numbers. */
const FAR = 2 ** 30;

type Attack = (attacked: Attacked, random: Random) => Uint8Array;

const sample = (from: Stranger, random: Random): Buffer =>
  from.heard[random(from.heard.length)] ?? Buffer.from([0x56]);

const ATTACKS: Readonly<Record<string, Attack>> = {
  random: (_, random) => {
    const bytes = randomBytes(1 + random(1450));
    bytes[0] = 0x56;
    return bytes;
  },
  truncated: ({ stranger }, random) => {
    const bytes = sample(stranger, random);
    return bytes.subarray(0, 1 + random(bytes.length));
  },
  "one bit flipped": ({ stranger }, random) => {
    const forged = Buffer.from(sample(stranger, random));
    const bit = 8 + random((forged.length - 1) * 8);
    forged[bit >> 3] = (forged[bit >> 3] as number) ^ (1 << (bit & 7));
    return forged;
  },
  replayed: ({ stranger }, random) => sample(stranger, random),
  "of another cast": ({ other }, random) => sample(other, random),
  "of another cast under this one's id": ({ stranger, other }, random) => {
    const forged = Buffer.from(sample(other, random));
    sample(stranger, random).copy(forged, 1, 1, 9);
    return forged;
  },
  "an insider's symbol": ({ insider, stranger, blocks }, random) =>
    insider.seal(insider.symbol(random(blocks), random(192)), 0, stranger.newest),
  "an insider's word": ({ insider, stranger }) => insider.seal(insider.auth(), 0, stranger.newest),
  "an insider's number from far ahead": ({ insider, stranger }, random) =>
    insider.seal(insider.auth(), 0, stranger.newest + FAR + random(FAR)),
};

/** @returns how many were sent */
export async function flood(
  attacked: Attacked,
  count: number,
  isOver: () => boolean,
): Promise<number> {
  const random = (below: number) => Math.floor(Math.random() * below);
  const attacks = Object.values(ATTACKS);
  let sent = 0;
  while (sent < count && !isOver()) {
    const sends: Promise<void>[] = [];
    for (let index = 0; index < BATCH; index++) {
      const attack = attacks[sent++ % attacks.length] as Attack;
      sends.push(attacked.stranger.send(attack(attacked, random)));
    }
    await Promise.all(sends);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return sent;
}

function bound(port: number, address?: string): Promise<Socket> {
  const socket = createSocket({ type: "udp4", reuseAddr: true, recvBufferSize: 1 << 20 });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, address, () => resolve(socket));
  });
}
