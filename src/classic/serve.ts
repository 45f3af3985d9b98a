/** A classic server on a network interface. */
import { Mp2pError } from "../base/errors.ts";
import type { Identity } from "../noise/identity.ts";
import { classicGroup, classicPrefixGroup, type Family } from "./classic-group.ts";
import { classicIdentity } from "./classic-identity.ts";
import { type ClassicInterface, classicInterface } from "./interfaces.ts";
import { ClassicServer, type HeardMessage } from "./server.ts";
import { CLASSIC_PORT, ClassicSocket } from "./socket.ts";

export interface ServeClassicOptions {
  readonly identity: Identity;
  /** Name of a network interface, as `ip link` shows it. */
  readonly interface: string;
  /** Default: 1024, which the original demands. */
  readonly port?: number;
  /** Default: a transient IPv6 group, IPv4 on the loopback interface or without IPv6. */
  readonly addresses?: "ipv6" | "ipv6-prefix" | "ipv4";
  readonly usesIdentityKey?: boolean;
  /** Default: everyone, as in the original. */
  readonly allow?: (key: Uint8Array) => boolean;
  /** Called once for each message; what it throws is thrown out of the event loop. @returns up to 1,455 bytes, or undefined for no answer */
  readonly answer: (message: HeardMessage) => Uint8Array | undefined;
}

/** What a running server is known by. */
export interface ClassicServing extends AsyncDisposable {
  /** Ed25519 key, 32 bytes. */
  readonly key: Uint8Array;
  /** Group and port, `"[ff1e::1]:1024"`. */
  readonly address: string;
  /** Datagrams not taken so far, by reason. */
  drops(): Readonly<Record<string, number>>;
}

/**
 * Speaks the original Go mp2p, whose weaknesses docs/CLASSIC.md lists: prefer `Endpoint`.
 *
 * @throws {Mp2pError} `MP2P_USAGE` for an unknown interface, `MP2P_NO_NETWORK` where it lacks the
 * family or prefix, `MP2P_PORT_IN_USE`, `MP2P_SOCKET`
 */
export async function serveClassic(options: ServeClassicOptions): Promise<ClassicServing> {
  const signer = classicIdentity(options.identity, "server", options.usesIdentityKey === true);
  const { primitives } = signer;
  const network = classicInterface(options.interface);
  const group = serverGroup(options, network, signer);
  const { allow } = options;
  const server = new ClassicServer({
    primitives,
    signer,
    group,
    ...(allow && { allow }),
    answer: options.answer,
  });
  const socket = await ClassicSocket.open({
    interface: network,
    group,
    onDatagram(datagram, source) {
      const answer = server.handle(datagram, source, performance.now());
      if (answer !== undefined) socket.send(answer.bytes, answer.to);
    },
  });
  return {
    key: signer.key,
    address: group,
    drops: () => server.drops.toJSON(),
    [Symbol.asyncDispose]: () => socket.close(),
  };
}

function serverGroup(
  { addresses, port = CLASSIC_PORT.server }: ServeClassicOptions,
  network: ClassicInterface,
  { key, primitives }: Identity,
): string {
  const sha512 = (data: Uint8Array) => primitives.sha512(data);
  if (addresses === "ipv6-prefix") {
    const { name, prefix } = network;
    if (prefix !== undefined) return classicPrefixGroup(key, prefix, port, sha512);
    throw new Mp2pError("MP2P_NO_NETWORK", `${name} has no routable IPv6 prefix`, {
      hint: "leave --prefix away, or take an interface with a global IPv6 address",
    });
  }
  const hasIpv6 = network.handle[6] !== undefined && !network.isLoopback;
  const family: Family = addresses === "ipv4" || (addresses === undefined && !hasIpv6) ? 4 : 6;
  return classicGroup(key, family, port, sha512);
}
