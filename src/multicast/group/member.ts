/** Another member, as seen from here: the stream to it, and what was settled over it. */
import { toHex } from "../../base/bytes.ts";
import { type GroupRecord, type Hears, writeGroupRecord } from "../../wire/group-records.ts";
import type { MemberChannel } from "./greeting.ts";
import type { Incoming } from "./incoming.ts";
import type { Party } from "./proof.ts";

/** One identity may be a member twice, by two endpoints. */
export function memberName({ key, instance }: Party): string {
  return `${toHex(key)}.${toHex(instance)}`;
}

export class Member {
  readonly name: string;
  readonly channel: MemberChannel;
  readonly since: number;
  /** Set once both sides have proved that they know the group. */
  incoming: Incoming | undefined;
  /** Its run; empty until proved. */
  run: Uint8Array = new Uint8Array(0);
  /** The newest of our epochs that it was given, and that it holds. */
  given = 0;
  held = 0;
  hears: Hears = { ipv4: false, ipv6: false };
  /** It asked for packets to its own address, as ours to the group do not arrive. */
  deaf = false;
  /** It asked for our messages by its stream: somebody makes up packets in our name. */
  fed = false;
  /** Number of our first message that is its own. */
  start = 0;
  /** It has all of our messages below this. */
  done = 0;
  /** Shown to the program. */
  joined = false;
  over = false;
  heardAt: number;
  wroteAt: number;
  /** When it asked for messages last. */
  nackedAt: number = Number.NEGATIVE_INFINITY;

  constructor(channel: MemberChannel, now: number) {
    this.name = memberName(channel.peer);
    this.channel = channel;
    this.since = now;
    this.heardAt = now;
    this.wroteAt = now;
  }

  /** Tells its numbers from those of others, and from those it gave before it opened the group anew. */
  get voice(): string {
    return `${this.name}.${toHex(this.run)}`;
  }

  get proved(): boolean {
    return this.incoming !== undefined;
  }

  write(record: GroupRecord, now: number): void {
    if (this.over) return;
    this.wroteAt = now;
    this.channel.write(writeGroupRecord(record));
  }
}
