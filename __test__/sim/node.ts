/** One endpoint core on the simulated internet, with a driver of virtual time and a program that counts. */
import { type Primitives, SUITE_CHACHA20_POLY1305 } from "../../src/backend/port.ts";
import { concat } from "../../src/base/bytes.ts";
import { Mp2pError } from "../../src/base/errors.ts";
import { EndpointCore } from "../../src/endpoint/core.ts";
import { GroupRung } from "../../src/endpoint/rung-groups.ts";
import type { RecordEvent, SessionRecord } from "../../src/endpoint/session-record.ts";
import { ownGroups } from "../../src/multicast/group-address.ts";
import { Identity } from "../../src/noise/identity.ts";
import { ANY_INSTANCE, addressee } from "../../src/noise/macs.ts";
import { GROUP_BITS_PER_SECOND } from "../../src/path/properties.ts";
import { SimGroups } from "./groups.ts";
import { type Internet, MemorySocket } from "./internet.ts";
import type { Port } from "./switch.ts";
import { LIMITS } from "./world.ts";

const NETWORK: Uint8Array = new Uint8Array(16);

export interface NodeOptions {
  /** Where groups are joined; none: no groups. */
  readonly ports?: readonly Port[];
  readonly hopLimit?: number;
  readonly groupBitsPerSecond?: number;
  /** Default: yes. */
  readonly answersKey?: boolean;
}

export class Node {
  readonly identity: Identity;
  readonly instance: Uint8Array;
  readonly socket: MemorySocket;
  readonly groups: SimGroups;
  readonly core: EndpointCore;
  /** Proved sessions, in the order they were shown to the program. */
  readonly opened: SessionRecord[] = [];
  readonly events: { readonly record: SessionRecord; readonly event: RecordEvent }[] = [];
  readonly #internet: Internet;
  #timerAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(
    internet: Internet,
    primitives: Primitives,
    address: string,
    seed: Uint8Array,
    {
      ports = [],
      hopLimit = 1,
      groupBitsPerSecond = GROUP_BITS_PER_SECOND,
      answersKey = true,
    }: NodeOptions = {},
  ) {
    const { random } = internet;
    this.#internet = internet;
    const seeded = withRandom(primitives, (length) => random.bytes(length));
    this.identity = new Identity(seeded, seed);
    this.instance = random.bytes(8);
    this.socket = new MemorySocket(internet, primitives, address, { ports, hopLimit });
    this.groups = new SimGroups(this.socket);
    if (ports.length > 0)
      for (const group of ownGroups(this.identity.key, (data) => primitives.sha512(data)))
        this.groups.keep(group);
    const addressees = [ANY_INSTANCE, this.instance].map((target) =>
      addressee(primitives, this.identity.key, NETWORK, target),
    );
    this.socket.setFilter({
      addressees,
      initsPerSecond: 1000,
      initsPerSourcePerSecond: 1000,
      initsPerSourceBurst: 1000,
      announcementsPerSecond: 200,
    });
    const config = {
      socket: this.socket,
      primitives: seeded,
      identity: this.identity,
      instance: this.instance,
      network: NETWORK,
      answersKey,
      suites: [SUITE_CHACHA20_POLY1305] as const,
      limits: LIMITS,
      congestion: "rate" as const,
      groupBitsPerSecond,
      ...(ports.length > 0 ? { groups: new GroupRung(this.groups, primitives, hopLimit) } : {}),
    };
    this.core = new EndpointCore(config, { opened: (record) => this.#opened(record) });
    this.socket.start({
      receive: (batch) => {
        if (this.#stopped) return;
        this.core.receive(batch, internet.clock.now);
        this.arm();
      },
      writable: () => undefined,
      failed: (error) => {
        throw error;
      },
    });
  }

  /** Dials by key; IK where the static key is given. */
  dial(peer: Node, options: DialOptions = {}): Dialled {
    const dialled: Dialled = { record: undefined, error: undefined };
    const target = {
      key: peer.identity.key,
      ...(options.ik ? { staticKey: peer.identity.staticPublic } : {}),
      ...(options.instance === undefined ? {} : { instance: options.instance }),
      addresses: options.byKey ? [] : [options.address ?? peer.socket.address],
      timeoutMs: 20_000,
    };
    const done = (result: SessionRecord | Mp2pError) => {
      if (result instanceof Mp2pError) dialled.error = result;
      else dialled.record = result;
    };
    this.core.dial(target, done, this.#internet.clock.now);
    this.run();
    return dialled;
  }

  /** The program's turn is over. */
  run(): void {
    if (this.#stopped) return;
    this.core.run(this.#internet.clock.now);
    this.arm();
  }

  /** Writes to a new stream of a session and ends it. */
  send(record: SessionRecord, bytes: Uint8Array): number {
    const { now } = this.#internet.clock;
    const stream = record.engine.openStream({}, now);
    if (stream === undefined) throw new Error("no stream credit");
    if (record.engine.write(stream, bytes, now) !== bytes.length) throw new Error("not all taken");
    record.engine.finish(stream, now);
    this.core.touch(record);
    this.run();
    return stream;
  }

  /** All that streams of a session brought, in the order the streams were opened. */
  received(record: SessionRecord): Uint8Array[] {
    const streams = this.events.flatMap(({ record: of, event }) =>
      of === record && event.kind === "stream" ? [event.stream] : [],
    );
    return streams.map((stream) => this.#read(record, stream));
  }

  closes(record: SessionRecord): RecordEvent[] {
    return this.events
      .filter((each) => each.record === record && each.event.kind === "closed")
      .map(({ event }) => event);
  }

  /** The process is gone, without a word. */
  kill(): void {
    this.#stopped = true;
    void this.socket.close();
  }

  arm(): void {
    const at = this.core.nextAt();
    if (this.#stopped || at >= this.#timerAt || at === Number.POSITIVE_INFINITY) return;
    this.#timerAt = at;
    this.#internet.clock.at(at, () => {
      if (this.#timerAt !== at) return;
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.run();
    });
  }

  readonly #bytes = new Map<string, Uint8Array[]>();

  #read(record: SessionRecord, stream: number): Uint8Array {
    const name = `${record.peer.pair}.${record.epoch}.${stream}`;
    const parts = this.#bytes.get(name) ?? [];
    this.#bytes.set(name, parts);
    for (let part = record.engine.read(stream); part; part = record.engine.read(stream))
      parts.push(part);
    this.core.touch(record);
    this.run();
    const whole = concat(...parts);
    this.#bytes.set(name, [whole]);
    return whole;
  }

  #opened(record: SessionRecord): void {
    this.opened.push(record);
    record.listener = (event) => this.events.push({ record, event });
  }
}

export interface DialOptions {
  readonly ik?: boolean;
  readonly address?: string;
  readonly instance?: Uint8Array;
  /** No address is known. */
  readonly byKey?: boolean;
}

export interface Dialled {
  record: SessionRecord | undefined;
  error: Mp2pError | undefined;
}

function withRandom(primitives: Primitives, randomBytes: Primitives["randomBytes"]): Primitives {
  return new Proxy(primitives, {
    get(target, name: keyof Primitives) {
      const value = name === "randomBytes" ? randomBytes : target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
