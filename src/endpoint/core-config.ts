/** What the sans-IO part of an endpoint is built from. */
import type { DatagramSocket, Primitives, Suite } from "../backend/port.ts";
import type { Identity } from "../noise/identity.ts";
import type { Limits } from "../wire/limits.ts";
import type { EndpointHub } from "./group-hub.ts";
import type { RungGroups } from "./rung-groups.ts";

export interface CoreConfig {
  readonly socket: DatagramSocket;
  readonly primitives: Primitives;
  readonly identity: Identity;
  /** 8 random bytes drawn when the endpoint opened. */
  readonly instance: Uint8Array;
  /** 16 bytes naming the network; zeros where there is none. */
  readonly network: Uint8Array;
  /** Whether to answer strangers who know our key and not our instance. */
  readonly answersKey: boolean;
  /** In order of preference. */
  readonly suites: readonly Suite[];
  readonly limits: Limits;
  readonly congestion: "rate" | "cubic";
  /** Takes what comes by groups and belongs to no session, and has its turns with the core. */
  readonly hub?: EndpointHub;
  /** Groups, where sessions may be set up and carried through them. */
  readonly groups?: RungGroups;
  /** Most that a session sends through a group. */
  readonly groupBitsPerSecond: number;
}
