/** What stands in for the groups of an endpoint that has none: time, and nobody to hear. */
import type { Primitives } from "../backend/port.ts";
import { Mp2pError } from "../base/errors.ts";
import type { GroupHub, Joined, Service, Speaker } from "../multicast/hub.ts";
import type { Identity } from "../noise/identity.ts";
import type { Driver } from "./driver.ts";

const LONGEST_WAIT_MS = 60_000;

export class LoneHub implements GroupHub {
  readonly receiveBufferBytes = 0;
  readonly droppedKernel = 0;
  readonly primitives: Primitives;
  readonly #identity: Identity;
  readonly #driver: Driver;
  readonly #services = new Set<Service>();
  #cancel: () => void = () => undefined;

  constructor(primitives: Primitives, identity: Identity, driver: Driver) {
    this.primitives = primitives;
    this.#identity = identity;
    this.#driver = driver;
  }

  get key(): Uint8Array {
    return this.#identity.key;
  }

  sign(message: Uint8Array): Uint8Array {
    return this.#identity.sign(message);
  }

  now(): number {
    return this.#driver.now();
  }

  interfaces(): readonly string[] {
    return [];
  }

  on(group: string): string {
    return group;
  }

  join(group: string): Joined {
    throw new Mp2pError("MP2P_NO_MULTICAST", `cannot join ${group}: groups are off here`);
  }

  listen(): () => void {
    return () => undefined;
  }

  speak(): Speaker {
    const nothing = { firstPacket: 0, packets: 0, tooBig: 0 };
    return { send: () => nothing, remove: () => undefined };
  }

  announcements(): () => void {
    return () => undefined;
  }

  announce(): void {}

  attach(service: Service): () => void {
    this.#services.add(service);
    this.changed();
    return () => void this.#services.delete(service);
  }

  changed(): void {
    this.#wake(0);
  }

  #wake(ms: number): void {
    this.#cancel();
    this.#cancel = this.#driver.after(ms, () => this.#run());
  }

  #run(): void {
    const now = this.now();
    for (const service of [...this.#services]) service.run(now);
    if (this.#services.size === 0) return;
    const next = Math.min(...[...this.#services].map((service) => service.nextAt()));
    this.#wake(Math.max(0, Math.min(next - now, LONGEST_WAIT_MS)));
  }
}
