import { parseAddress } from "../../base/address.ts";
import { equalSecrets, toHex } from "../../base/bytes.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import type { Addressee, StrangerFilter } from "../port.ts";
import { CidTable } from "./cid-table.ts";
import { type Caller, CookieJar, type CookiePrimitives } from "./cookie-jar.ts";
import { MOST_PACKET_BYTES } from "./packet-opener.ts";
import { SourceBuckets } from "./source-buckets.ts";

const TYPE = {
  init: 0x50,
  resp: 0x51,
  fin: 0x52,
  cookie: 0x53,
  verneg: 0x54,
  announce: 0x58,
} as const;
const INIT_BYTES = 384;
const RESP_BYTES = 320;
const FIN_BYTES = 256;
const COOKIE_BYTES = 68;
const VERNEG_LEAST_BYTES = 12;
const VERSION = 1;
/** Type, version, kind and count; an announcement may be padded to the size of the data it announces. */
const ANNOUNCE_LEAST_BYTES = 4;
const MAC_BYTES = 16;

/** INITs a second from one source that showed a valid cookie. */
const PROVED_PER_SECOND = 20;
const COOKIES_PER_SECOND = 1_000;
/** How long cookies are demanded of everyone after the global bucket ran empty. */
const CALM_MS = 5_000;
const MOST_SOURCES = 4_096;
/** One address has this share of the common rate of announcements. */
const ANNOUNCER_SHARE = 0.1;

export type Verdict =
  | "pass"
  | "cookie"
  | "droppedMalformed"
  | "droppedUnknown"
  | "droppedStrangers"
  | "droppedLimited";

/**
 * Sorts unsealed datagrams before anything above sees them, cheapest test first, as WIRE.md item 17
 * orders: length and type, mac1, valid cookie, rate. No answer to a wrong mac1; no state but the
 * buckets of the sources heard of last.
 */
export class StrangerSorter {
  /** The answer to send where the verdict is `"cookie"`. */
  answer: Uint8Array = new Uint8Array(0);
  readonly #expected = new CidTable<true>();
  readonly #crypto: CookiePrimitives;
  readonly #jar: CookieJar;
  readonly #proved = new SourceBuckets(PROVED_PER_SECOND, PROVED_PER_SECOND, MOST_SOURCES);
  readonly #cookies = new TokenBucket(COOKIES_PER_SECOND);
  #addressees: readonly Addressee[] = [];
  #all = new TokenBucket(0);
  #announcements = new TokenBucket(0);
  #announcers = new SourceBuckets(0, 0, MOST_SOURCES);
  #sources = new SourceBuckets(0, 0, MOST_SOURCES);
  #cookiesUntilMs = Number.NEGATIVE_INFINITY;

  constructor(crypto: CookiePrimitives) {
    this.#crypto = crypto;
    this.#jar = new CookieJar(crypto);
  }

