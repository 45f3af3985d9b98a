/** What an endpoint does by groups: those it listens on, the rung of paths they are, finding and being found. */
import type { Backend, DatagramSocket } from "../backend/port.ts";
import { Announcer, type AnnouncerConfig } from "../multicast/announcer.ts";
import { Crowd } from "../multicast/crowd.ts";
import { Discovery } from "../multicast/discovery.ts";
import { lanGroups } from "../multicast/group-address.ts";
import type { Identity } from "../noise/identity.ts";
import { ANNOUNCED_ADDRESSES_MAX } from "../wire/announce.ts";
import { AnnouncedCasts } from "./announced-casts.ts";
import type { MulticastInfo } from "./call-options.ts";
import { EndpointHub } from "./group-hub.ts";
import { suitableInterfaces, systemInterfaces } from "./interfaces.ts";
import { reachableAddresses } from "./local-addresses.ts";
import { type DiscoveryOptions, hopLimitOf } from "./options.ts";
import { chosenGroups, OwnGroups } from "./own-groups.ts";
import { GroupRung } from "./rung-groups.ts";
import { groupTrouble } from "./unreachable.ts";

/** Of the addresses announced, so many may be groups. */
const MAX_ANNOUNCED_GROUPS = 3;

export interface EndpointGroupsConfig {
  readonly socket: DatagramSocket;
  readonly backend: Backend;
  readonly identity: Identity;
  /** 8 bytes. */
  readonly instance: Uint8Array;
  /** 16 bytes. */
  readonly network: Uint8Array;
  readonly discovery: DiscoveryOptions;
  /** Somebody may come without a ticket, so we let it be known that we are here. */
  readonly isAnnounced: boolean;
  readonly flush: () => void;
  readonly unixMs: () => number;
}

export class EndpointGroups {
  readonly hub: EndpointHub;
  readonly rung: GroupRung;
  readonly discovery: Discovery;
  readonly casts: AnnouncedCasts;
  readonly #config: EndpointGroupsConfig;
  readonly #lan: readonly string[];
  readonly #crowd = new Crowd();
  #own: OwnGroups | undefined;
  #announcer: Announcer | undefined;

  constructor(config: EndpointGroupsConfig) {
    const { socket, identity, instance, network, discovery, flush, unixMs } = config;
    const { primitives } = config.backend;
    this.#config = config;
    this.#lan = lanGroups(network, (data) => primitives.sha512(data));
    this.hub = new EndpointHub({
      socket,
      primitives,
      identity,
      interfaces: () =>
        suitableInterfaces(systemInterfaces(), socket.addresses, discovery.interfaces),
      flush,
      unixMs,
    });
    this.rung = new GroupRung(this.hub, primitives, hopLimitOf(discovery.scope));
    const { hub } = this;
    this.discovery = new Discovery({
      hub,
      network,
      instance,
      groups: this.#lan,
      crowd: this.#crowd,
    });
    this.casts = new AnnouncedCasts(this.#announcing());
  }

  start(): void {
    const { hub, discovery } = this;
    this.#own = new OwnGroups(hub, chosenGroups(this.#config.discovery.groups ?? []));
    for (const group of this.#lan) hub.keep(group);
    hub.attach(discovery);
    if (this.#config.isAnnounced) this.#announce();
  }

  /** Groups that a caller cannot derive from the key. */
  get named(): readonly string[] {
    return this.#own?.named ?? [];
  }

  get info(): MulticastInfo {
    const refused = this.hub.refusals.map(({ interfaceName, error }) => ({ interfaceName, error }));
    const { deaf, hearing, hasHeardOthers } = this.hub;
    const isCutOff = !hasHeardOthers && hearing.length === 0;
    const dropped = this.#config.socket.groupDrops();
    const interfaces = this.hub.interfaces();
    const loopback = this.hub.network.find(({ isLoopback }) => isLoopback)?.name;
    const outward = interfaces.filter((name) => name !== loopback);
    const { interfaces: chosen } = this.#config.discovery;
    const all = systemInterfaces();
    const present = all.map(({ name }) => name);
    const missing = (chosen ?? []).filter((name) => !present.includes(name));
    const lacking = all.filter(({ lacksMulticast }) => lacksMulticast);
    const trouble = groupTrouble({
      outward,
      loopback: interfaces.find((name) => name === loopback),
      chosen,
      present,
      lacking: lacking.flatMap(({ name, isLoopback }) => (isLoopback ? [] : name)),
      refused,
      deaf,
      hasHeardOthers,
    });
    return { interfaces, missing, refused, deaf, hasHeardOthers, isCutOff, trouble, dropped };
  }

  close(): void {
    this.discovery.close();
    this.#announcer?.close();
  }

  #announce(): void {
    const { network } = this.#config;
    const announcer = new Announcer({ ...this.#announcing(), network, crowd: this.#crowd });
    this.#announcer = announcer;
    this.hub.attach(announcer);
    this.hub.watch((_interfaces, now) => announcer.burst(now));
  }

  /** What all that we say of ourselves has in common. */
  #announcing(): Omit<AnnouncerConfig, "network" | "crowd"> {
    const { identity, instance, discovery, unixMs } = this.#config;
    return {
      hub: this.hub,
      staticKey: identity.staticPublic,
      instance,
      groups: this.#lan,
      isPrivate: discovery.mode === "private",
      addresses: () => this.#announced(),
      unixMs,
    };
  }

  #announced(): readonly string[] {
    const groups = this.named.slice(0, MAX_ANNOUNCED_GROUPS);
    const addresses = reachableAddresses(this.#config.socket.addresses);
    return [...addresses.slice(0, ANNOUNCED_ADDRESSES_MAX - groups.length), ...groups];
  }
}
