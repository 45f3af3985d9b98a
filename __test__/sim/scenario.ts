import type { Link, LinkOptions } from "./link.ts";
import type { SimPeer } from "./peer.ts";
import { Receiver, Sender } from "./transfer.ts";
import { type Pair, type PairOptions, World } from "./world.ts";

/** A session between two peers that send each other streams, every byte of which is checked. */
export class Scenario {
  readonly world: World;
  readonly there: Link;
  readonly back: Link;
  readonly pair: Pair;
  readonly atServer: Receiver;
  readonly atClient: Receiver;
  /** Kinds of all events but the frequent ones, in order: "client closed protocol 7". */
  readonly log: string[] = [];
  readonly #finished = new Set<Sender>();
  readonly #senders: Sender[] = [];
  #rekeys = 0;

  constructor(seed: number, there: LinkOptions, back: LinkOptions, options: PairOptions = {}) {
    this.world = new World(seed);
    this.there = this.world.link(there);
    this.back = this.world.link(back);
    this.pair = this.world.pair(this.there, this.back, options);
    this.atServer = new Receiver(this.pair.server);
    this.atClient = new Receiver(this.pair.client);
    this.#watch("client", this.pair.client, this.atClient);
    this.#watch("server", this.pair.server, this.atServer);
  }

  /** Starts a stream of so many bytes. */
  send(
    from: "client" | "server",
    bytes: number,
    options: { priority?: number; unidirectional?: boolean } = {},
  ): Sender {
    const peer = this.pair[from];
    const sender = new Sender(peer, this.world.clock, bytes, options);
    this.#senders.push(sender);
    sender.write();
    peer.pump();
    return sender;
  }

  /** @returns whether every stream arrived in whole, and its sender knows, before the time */
  run(seconds: number): boolean {
    return this.world.clock.run(
      this.world.clock.now + seconds * 1000,
      () => this.#finished.size === this.#senders.length,
    );
  }

  #watch(name: "client" | "server", peer: SimPeer, receiver: Receiver): void {
    peer.onEvent = (event) => {
      if (event.kind === "readable") return receiver.read(event.stream);
      if (event.kind === "writable" || event.kind === "finished") {
        const sender = this.#senders.find(
          (each) => each.stream === event.stream && each.peer === peer,
        );
        if (event.kind === "writable") sender?.write();
        else if (sender !== undefined) this.#finished.add(sender);
        return;
      }
      this.log.push(
        `${name} ${event.kind}${"reason" in event ? ` ${event.reason}` : ""}${event.kind === "closed" ? ` ${event.by} ${event.code}` : ""}`,
      );
      if (event.kind === "rehandshake" && this.#rekeys++ < 100)
        this.world.clock.after(1, () => this.pair.rekey(name));
    };
  }
}
