/** Many streams at once over links that lose a third, reorder, double, throttle and pause. */
import test from "ava";
import { disagreement, Talker } from "../sim/conversation.ts";
import type { LinkOptions } from "../sim/link.ts";
import { Random } from "../sim/random.ts";
import { Receiver, Sender } from "../sim/transfer.ts";
import { type Pair, World } from "../sim/world.ts";

const SEEDS = process.env.MP2P_SOAK === "1" ? 1500 : 20;
const CREDIT_BYTES = 256 * 1024;
/** Nothing that could go on may stand still for longer: PTOs in a row, each twice the one before, that all got lost. */
const STALL_PTOS = 64;

function roughLink(random: Random): LinkOptions {
  return {
    delayMs: random.pick(1, 15, 60),
    bitsPerSecond: random.pick(3e6, 20e6, 100e6),
    queueBytes: random.pick(20_000, 150_000, 1_000_000),
    loss: random.pick(0, 0.05, 0.3),
    duplicate: random.pick(0, 0.05, 0.2),
    reorder: random.pick(0, 0.1, 0.5),
    reorderMs: random.pick(5, 50, 200),
  };
}

class Turmoil {
  readonly world: World;
  readonly pair: Pair;
  readonly client: Talker;
  readonly server: Talker;
  #blackoutMs = 0;
  #blackoutEnd = 0;

  constructor(seed: number) {
    const random = new Random(seed);
    this.world = new World(seed);
    const { clock } = this.world;
    const links = [this.world.link(roughLink(random)), this.world.link(roughLink(random))] as const;
    this.pair = this.world.pair(links[0], links[1], {
      limits: {
        connectionCreditBytes: CREDIT_BYTES,
        streamCreditBytes: random.pick(16_384, 65_536, CREDIT_BYTES),
        bidirectionalStreams: random.pick(1, 4, 16),
        unidirectionalStreams: random.pick(1, 4, 16),
      },
      config: { congestion: random.pick("rate", "rate", "cubic"), sendBufferBytes: 65_536 },
    });
    this.client = new Talker(this.pair.client, clock, random, random.below(30));
    this.server = new Talker(this.pair.server, clock, random, random.below(30));
    for (const name of ["client", "server"] as const) {
      const peer = this.pair[name];
      peer.onEvent = (event) => {
        if (event.kind === "rehandshake") clock.after(1, () => this.pair.rekey(name));
        else this[name].onEvent(event);
      };
      this[name].open();
      peer.pump();
    }
    for (let blackouts = random.below(4); blackouts > 0; blackouts--) {
      const down = random.pick([links[0]], [links[1]], [...links]);
      const ms = random.below(3000);
      clock.after(random.below(10_000), () => {
        for (const link of down) link.down = true;
        this.#blackoutMs = ms;
        this.#blackoutEnd = Math.max(this.#blackoutEnd, clock.now + ms);
        clock.after(ms, () => {
          for (const link of down) link.down = false;
        });
      });
    }
  }

  /** @returns why it stands still, before all has ended; undefined where all did */
  run(): string | undefined {
    const { clock } = this.world;
    let steps = -1;
    let movedAt = 0;
    const over = () => this.client.isDone && this.server.isDone && this.#remembered === 0;
    while (!clock.run(clock.now + 500, over)) {
      const now = this.#steps;
      if (now !== steps) movedAt = clock.now;
      steps = now;
      const since = Math.max(movedAt, this.#blackoutEnd + 2 * this.#blackoutMs);
      if (clock.now - since > this.#patienceMs) return `nothing happens since ${movedAt} ms`;
    }
    return undefined;
  }

  get #engines() {
    return [this.pair.client.engine, this.pair.server.engine] as const;
  }

  get #remembered(): number {
    return this.#engines[0].stats().streams + this.#engines[1].stats().streams;
  }

