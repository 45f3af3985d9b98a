/** Values of options and arguments, checked before anything is opened. Loaded for `--help` too: no imports of ours. */
import { isIPv4, isIPv6 } from "node:net";

export type Accept = "ask" | "trusted" | "all";
export type OnConflict = "ask" | "skip" | "rename" | "overwrite";

export const ACCEPT: readonly Accept[] = ["ask", "trusted", "all"];
export const ON_CONFLICT: readonly OnConflict[] = ["ask", "skip", "rename", "overwrite"];

/** Options every command knows. */
export interface GlobalOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly verbose?: true;
  /** False with `--no-color`. */
  readonly color: boolean;
}

export type DiscoveryMode = "on" | "private" | "off";
export type DiscoveryScope = "link" | "site" | "organisation" | "global";

export const DISCOVERY: readonly DiscoveryMode[] = ["on", "private", "off"];
export const SCOPE: readonly DiscoveryScope[] = ["link", "site", "organisation", "global"];

/** Where and how an endpoint takes part in the network. */
export interface NetworkOptions {
  readonly bind?: readonly string[];
  readonly discovery?: DiscoveryMode;
  readonly scope?: DiscoveryScope;
  readonly group?: readonly string[];
  readonly interface?: readonly string[];
}

export interface ListenOptions extends GlobalOptions, NetworkOptions {
  readonly into?: string;
  readonly pipe?: true;
  readonly accept?: Accept;
  readonly once?: true;
  readonly onConflict: OnConflict;
  readonly durable?: true;
  readonly allow?: readonly string[];
  /** Milliseconds. */
  readonly wait: number;
  readonly qr?: true;
}

export interface SendOptions extends GlobalOptions, NetworkOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly to?: string;
  readonly portable?: true;
  /** Milliseconds. */
  readonly wait: number;
  readonly qr?: true;
}

export interface ReceiveOptions extends GlobalOptions, NetworkOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly output: string;
  readonly yes?: true;
  readonly onConflict: OnConflict;
  readonly durable?: true;
}

export type CastPolicy = "slowest" | "required" | "fast";

export const CAST_POLICY: readonly CastPolicy[] = ["slowest", "required", "fast"];

export interface CastCommandOptions extends GlobalOptions, NetworkOptions {
  readonly min: number;
  /** Milliseconds. */
  readonly wait: number;
  readonly policy: CastPolicy;
  readonly require?: readonly string[];
  /** Bytes a second. */
  readonly floor?: number;
  readonly rate?: number;
  readonly allow?: readonly string[];
  readonly open?: true;
  readonly secret?: true;
  readonly portable?: true;
  readonly qr?: true;
}

export interface ConnectOptions extends GlobalOptions, NetworkOptions {
  /** Milliseconds. */
  readonly timeout: number;
}

export type DoctorOptions = GlobalOptions & NetworkOptions;

export interface PeersOptions extends GlobalOptions, NetworkOptions {
  readonly nearby: true;
  /** Milliseconds. */
  readonly wait: number;
}

export interface IdOptions extends GlobalOptions {
  readonly qr?: true;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
/** Longest delay of a Node timer, 24.8 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** `90s`, `10m`, `1.5h`, `2d`; a bare number is seconds. @returns milliseconds, undefined for anything else. */
export function durationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text);
  if (match === null) return undefined;
  const ms = Math.round(Number(match[1]) * (UNIT_MS[match[2] || "s"] as number));
  return ms > 0 && ms <= LONGEST_MS ? ms : undefined;
}

const UNIT_BYTES_PER_SECOND: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  bit: 1 / 8,
  kbit: 125,
  Mbit: 125e3,
  Gbit: 125e6,
};

/** `25MB`, `200Mbit`, `1.5Gbit/s`: a unit must be given. @returns bytes a second, undefined for anything else */
export function bytesPerSecond(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kMG]?(?:B|bit))(?:\/s)?$/.exec(text);
  const unit = UNIT_BYTES_PER_SECOND[match?.[2] ?? ""];
  if (match === null || unit === undefined) return undefined;
  const rate = Number(match[1]) * unit;
  return rate >= 1 ? rate : undefined;
}

/** `ADDR:PORT`, `[ADDR]:PORT`, `:PORT`; a bare port means every address of this machine. */
export function bindAddresses(text: string): readonly string[] | undefined {
  const port = /^:?(\d{1,5})$/.exec(text)?.[1];
  if (port !== undefined) {
    return Number(port) > 65_535 ? undefined : [`0.0.0.0:${port}`, `[::]:${port}`];
  }
  const match = /^(?:\[([^\]]+)\]|([\d.]+)):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[3]) > 65_535) return undefined;
  const [, ipv6, ipv4 = ""] = match;
  return (ipv6 === undefined ? isIPv4(ipv4) : isIPv6(ipv6)) ? [text] : undefined;
}