  /** Starts with full buckets. @throws {RangeError} for a key that has not 32 bytes */
  setFilter(filter: StrangerFilter): void {
    for (const { mac1Key, cookieKey } of filter.addressees) {
      if (mac1Key.length !== 32 || cookieKey.length !== 32)
        throw new RangeError("an addressee's keys have 32 bytes");
    }
    this.#addressees = filter.addressees.map(({ mac1Key, cookieKey }) => ({
      mac1Key: mac1Key.slice(),
      cookieKey: cookieKey.slice(),
    }));
    this.#all = new TokenBucket(filter.initsPerSecond);
    this.#announcements = new TokenBucket(filter.announcementsPerSecond);
    const share = filter.announcementsPerSecond * ANNOUNCER_SHARE;
    this.#announcers = new SourceBuckets(share, Math.max(1, share), MOST_SOURCES);
    const { initsPerSourcePerSecond, initsPerSourceBurst } = filter;
    this.#sources = new SourceBuckets(initsPerSourcePerSecond, initsPerSourceBurst, MOST_SOURCES);
    this.#cookiesUntilMs = Number.NEGATIVE_INFINITY;
  }

  expect(cid: Uint8Array): void {
    this.#expected.add(cid, true);
  }

  unexpect(cid: Uint8Array): void {
    this.#expected.delete(cid);
  }

  /**
   * @param source - `"192.0.2.1:5000"` or `"[2001:db8::1]:5000"`
   * @param by - the interface of the group it came by; "" for unicast
   */
  sort(datagram: Uint8Array, source: string, nowMs: number, by = ""): Verdict {
    if (datagram[0] === TYPE.init) return this.#sortInit(datagram, source, nowMs, by);
    if (datagram[0] === TYPE.announce) return this.#sortAnnouncement(datagram, source, nowMs, by);
    if (!isAnswer(datagram)) return "droppedMalformed";
    return this.#expected.find(datagram, 4) === undefined ? "droppedUnknown" : "pass";
  }

  #sortInit(init: Uint8Array, source: string, nowMs: number, by: string): Verdict {
    if (init.length < INIT_BYTES) return "droppedMalformed";
    if (init.length > INIT_BYTES && init[1] === VERSION) return "droppedMalformed";
    const addressee = this.#addresseeOf(init);
    if (addressee === undefined) return "droppedStrangers";
    const address = parseAddress(source);
    if (address === undefined) return "droppedMalformed";
    const from = { address, interface: by };
    const name = bucketName(from);
    if (this.#jar.proves(init, from, nowMs)) {
      return this.#proved.of(name).take(nowMs) ? "pass" : "droppedLimited";
    }
    if (this.#admits(name, nowMs)) return "pass";
    if (!this.#cookies.take(nowMs)) return "droppedLimited";
    this.answer = this.#jar.answer(init, addressee.cookieKey, from, nowMs);
    return "cookie";
  }

  /**
   * One address over its own rate costs the others nothing. Addresses can be made up, so all share
   * a rate, too. By whole addresses: neighbours share the IPv6 /64.
   */
  #sortAnnouncement({ length }: Uint8Array, source: string, nowMs: number, by: string): Verdict {
    const isPossible = length >= ANNOUNCE_LEAST_BYTES && length <= MOST_PACKET_BYTES;
    if (by === "" || !isPossible) return "droppedMalformed";
    const own = this.#announcers.of(`${source.slice(0, source.lastIndexOf(":"))} ${by}`);
    const isAdmitted = own.holdsOne(nowMs) && this.#announcements.take(nowMs) && own.take(nowMs);
    return isAdmitted ? "pass" : "droppedLimited";
  }

  #addresseeOf(init: Uint8Array): Addressee | undefined {
    const covered = init.subarray(0, init.length - 2 * MAC_BYTES);
    const mac1 = init.subarray(covered.length, covered.length + MAC_BYTES);
    return this.#addressees.find(({ mac1Key }) =>
      equalSecrets(this.#crypto.hmacSha512(mac1Key, covered).subarray(0, MAC_BYTES), mac1),
    );
  }

  /** One source over its own rate costs the others nothing: only then is the common bucket asked. */
  #admits(name: string, nowMs: number): boolean {
    const own = this.#sources.of(name);
    if (!own.holdsOne(nowMs)) return false;
    if (!this.#all.take(nowMs)) {
      this.#cookiesUntilMs = nowMs + CALM_MS;
      return false;
    }
    own.take(nowMs);
    return nowMs >= this.#cookiesUntilMs;
  }
}

function isAnswer(datagram: Uint8Array): boolean {
  const { length } = datagram;
  switch (datagram[0]) {
    case TYPE.resp:
      return length === RESP_BYTES;
    case TYPE.fin:
      return length === FIN_BYTES;
    case TYPE.cookie:
      return length === COOKIE_BYTES;
    case TYPE.verneg:
      return length >= VERNEG_LEAST_BYTES && length <= INIT_BYTES;
    default:
      return false;
  }
}

/** IPv4 address or IPv6 /64: what one person can easily have many addresses of. */
function bucketName({ address: { family, bytes }, interface: by }: Caller): string {
  return `${toHex(family === 4 ? bytes : bytes.subarray(0, 8))} ${by}`;
}
