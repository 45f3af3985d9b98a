/** What an endpoint is made of before it runs: its core's configuration, its groups, whom it hears. */
import type { Backend, StrangerFilter } from "../backend/port.ts";
import { ANY_INSTANCE, addressee } from "../noise/macs.ts";
import type { CoreConfig } from "./core-config.ts";
import { EndpointGroups } from "./endpoint-groups.ts";
import type { OpenedSocket } from "./open-socket.ts";
import {
  type EndpointOptions,
  groupRateOf,
  limitsOf,
  networkId,
  strangerLimits,
} from "./options.ts";
import { suitesOf } from "./suites.ts";

export interface EndpointParts {
  readonly config: CoreConfig;
  readonly groups: EndpointGroups | undefined;
}

/** @param running - the endpoint's clock, and its core's next turn */
export function endpointParts(
  options: EndpointOptions,
  backend: Backend,
  { socket, hasGroups }: OpenedSocket,
  running: { readonly flush: () => void; readonly unixMs: () => number },
): EndpointParts {
  const { identity, congestion = "rate" } = options;
  const { primitives, capabilities } = backend;
  const instance = primitives.randomBytes(8);
  const network = networkId(primitives, options.network);
  const groups = hasGroups
    ? new EndpointGroups({
        socket,
        backend,
        identity,
        instance,
        network,
        discovery: options.discovery ?? {},
        isAnnounced: answersKey(options),
        ...running,
      })
    : undefined;
  const config: CoreConfig = {
    socket,
    primitives,
    identity,
    instance,
    network,
    suites: suitesOf(capabilities),
    limits: limitsOf(options.limits),
    congestion,
    groupBitsPerSecond: groupRateOf(options.discovery ?? {}),
    answersKey: answersKey(options),
    ...(groups && { hub: groups.hub, groups: groups.rung }),
  };
  return { config, groups };
}

/**
 * An endpoint that its key alone does not reach hears those who name it: another process of the same key may be
 * the one that is meant (WIRE item 9). Once it has sessions, peers that lost it must find it again, and the
 * acceptor leaves out everybody else.
 */
export function strangerFilter(
  { primitives, identity, network, instance, answersKey }: CoreConfig,
  options: EndpointOptions,
  backend: Backend,
  hasSessions: boolean,
): StrangerFilter {
  const targets = answersKey || hasSessions ? [ANY_INSTANCE, instance] : [instance];
  return {
    addressees: targets.map((target) => addressee(primitives, identity.key, network, target)),
    ...strangerLimits(backend, options.limits),
  };
}

function answersKey({ allow, byKey }: EndpointOptions): boolean {
  return byKey ?? (!Array.isArray(allow) || allow.length > 0);
}
