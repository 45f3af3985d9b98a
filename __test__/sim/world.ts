import { SUITE_AES_256_GCM } from "../../src/backend/port.ts";
import type { Generation, PathProperties, SessionConfig } from "../../src/session/contract.ts";
import type { Limits } from "../../src/wire/limits.ts";
import { Clock } from "./clock.ts";
import { Link, type LinkOptions } from "./link.ts";
import { SimPeer } from "./peer.ts";
import { Random } from "./random.ts";

export const LIMITS: Limits = {
  connectionCreditBytes: 16 * 1024 * 1024,
  streamCreditBytes: 4 * 1024 * 1024,
  bidirectionalStreams: 1024,
  unidirectionalStreams: 1024,
  largestPacketBytes: 65_535,
  idleSeconds: 600,
};

export interface PairOptions {
  readonly config?: Partial<SessionConfig>;
  /** What both sides grant. */
  readonly limits?: Partial<Limits>;
  readonly properties?: PathProperties;
}

/** A client and a server with a session between them. */
export interface Pair {
  readonly client: SimPeer;
  readonly server: SimPeer;
  /** Both have heard the other under the newest keys. */
  rekey(initiator: "client" | "server"): void;
}

/** Links, peers and time. */
export class World {
  readonly clock: Clock = new Clock();
  readonly random: Random;
  #keys = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  link(options: LinkOptions): Link {
    return new Link(this.clock, this.random, options);
  }

  /** Two peers over one link each way. */
  pair(there: Link, back: Link, options: PairOptions = {}): Pair {
    const client = this.#peer(0, options);
    const server = this.#peer(1, options);
    client.routes.set(1, (packet) => there.send(packet, (each) => server.arrive(each, 1)));
    server.routes.set(1, (packet) => back.send(packet, (each) => client.arrive(each, 1)));
    const limits = { ...LIMITS, ...options.limits };
    const rekey = (initiator: "client" | "server") => {
      this.#handshake(client, server, initiator === "client", limits);
      client.pump();
      server.pump();
    };
    const properties = options.properties ?? { loopback: false, ipv6: false };
    client.engine.setPath(1, properties, this.clock.now);
    server.engine.setPath(1, properties, this.clock.now);
    rekey("client");
    return { client, server, rekey };
  }

  #peer(opener: 0 | 1, options: PairOptions): SimPeer {
    const config: SessionConfig = {
      opener,
      local: { ...LIMITS, ...options.limits },
      congestion: "rate",
      random: (length) => this.random.bytes(length),
      ceilingBytes: 1472,
      ...options.config,
    };
    return new SimPeer(this.clock, this.random, config);
  }

  #handshake(client: SimPeer, server: SimPeer, byClient: boolean, remote: Limits): void {
    const id = ++this.#keys;
    const cids = [this.random.bytes(8), this.random.bytes(8)] as const;
    const [up, down] = [`${id}>`, `${id}<`];
    const shared = { id, sendSlot: id, receiveSlot: id, suite: SUITE_AES_256_GCM, remote } as const;
    const ours: Generation = {
      ...shared,
      sendCid: cids[0],
      receiveCid: cids[1],
      initiator: byClient,
    };
    const theirs: Generation = {
      ...shared,
      sendCid: cids[1],
      receiveCid: cids[0],
      initiator: !byClient,
    };
    server.install(theirs, down, up);
    client.install(ours, up, down);
  }
}
