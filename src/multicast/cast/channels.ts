/** The sender's mouths: one slot per group and interface, of which those that somebody hears are used. */
import { DATA_HEADER_BYTES, SPAN, SPAN_FRAMES, type Suite, TAG_BYTES } from "../../backend/port.ts";
import type { GroupHub, Speaker } from "../hub.ts";
import type { Burst } from "./burst.ts";
import { channelKeys } from "./channel-keys.ts";
import { CHANNELS_MOST } from "./key-record.ts";

export interface Channel {
  readonly number: number;
  readonly to: string;
  readonly speaker: Speaker;
  /** The packet number that is next. */
  next: number;
  /** The interface takes no groups of this kind. */
  dead: boolean;
}

export class Channels {
  readonly all: readonly Channel[];
  /** Where content goes. */
  readonly active: Set<Channel> = new Set();
  wireBytes = 0;

  constructor(hub: GroupHub, groups: readonly string[], senderKey: Uint8Array, suite: Suite) {
    const targets = groups.flatMap((group) => hub.interfaces().map((name) => hub.on(group, name)));
    this.all = targets.slice(0, CHANNELS_MOST).map((to, number) => {
      const speaker = hub.speak(channelKeys(hub.primitives, senderKey, suite, number));
      return { number, to, speaker, next: 0, dead: false };
    });
  }

  /** The largest of `sizes`, descending, that every interface lets out; those that take none are out. */
  fit(sizes: readonly number[]): number {
    let fitting = sizes[0] as number;
    for (const channel of this.all) {
      const size = sizes.find((bytes) => bytes <= fitting && takes(channel, bytes));
      if (size === undefined) channel.dead = true;
      else fitting = size;
    }
    return fitting;
  }

  /**
   * Chooses the fewest channels that every bitmap has one of.
   *
   * @param heard - by receiver, which channels it hears; those that hear none do not count
   */
  cover(heard: readonly number[]): void {
    let left = heard.filter((bits) => bits !== 0);
    this.active.clear();
    while (left.length > 0) {
      let best = 0;
      let most = 0;
      for (const { number } of this.all) {
        const count = left.filter((bits) => (bits >>> number) & 1).length;
        if (count > most) [best, most] = [number, count];
      }
      if (most === 0) return;
      this.active.add(this.all[best] as Channel);
      left = left.filter((bits) => ((bits >>> best) & 1) === 0);
    }
  }

  /** @returns packets the first active channel took: fewer than there are where the socket is full */
  send(burst: Burst): number {
    let taken: number | undefined;
    for (const channel of this.active) {
      const packets = this.#send(channel, burst);
      taken ??= packets;
    }
    return taken ?? burst.packets;
  }

  /** Speaks on every channel, used or not: who hears it? */
  sendAll(burst: Burst): void {
    for (const channel of this.all) if (!channel.dead) this.#send(channel, burst);
  }

  close(): void {
    for (const { speaker } of this.all) speaker.remove();
  }

  #send(channel: Channel, burst: Burst): number {
    try {
      const { firstPacket, packets } = channel.speaker.send(channel.to, burst.plan);
      if (packets > 0) channel.next = firstPacket + packets;
      this.wireBytes += Math.round((burst.wireBytes * packets) / burst.packets);
      return packets;
    } catch {
      channel.dead = true;
      this.active.delete(channel);
      return burst.packets;
    }
  }
}

/** Whether a packet of this size leaves: padding, which says nothing to anybody. */
function takes(channel: Channel, packetBytes: number): boolean {
  const length = packetBytes - DATA_HEADER_BYTES - TAG_BYTES;
  const spans = new Float64Array(SPAN.STRIDE);
  spans[SPAN.kind] = SPAN_FRAMES;
  spans[SPAN.length] = length;
  const plan = { spans, spanCount: 1, sources: [new Uint8Array(length)], packetBytes, skip: 0 };
  try {
    const { firstPacket, packets, tooBig } = channel.speaker.send(channel.to, plan);
    channel.next = firstPacket + packets;
    return packets > 0 && tooBig === 0;
  } catch {
    return false;
  }
}
