/** What an endpoint does for programs over sessions, beside sessions: casts, groups, and offers redeemed. */
import type { Capabilities, Primitives } from "../backend/port.ts";
import { CAST_SERVICE } from "../multicast/cast/records.ts";
import { SCOPE } from "../multicast/group-address.ts";
import type { GroupHub } from "../multicast/hub.ts";
import type { Identity } from "../noise/identity.ts";
import type { Ticket } from "../rendezvous/ticket.ts";
import { GROUP_SERVICE } from "../wire/group-records.ts";
import type { AnnouncedCasts } from "./announced-casts.ts";
import type { ConnectOptions } from "./call-options.ts";
import { Casts, type CastsHost } from "./casts.ts";
import type { Doorkeeper } from "./doorkeeper.ts";
import type { Driver } from "./driver.ts";
import { LoneHub } from "./lone-hub.ts";
import { OpenGroups } from "./open-groups.ts";
import type { DiscoveryScope } from "./options.ts";
import { TOKEN_SERVICE } from "./service.ts";
import type { Session } from "./session.ts";
import type { Stream } from "./stream.ts";

export interface EndpointServicesConfig {
  /** Undefined where the endpoint has no multicast. */
  readonly hub: GroupHub | undefined;
  readonly announced: AnnouncedCasts | undefined;
  readonly primitives: Primitives;
  readonly capabilities: Capabilities;
  readonly identity: Identity;
  /** 8 bytes. */
  readonly instance: Uint8Array;
  readonly scope: DiscoveryScope | undefined;
  readonly driver: Driver;
  readonly doorkeeper: Doorkeeper;
  readonly ticket: CastsHost["ticket"];
  readonly connect: (
    target: string | Uint8Array | Ticket,
    options?: ConnectOptions,
  ) => Promise<Session>;
}

export class EndpointServices {
  readonly casts: Casts;
  readonly groups: OpenGroups;
  readonly #doorkeeper: Doorkeeper;

  constructor(config: EndpointServicesConfig) {
    const { hub, primitives, capabilities, identity, instance, driver, ticket, connect } = config;
    const { announced } = config;
    const scope = SCOPE[config.scope ?? "link"];
    this.#doorkeeper = config.doorkeeper;
    this.casts = new Casts({
      hub: hub ?? new LoneHub(primitives, identity, driver),
      announced,
      capabilities,
      scope,
      ticket,
      connect,
    });
    this.groups = new OpenGroups({
      hub,
      instance,
      scope,
      connect,
      unixMs: () => driver.unixMs(),
      after: (ms, call) => driver.after(ms, call),
    });
  }

  /** Takes streams of services that are the endpoint's own; undefined for all others. */
  of(name: string): ((session: Session, stream: Stream) => void) | undefined {
    switch (name) {
      case CAST_SERVICE:
        return (session, stream) => this.casts.serve(session, stream);
      case GROUP_SERVICE:
        return (session, stream) => this.groups.accept(session, stream);
      case TOKEN_SERVICE:
        return (session, stream) =>
          void this.#doorkeeper.redeem(session, stream).catch(() => undefined);
      default:
        return undefined;
    }
  }
}
