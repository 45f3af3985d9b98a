/** What calls of an endpoint take and give. */
import type { GroupDrops } from "../backend/counters.ts";
import type { Capabilities } from "../backend/port.ts";
import type { Mp2pError } from "../base/errors.ts";

export interface TicketOptions {
  /** Adds a one-use token that lets its bearer in whatever `allow` says. */
  readonly offer?: boolean;
  /** Lifetime of an offer in milliseconds; default ten minutes. */
  readonly lifetimeMs?: number;
  /** Addresses to name instead of this machine's own, e.g. a port forwarded by hand. */
  readonly addresses?: readonly string[];
}

export interface ConnectOptions {
  readonly signal?: AbortSignal;
  /** Default 20,000 ms. */
  readonly timeoutMs?: number;
}

export interface MulticastInfo {
  /** Names of interfaces that take part. */
  readonly interfaces: readonly string[];
  /** Names of `discovery.interfaces` that nothing here has: mistyped, down, without address or not plugged in yet. */
  readonly missing: readonly string[];
  /** Interfaces that refuse to join a group, and why; tried again from time to time. */
  readonly refused: readonly { readonly interfaceName: string; readonly error: Mp2pError }[];
  /**
   * Where not even this device's own packets to groups come in, half a second after they left: a firewall on
   * this device eats them.
   */
  readonly deaf: readonly { readonly interfaceName: string; readonly family: 4 | 6 }[];
  /** Whether any packet of another device came by a group so far. */
  readonly hasHeardOthers: boolean;
  /** Whether no other device can be heard at all: no interface leads to any, or all of them are deaf. */
  readonly isCutOff: boolean;
  /** Why groups bring nothing here and what to do, for a person; undefined where others were heard. */
  readonly trouble: string | undefined;
  /**
   * Sealed packets that came by groups and were dropped, by source address and interface: of other casts and
   * groups, replayed, or made up. The 256 busiest sources. What members of a cast make up is in its receipt.
   */
  readonly dropped: readonly GroupDrops[];
}

export interface BackendInfo {
  readonly name: "native" | "fallback";
  readonly capabilities: Capabilities;
  readonly buffers: { readonly receiveBytes: number; readonly sendBytes: number };
  readonly note: string | undefined;
}
