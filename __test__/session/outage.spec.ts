/** A wire that is cut in the middle of a transfer, and mended. Handshakes find no way here. */
import test from "ava";
import type { LinkOptions } from "../sim/link.ts";
import { Scenario } from "../sim/scenario.ts";

const LINK: LinkOptions = { bitsPerSecond: 100e6, delayMs: 25, queueBytes: 600_000 };
const RTT_MS = 2 * LINK.delayMs;
const BYTES_PER_MS = 12_500;
const SEEDS = 5;

/** The client's packets, and with `both` the server's as well, get lost from some moment of start-up on. */
class Outage {
  readonly scenario: Scenario;
  readonly #from: number;
  readonly #both: boolean;

  constructor(seed: number, both: boolean) {
    this.scenario = new Scenario(seed, LINK, LINK);
    this.#from = 250 + 60 * seed;
    this.#both = both;
    for (const peer of [this.scenario.pair.client, this.scenario.pair.server]) {
      const told = peer.onEvent;
      peer.onEvent = (event) => event.kind === "rehandshake" || told(event);
    }
    this.scenario.send("client", 60 * 1024 * 1024);
    this.#wait(this.#from);
    this.#cut(true);
  }

  get received(): number {
    return this.scenario.atServer.total;
  }

  get sent(): number {
    return this.scenario.pair.client.engine.stats().packetsSent;
  }

  passes(ms: number): void {
    this.#wait(ms);
  }

  /** @returns milliseconds until stream bytes arrive again */
  mend(): number {
    this.#cut(false);
    const { clock } = this.scenario.world;
    const before = this.received;
    const mendedAt = clock.now;
    clock.run(mendedAt + 60_000, () => this.received > before);
    return clock.now - mendedAt;
  }

  #wait(ms: number): void {
    const { clock } = this.scenario.world;
    clock.run(clock.now + ms);
  }

  #cut(down: boolean): void {
    this.scenario.there.down = down;
    if (this.#both) this.scenario.back.down = down;
  }
}

for (const both of [true, false]) {
  const ways = both ? "both ways" : "one way";

  test(`after an outage ${ways} bytes flow again within a second, or an eighth of it`, (t) => {
    for (const ms of [1000, 5000, 20_000]) {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const outage = new Outage(seed, both);
        outage.passes(ms);
        const waited = outage.mend();
        const most = Math.max(1000, ms / 8) + 2 * RTT_MS;
        t.true(waited <= most, `${ms} ms, seed ${seed}: ${waited} ms`);
      }
    }
  });

  test(`after an outage ${ways} the rate is back a second after the first bytes`, (t) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const outage = new Outage(seed, both);
      outage.passes(2000);
      outage.mend();
      outage.passes(1000);
      const before = outage.received;
      outage.passes(1000);
      const share = (outage.received - before) / (1000 * BYTES_PER_MS);
      t.true(share > 0.8, `seed ${seed}: ${share}`);
    }
  });
}

test("a path that stays dead is asked ever more seldom", (t) => {
  const outage = new Outage(1, true);
  outage.passes(1000);
  const first = outage.sent;
  outage.passes(60_000);
  const early = outage.sent;
  outage.passes(60_000);
  t.true(early > first);
  t.true(outage.sent - early < (early - first) / 3);
});
