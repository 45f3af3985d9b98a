/** Packets built and opened without any backend, from docs/PROTOCOL.md and node:crypto alone. */
import { createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import {
  type PacketKeys,
  type SendPlan,
  SPAN,
  SPAN_FRAMES,
  SPAN_SYMBOLS,
  SUITE_AES_256_GCM,
} from "../../src/backend/port.ts";
import { ascii, concat } from "../../src/base/bytes.ts";
import { sealedByNode } from "./primitives.ts";

const BULK_OVERHEAD_BYTES = 42;
const SYMBOL_OVERHEAD_BYTES = 40;

/** What a plan has to look like on the wire. */
export function packetsOfPlan(keys: PacketKeys, plan: SendPlan, firstPacket: number): Uint8Array[] {
  return plaintextsOfPlan(plan).map((plain, index) => packet(keys, firstPacket + index, plain));
}

export function packet(keys: PacketKeys, packetNumber: number, plaintext: Uint8Array): Uint8Array {
  const header = Buffer.alloc(15);
  header[0] = 0x56;
  header.set(keys.cid, 1);
  header.writeUIntBE(packetNumber, 9, 6);
  const mask = Buffer.alloc(12);
  mask.writeUInt32BE(keys.lane);
  mask.writeUIntBE(packetNumber, 6, 6);
  const nonce = keys.iv.map((byte, at) => byte ^ (mask[at] as number));
  const cipher = keys.suite === SUITE_AES_256_GCM ? "aes-256-gcm" : "chacha20-poly1305";
  return concat(header, sealedByNode(keys.key, nonce, header, plaintext, cipher));
}

/** What each packet of a plan seals. */
export function plaintextsOfPlan(plan: SendPlan): Uint8Array[] {
  const plaintexts: Uint8Array[] = [];
  for (let span = 0; span < plan.spanCount; span++) {
    const column = (name: Exclude<keyof typeof SPAN, "STRIDE">) =>
      plan.spans[span * SPAN.STRIDE + SPAN[name]] as number;
    const source = plan.sources[column("source")] as Uint8Array;
    const data = source.subarray(column("at"), column("at") + column("length"));
    if (column("kind") === SPAN_FRAMES) {
      plaintexts.push(data);
      continue;
    }
    if (column("kind") === SPAN_SYMBOLS) {
      plaintexts.push(...symbolsOf(data, column("stream"), column("offset"), plan.packetBytes));
      continue;
    }
    const chunk = plan.packetBytes - BULK_OVERHEAD_BYTES;
    for (let from = 0; from === 0 || from < data.length; from += chunk) {
      const isLast = from + chunk >= data.length;
      const header = Buffer.alloc(11);
      header[0] = isLast && column("fin") === 1 ? 0x11 : 0x10;
      header.writeUInt32BE(column("stream"), 1);
      header.writeUIntBE(column("offset") + from, 5, 6);
      plaintexts.push(concat(header, data.subarray(from, from + chunk)));
    }
  }
  return plaintexts;
}

/** @param first - block * 65,536 + number of the first symbol */
function symbolsOf(
  data: Uint8Array,
  object: number,
  first: number,
  packetBytes: number,
): Uint8Array[] {
  const size = packetBytes - SYMBOL_OVERHEAD_BYTES;
  return Array.from({ length: data.length / size }, (_, index) => {
    const header = Buffer.alloc(9);
    header[0] = 0x14;
    header.writeUInt16BE(object, 1);
    header.writeUIntBE(first + index, 3, 6);
    return concat(header, data.subarray(index * size, (index + 1) * size));
  });
}

export interface InitParts {
  readonly mac1Key: Uint8Array;
  readonly scid?: Uint8Array;
  readonly cookie?: Uint8Array;
  readonly version?: number;
  readonly length?: number;
}

/** An INIT whose noise part is filler: the filter looks at the macs only. */
export function init(parts: InitParts): Uint8Array {
  const { scid = ascii("12345678"), version = 1, length = 384 } = parts;
  const covered = new Uint8Array(length - 32).fill(0xaa);
  covered.set([0x50, version, 1, 0]);
  covered.set(scid, 4);
  const mac1 = hmac16(parts.mac1Key, covered);
  const withMac1 = concat(covered, mac1);
  const mac2 = parts.cookie === undefined ? new Uint8Array(16) : hmac16(parts.cookie, withMac1);
  return concat(withMac1, mac2);
}

/** @returns the cookie in a COOKIE packet that answers `init` */
export function openCookie(
  answer: Uint8Array,
  cookieKey: Uint8Array,
  init: Uint8Array,
): Uint8Array {
  const nonce = answer.subarray(12, 36);
  const key = hkdfSync("sha512", cookieKey, nonce, ascii("mp2p/1 cookie box\0"), 32);
  const options = { authTagLength: 16 };
  const zero = new Uint8Array(12);
  const box = createDecipheriv("chacha20-poly1305", new Uint8Array(key), zero, options);
  box.setAAD(init.subarray(init.length - 32, init.length - 16), { plaintextLength: 16 });
  box.setAuthTag(answer.subarray(52, 68));
  return concat(box.update(answer.subarray(36, 52)), box.final());
}

/** RESP, FIN, COOKIE or VERNEG of some length for a connection id. */
export function answerTo(cid: Uint8Array, type: number, length: number): Uint8Array {
  const answer = concat(Uint8Array.of(type, 1, 0, 0), cid, new Uint8Array(400).fill(0x77));
  return answer.slice(0, length);
}

function hmac16(key: Uint8Array, data: Uint8Array): Uint8Array {
  return createHmac("sha512", key).update(data).digest().subarray(0, 16);
}
