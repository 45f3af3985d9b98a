/** What an endpoint does by groups: those it listens on, and the rung of paths they are. */
import type { Backend, DatagramSocket } from "../backend/port.ts";
import type { Identity } from "../noise/identity.ts";
import { EndpointHub } from "./group-hub.ts";
import { suitableInterfaces, systemInterfaces } from "./interfaces.ts";
import { type DiscoveryOptions, hopLimitOf } from "./options.ts";
import { chosenGroups, OwnGroups } from "./own-groups.ts";
import { GroupRung } from "./rung-groups.ts";

export interface EndpointGroupsConfig {
  readonly socket: DatagramSocket;
  readonly backend: Backend;
  readonly identity: Identity;
  readonly discovery: DiscoveryOptions;
  readonly flush: () => void;
}

export class EndpointGroups {
  readonly hub: EndpointHub;
  readonly rung: GroupRung;
  readonly #discovery: DiscoveryOptions;
  #own: OwnGroups | undefined;

  constructor({ socket, backend, identity, discovery, flush }: EndpointGroupsConfig) {
    const { primitives } = backend;
    this.#discovery = discovery;
    this.hub = new EndpointHub({
      socket,
      primitives,
      identity,
      interfaces: () =>
        suitableInterfaces(systemInterfaces(), socket.addresses, discovery.interfaces),
      flush,
    });
    this.rung = new GroupRung(this.hub, primitives, hopLimitOf(discovery.scope));
  }

  start(): void {
    this.#own = new OwnGroups(this.hub, chosenGroups(this.#discovery.groups ?? []));
  }

  /** Groups that a caller cannot derive from the key. */
  get named(): readonly string[] {
    return this.#own?.named ?? [];
  }
}
