/** Messages of a group until the program reads them; what it leaves lying too long counts as lost. */
import { AsyncQueue } from "./async-queue.ts";

const MESSAGES_MAX = 1024;
const BYTES_MAX: number = 16 * 1024 * 1024;

export interface GroupMessage {
  /** Ed25519 public key of the member that signed it. */
  readonly from: Uint8Array;
  /** Number of the message among its sender's. */
  readonly seq: number;
  /** Messages of this sender missed between the last one delivered and this. */
  readonly lost: number;
  readonly data: Uint8Array;
}

export class GroupInbox {
  readonly #queue = new AsyncQueue<GroupMessage>(MESSAGES_MAX);
  /** Messages dropped here, by sender, to be counted with its next one. */
  readonly #dropped = new Map<string, number>();
  #bytes = 0;

  /** @param sender - tells the endpoints of one key apart. @returns false where the message was dropped */
  push(sender: string, message: GroupMessage): boolean {
    const lost = message.lost + (this.#dropped.get(sender) ?? 0);
    const { length } = message.data;
    const taken = this.#bytes + length <= BYTES_MAX && this.#queue.push({ ...message, lost });
    if (taken) {
      this.#bytes += length;
      this.#dropped.delete(sender);
    } else this.#dropped.set(sender, lost + 1);
    return taken;
  }

  /** Loops end once what is here has been read. */
  end(): void {
    this.#queue.end();
  }

  async next(): Promise<IteratorResult<GroupMessage, undefined>> {
    const result = await this.#queue.next();
    if (result.done !== true) this.#bytes -= result.value.data.length;
    return result;
  }
}
