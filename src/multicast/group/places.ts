/** Where a group is heard and spoken: its addresses on every interface, or members one by one. */
import type { Hears } from "../../wire/group-records.ts";
import type { GroupHub, Joined } from "../hub.ts";
import type { Member } from "./member.ts";
import type { GroupAddresses } from "./terms.ts";

const RETRY_MS = 5000;

export class Places {
  readonly #hub: GroupHub;
  readonly #addresses: GroupAddresses;
  #ipv4: Joined | undefined;
  #ipv6: Joined | undefined;
  #retryAt: number = Number.NEGATIVE_INFINITY;

  constructor(hub: GroupHub, addresses: GroupAddresses) {
    this.#hub = hub;
    this.#addresses = addresses;
    this.run(hub.now());
  }

  /** Joins what could not be joined before: the network may have come since. */
  run(now: number): void {
    if (now < this.#retryAt) return;
    const { ipv4, ipv6 } = this.#addresses;
    this.#ipv4 ??= tryJoin(this.#hub, ipv4);
    this.#ipv6 ??= tryJoin(this.#hub, ipv6);
    this.#retryAt = this.#ipv4 && this.#ipv6 ? Number.POSITIVE_INFINITY : now + RETRY_MS;
  }

  nextAt(): number {
    return this.#retryAt;
  }

  get hears(): Hears {
    const isJoined = (joined: Joined | undefined) => (joined?.interfaces.length ?? 0) > 0;
    return { ipv4: isJoined(this.#ipv4), ipv6: isJoined(this.#ipv6) };
  }

  /** Group addresses joined somewhere. */
  get groups(): readonly string[] {
    const { ipv4, ipv6 } = this.#addresses;
    const { hears } = this;
    return [...(hears.ipv6 ? [ipv6] : []), ...(hears.ipv4 ? [ipv4] : [])];
  }

  /**
   * As few sendings as reach everybody: one family where all hear it, both where some do not; members
   * whom no multicast reaches get copies.
   */
  targets(members: Iterable<Member>): readonly string[] {
    const copies: string[] = [];
    const hearers = { all: 0, ipv4: 0, ipv6: 0 };
    for (const { deaf, fed, hears, channel } of members) {
      if (fed) continue;
      const { ipv4, ipv6 } = this.#common(hears);
      if (deaf || !(ipv4 || ipv6)) copies.push(channel.address);
      else {
        hearers.all++;
        hearers.ipv4 += Number(ipv4);
        hearers.ipv6 += Number(ipv6);
      }
    }
    if (hearers.all === 0) return copies;
    const byIpv6 = hearers.ipv6 > 0 ? this.#everywhere(this.#addresses.ipv6, this.#ipv6) : [];
    if (hearers.ipv6 === hearers.all) return [...byIpv6, ...copies];
    const byIpv4 = this.#everywhere(this.#addresses.ipv4, this.#ipv4);
    return hearers.ipv4 === hearers.all
      ? [...byIpv4, ...copies]
      : [...byIpv6, ...byIpv4, ...copies];
  }

  /** Members' packets do not arrive: switches are told of us anew. */
  silent(): void {
    this.#ipv4?.silent();
    this.#ipv6?.silent();
  }

  close(): void {
    this.#ipv4?.leave();
    this.#ipv6?.leave();
  }

  #common(theirs: Hears): Hears {
    const ours = this.hears;
    return { ipv4: ours.ipv4 && theirs.ipv4, ipv6: ours.ipv6 && theirs.ipv6 };
  }

  #everywhere(group: string, joined: Joined | undefined): string[] {
    return (joined?.interfaces ?? []).map((each) => this.#hub.on(group, each));
  }
}

/** A machine without multicast takes part by copies. */
function tryJoin(hub: GroupHub, group: string): Joined | undefined {
  try {
    return hub.join(group);
  } catch {
    return undefined;
  }
}