  get #steps(): number {
    const moved = this.#engines.map((each) => each.stats().streamBytesAcked);
    return moved.reduce((sum, each) => sum + each, this.client.steps + this.server.steps);
  }

  get #patienceMs(): number {
    return STALL_PTOS * Math.max(100, ...this.#engines.map((each) => 3 * each.stats().rttMs + 50));
  }

  disagreements(): string[] {
    const found: string[] = [];
    for (const [from, to] of [
      [this.client, this.server],
      [this.server, this.client],
    ] as const) {
      for (const [id, writing] of from.writing) {
        const why = disagreement(writing, to.reading.get(id));
        if (why !== undefined) found.push(`stream ${id}: ${why}`);
      }
    }
    return found;
  }

  /** Whether the credit of all streams together still lets as much through as at first. */
  creditIsWhole(): boolean {
    const { client, server } = this.pair;
    const { clock } = this.world;
    // The last of them are granted anew.
    clock.run(clock.now + 60_000);
    const readers = [new Receiver(server), new Receiver(client)] as const;
    const writers = [client, server].map((peer) => new Sender(peer, clock, 4 * CREDIT_BYTES));
    for (const [at, peer] of [client, server].entries()) {
      peer.onEvent = (event) => {
        if (event.kind === "readable") readers[1 - at]?.read(event.stream);
        if (event.kind === "writable") writers[at]?.write();
        if (event.kind === "rehandshake")
          clock.after(1, () => this.pair.rekey(at === 0 ? "client" : "server"));
      };
      writers[at]?.write();
      peer.pump();
    }
    return clock.run(clock.now + 600_000, () =>
      readers.every((each) => each.total === 4 * CREDIT_BYTES),
    );
  }
}

function tried(seed: number): string | undefined {
  const turmoil = new Turmoil(seed);
  try {
    const stall = turmoil.run();
    if (stall !== undefined) return stall;
    const [first] = turmoil.disagreements();
    if (first !== undefined) return first;
    return turmoil.creditIsWhole() ? undefined : "credit was lost";
  } catch (error) {
    return `${error} at ${turmoil.world.clock.now} ms`;
  }
}

test("many streams in turmoil: every byte in order, or what the other side did; nothing stalls, nothing stays", (t) => {
  const first = Number(process.env.MP2P_SEED ?? 1);
  const failures: string[] = [];
  for (let seed = first; seed < first + SEEDS; seed++) {
    const failure = tried(seed);
    if (failure !== undefined) failures.push(`seed ${seed}: ${failure}`);
  }
  t.deepEqual(failures, []);
});

test("what came before a writer broke off is never taken for all of it", (t) => {
  const world = new World(1);
  const { client, server } = world.pair(world.link({ delayMs: 1 }), world.link({ delayMs: 1 }));
  const told: string[] = [];
  server.onEvent = (event) => {
    if (event.kind === "readable") {
      server.engine.read(event.stream);
      told.push(`readable, ended: ${server.engine.ended(event.stream)}`);
    } else if ("stream" in event) told.push(event.kind);
  };
  const id = client.engine.openStream({ unidirectional: true }, 0) as number;
  client.engine.write(id, new Uint8Array(100), 0);
  client.pump();
  client.engine.reset(id, 7, 0);
  client.pump();
  world.clock.run(1000);
  t.deepEqual(told, ["stream", "readable, ended: false", "reset"]);
  t.is(server.engine.stats().streams, 0);
});

test("a reader that had every byte and gives up as the end comes leaves no stream behind", (t) => {
  const world = new World(1);
  const { client, server } = world.pair(world.link({ delayMs: 1 }), world.link({ delayMs: 1 }));
  const id = client.engine.openStream({ unidirectional: true }, 0) as number;
  server.onEvent = (event) => {
    if (event.kind !== "readable") return;
    if (client.engine.stats().streamBytesAcked === 0) server.engine.read(id);
    else server.engine.stop(id, 0, world.clock.now);
  };
  client.engine.write(id, new Uint8Array(100), 0);
  client.pump();
  world.clock.run(100);
  client.engine.finish(id, world.clock.now);
  client.pump();
  world.clock.run(1000);
  t.is(client.engine.stats().streams, 0);
  t.is(server.engine.stats().streams, 0);
});
