/** What an endpoint is opened with, its defaults and their checks. */
import type { Backend, Primitives, StrangerFilter } from "../backend/port.ts";
import { GROUP_BITS_PER_SECOND } from "../path/properties.ts";
import type { Limits } from "../wire/limits.ts";
import type { Allow } from "./admission.ts";
import type { Identity } from "./identity.ts";

/**
 * What this side grants each session. Defaults: `connectionCreditBytes` 16 MiB, `streamCreditBytes` 4 MiB, 1,024 streams
 * of either kind open at once (those that ended do not count), `largestPacketBytes` 1,472, `idleSeconds` 600.
 */
export interface EndpointLimits extends Partial<Limits> {
  /** Handshakes by strangers admitted a second before cookies are demanded. */
  readonly handshakesPerSecond?: number;
  /** The same from one IPv4 address or IPv6 /64; more need a cookie, which every honest caller sends. */
  readonly handshakesPerSourcePerSecond?: number;
  /** Burst of one source. */
  readonly handshakesPerSourceBurst?: number;
}

/** How far packets to groups go: routers that carry multicast pass on those with hops left. */
export type DiscoveryScope = "link" | "site" | "organisation" | "global";

export interface DiscoveryOptions {
  /**
   * `"on"` (default): this endpoint announces itself to its network and is found there by its key.
   * `"private"`: found all the same, but its announcements say nothing to whoever lacks its key.
   * `"off"`: no multicast at all.
   */
  readonly mode?: "on" | "private" | "off";
  /** Default `"link"`: nothing leaves the network we are attached to. */
  readonly scope?: DiscoveryScope;
  /** Listened on besides those of our key: `"ff15::8000:1"`, `"239.255.7.7"`, `"SOURCE@GROUP"`. */
  readonly groups?: readonly string[];
  /**
   * Names of the interfaces to use, now or as soon as they come (`endpoint.multicast.missing`); default: all that are
   * up, loopback where there is nothing else.
   */
  readonly interfaces?: readonly string[];
  /**
   * Most that one session sends through a group, where its peer cannot be reached otherwise; default
   * 8,000,000, at least 100,000. Everybody on the link gets what goes there, and Wi-Fi slows down for it.
   */
  readonly bitsPerSecond?: number;
}

export interface EndpointOptions {
  readonly identity: Identity;
  /** `"0.0.0.0:0"`, `"[::]:0"`, `"192.0.2.1:4000"`; port 0: the system chooses. Default: both wildcards. */
  readonly bind?: readonly string[];
  /** Default: `MP2P_BACKEND`, else the native one where there is one. */
  readonly backend?: "auto" | "native" | "fallback";
  /** Who may open sessions to us; default: everybody who knows our key. */
  readonly allow?: Allow;
  readonly limits?: EndpointLimits;
  /**
   * Whether the key alone reaches this endpoint, so that it also announces itself; default: unless `allow` is an
   * empty list. With `false` only those reach it who have its ticket, or hear of its cast: the key is left to
   * another endpoint of it.
   */
  readonly byKey?: boolean;
  /**
   * Stream services this endpoint knows; streams of others are refused. Default: `""`, which is `openStream()`
   * without one, and `"transfer/1"`, which is files: name them too if you want them besides your own.
   */
  readonly services?: readonly string[];
  /** Network name: endpoints of different names do not hear each other. */
  readonly network?: string;
  readonly congestion?: "rate" | "cubic";
  /** Being found on the local network, and finding; multicast as a whole. */
  readonly discovery?: DiscoveryOptions;
  /** Closes the endpoint. */
  readonly signal?: AbortSignal;
}

export const DEFAULT_SERVICES: readonly string[] = ["", "transfer/1"];
export const DEFAULT_BIND: readonly string[] = ["0.0.0.0:0", "[::]:0"];

const HOP_LIMIT: Readonly<Record<DiscoveryScope, number>> = {
  link: 1,
  site: 16,
  organisation: 64,
  global: 255,
};

const MODES: readonly unknown[] = ["on", "private", "off"];

/** A slip must not announce somebody who meant to be private. @throws {TypeError} for a mode or scope that is none */
export function checkDiscovery({ mode = "on", scope = "link" }: DiscoveryOptions = {}): void {
  if (!MODES.includes(mode))
    throw new TypeError(`discovery mode is on, private or off, not ${mode}`);
  if (!Object.hasOwn(HOP_LIMIT, scope))
    throw new TypeError(`discovery scope is one of ${Object.keys(HOP_LIMIT)}, not ${scope}`);
}

export function hopLimitOf(scope: DiscoveryScope = "link"): number {
  return HOP_LIMIT[scope];
}

const LEAST_GROUP_BITS_PER_SECOND = 100_000;

/** @throws {RangeError} for a rate at which a session would not live */
export function groupRateOf({ bitsPerSecond = GROUP_BITS_PER_SECOND }: DiscoveryOptions): number {
  if (bitsPerSecond >= LEAST_GROUP_BITS_PER_SECOND) return bitsPerSecond;
  throw new RangeError(
    `a session needs ${LEAST_GROUP_BITS_PER_SECOND} bit/s, not ${bitsPerSecond}`,
  );
}

/** WIRE item 33: ten minutes without contact. */
const IDLE_SECONDS = 600;
const MIB = 1024 * 1024;

export function limitsOf({
  connectionCreditBytes = 16 * MIB,
  streamCreditBytes = 4 * MIB,
  bidirectionalStreams = 1024,
  unidirectionalStreams = 1024,
  largestPacketBytes = 1472,
  idleSeconds = IDLE_SECONDS,
}: EndpointLimits = {}): Limits {
  return {
    connectionCreditBytes,
    streamCreditBytes,
    bidirectionalStreams,
    unidirectionalStreams,
    largestPacketBytes,
    idleSeconds,
  };
}

/** WIRE item 17: a Diffie-Hellman off the JavaScript thread's critical path costs a fifth of one in wasm. */
const NATIVE_HANDSHAKES_PER_SECOND = 1000;
const FALLBACK_HANDSHAKES_PER_SECOND = 200;
/** A network of a thousand peers that announce themselves every five seconds. */
const ANNOUNCEMENTS_PER_SECOND = 200;

/** 16 bytes that name a network; zeros where it has no name. */
export function networkId(primitives: Primitives, name: string | undefined): Uint8Array {
  if (name === undefined) return new Uint8Array(16);
  return primitives.sha512(new TextEncoder().encode(name)).slice(0, 16);
}

export function strangerLimits(
  backend: Backend,
  limits: EndpointLimits = {},
): Omit<StrangerFilter, "addressees"> {
  const perSecond = backend.capabilities.receiveThread
    ? NATIVE_HANDSHAKES_PER_SECOND
    : FALLBACK_HANDSHAKES_PER_SECOND;
  return {
    initsPerSecond: limits.handshakesPerSecond ?? perSecond,
    initsPerSourcePerSecond: limits.handshakesPerSourcePerSecond ?? 20,
    initsPerSourceBurst: limits.handshakesPerSourceBurst ?? 40,
    announcementsPerSecond: ANNOUNCEMENTS_PER_SECOND,
  };
}
