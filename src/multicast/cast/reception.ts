/** What a receiver hears of the sender's channels: counts, the newest stamp, and for how long nothing. */
import { RangeSet } from "../../base/ranges.ts";
import type { AuthFrame } from "./auth-frame.ts";
import type { ChannelCount, Status } from "./status-record.ts";

/** Nothing for so long, and the groups are joined anew; the sender is told to send by unicast. */
const SILENT_MS = 2000;
/** At the start the sender speaks several times a second. */
const SILENT_AT_FIRST_MS = 700;
/** Gaps between packet numbers that are remembered: with one packet in 20 lost, 20,000 packets. */
const RANGES_MOST = 1024;

export class Reception {
  /** Bit i: channel i was heard. */
  heard = 0;
  /** What the sender asks for: see AUTH. */
  statusIntervalMs = 20;
  receivers = 1;
  readonly #largest: Float64Array;
  readonly #received: Float64Array;
  /** By channel, the numbers counted: what somebody recorded comes in again from his address. */
  readonly #counted: RangeSet[];
  #stamp = 0;
  /** By channel, the newest. */
  readonly #stamps: (number | undefined)[] = [];
  #stampAt = 0;
  #delayUs = 0;
  #heardAt: number;
  #isFirst = true;

  constructor(channels: number, now: number) {
    this.#largest = new Float64Array(channels).fill(-1);
    this.#received = new Float64Array(channels);
    this.#counted = Array.from({ length: channels }, () => new RangeSet());
    this.#heardAt = now;
  }

  /** Packets heard over all channels. */
  get received(): number {
    return this.#received.reduce((sum, count) => sum + count, 0);
  }

  /** Packets sent, as far as heard, since the first one that was. */
  get lossRate(): number {
    const { channels } = this;
    const busiest = channels.reduce<ChannelCount | undefined>(
      (most, channel) => ((most?.received ?? 0) < channel.received ? channel : most),
      undefined,
    );
    if (busiest === undefined) return 0;
    const sent = busiest.largest + 1 - (this.#first[busiest.channel] ?? 0);
    return sent <= 0 ? 0 : Math.max(0, 1 - busiest.received / sent);
  }

  readonly #first: number[] = [];
  /** By channel: packets of a proven source were counted. */
  readonly #isProven: boolean[] = [];

  /**
   * @param isProven - their source has shown to be the sender's; from then on only that counts
   * @returns how many of them were not counted before
   */
  count(channel: number, packet: number, count: number, isProven: boolean): number {
    const counted = this.#counted[channel] as RangeSet;
    if (isProven && !this.#isProven[channel]) {
      this.#isProven[channel] = true;
      if (packet < (this.#largest[channel] as number)) {
        this.#largest[channel] = -1;
        this.#received[channel] = 0;
        counted.clear();
      }
    }
    if (isProven !== (this.#isProven[channel] === true)) return 0;
    const news = counted.add(packet, packet + count);
    if (news === 0) return 0;
    if (counted.size > RANGES_MOST) counted.keepHighest(RANGES_MOST / 2);
    if (this.#received[channel] === 0) this.#first[channel] = packet;
    this.heard = (this.heard | (1 << channel)) >>> 0;
    this.#largest[channel] = Math.max(this.#largest[channel] as number, packet + count - 1);
    this.#received[channel] = (this.#received[channel] as number) + news;
    return news;
  }

  /** Something that helps came in. */
  alive(now: number): void {
    this.#heardAt = now;
    this.#isFirst = false;
  }

  /** @returns whether it is news on this channel, not what somebody repeats */
  auth(channel: number, frame: AuthFrame, time: number): boolean {
    const isNews = isLater(frame.stamp, this.#stamps[channel]);
    if (isNews) this.#stamps[channel] = frame.stamp;
    if (!isLater(frame.stamp, this.#stamp || undefined)) return isNews;
    this.#stamp = frame.stamp;
    this.#stampAt = time;
    this.#delayUs = (Math.round(time * 1000) - frame.stamp) >>> 0;
    this.statusIntervalMs = frame.statusIntervalMs;
    this.receivers = Math.max(1, frame.receivers);
    return isNews;
  }

  /** Nothing is heard where something should be. */
  isDeaf(now: number): boolean {
    return now >= this.deafAt;
  }

  get deafAt(): number {
    return this.#heardAt + (this.#isFirst ? SILENT_AT_FIRST_MS : SILENT_MS);
  }

  /** What STATUS says of the channels and of the newest stamp. */
  status(now: number): Pick<Status, "stamp" | "heldUs" | "delayUs" | "heard" | "channels"> {
    const heldUs = this.#stampAt === 0 ? 0 : Math.max(0, Math.round((now - this.#stampAt) * 1000));
    const { heard, channels } = this;
    return { stamp: this.#stamp, heldUs, delayUs: this.#delayUs, heard, channels };
  }

  /** Counts of the channels heard. */
  get channels(): ChannelCount[] {
    const counts: ChannelCount[] = [];
    for (let channel = 0; channel < this.#largest.length; channel++) {
      const largest = this.#largest[channel] as number;
      if (largest < 0) continue;
      counts.push({ channel, largest, received: this.#received[channel] as number });
    }
    return counts;
  }
}

/** Stamps wrap after 71 minutes; none lies half of that behind another that is still under way. */
function isLater(stamp: number, before: number | undefined): boolean {
  return before === undefined || ((stamp - before) | 0) > 0;
}
