/** Messages of a group until the program reads them; what it leaves lying too long counts as lost. */
import { RecentMap } from "../base/recent-map.ts";
import { AsyncQueue, type LoopOptions } from "./async-queue.ts";

/** Twice what one turn of the event loop brings (8 batches of 1,024 packets), before which no loop can read. */
const MESSAGES_MAX = 16_384;
const BYTES_MAX: number = 16 * 1024 * 1024;
/** Four groups' worth of senders that left and may come back. */
const SENDERS_MAX = 1024;

export interface GroupMessage {
  /** Ed25519 public key of the member that signed it. */
  readonly from: Uint8Array;
  /** Which endpoint of that key, 8 bytes: each counts its messages for itself. */
  readonly instance: Uint8Array;
  /** Number of the message among those of its sender since that opened the group. */
  readonly seq: number;
  /**
   * Messages of this sender missed between the last one delivered and this: on the way, because the program left too
   * much unread, or while it was cut off from us.
   */
  readonly lost: number;
  readonly data: Uint8Array;
}

export class GroupInbox {
  readonly #queue = new AsyncQueue<GroupMessage>({
    items: MESSAGES_MAX,
    bytes: BYTES_MAX,
    bytesOf: ({ data }) => data.length,
  });
  /** Behind the last message of each sender that the program got, or will get. */
  readonly #after = new RecentMap<string, number>(SENDERS_MAX);

  /** @param sender - tells apart whoever counts for itself. @returns false where the message was dropped */
  push(sender: string, message: GroupMessage): boolean {
    const { seq } = message;
    const after = this.#after.get(sender) ?? seq - message.lost;
    const lost = Math.max(0, seq - after);
    const taken = this.#queue.push({ ...message, lost });
    this.#after.set(sender, taken ? seq + 1 : after);
    return taken;
  }

  /** Loops end once what is here has been read. */
  end(): void {
    this.#queue.end();
  }

  loop(options: LoopOptions = {}): AsyncIterator<GroupMessage, undefined> {
    return this.#queue.loop(options)[Symbol.asyncIterator]();
  }
}
