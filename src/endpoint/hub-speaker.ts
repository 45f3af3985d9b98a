/** A sending slot of a group or a cast: what it needs of the socket, and gives back. */
import type { DatagramSocket, PacketKeys, SendPlan, SendResult } from "../backend/port.ts";
import { Mp2pError } from "../base/errors.ts";
import type { Speaker } from "../multicast/hub.ts";
import type { PathTable } from "./path-table.ts";
import type { SlotNumbers } from "./slot-numbers.ts";

export class HubSpeaker implements Speaker {
  readonly #socket: DatagramSocket;
  readonly #paths: PathTable;
  readonly #slots: SlotNumbers;
  readonly #slot: number;
  readonly #held = new Map<string, number>();
  /** What was asked of an interface that is gone: nothing left. */
  readonly #nothing: SendResult = { firstPacket: 0, packets: 0, tooBig: 0 };
  #isRemoved = false;

  constructor(
    socket: DatagramSocket,
    { paths, slots }: { readonly paths: PathTable; readonly slots: SlotNumbers },
    keys: PacketKeys,
  ) {
    this.#socket = socket;
    this.#paths = paths;
    this.#slots = slots;
    this.#slot = slots.take();
    socket.installSend(this.#slot, keys);
  }

  send(to: string, plan: SendPlan): SendResult {
    const path = this.#pathTo(to);
    if (path === undefined || this.#isRemoved) return this.#nothing;
    return this.#socket.sendSealed(this.#slot, path, plan);
  }

  remove(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    this.#socket.removeSend(this.#slot);
    this.#slots.release(this.#slot);
    for (const path of this.#held.values()) this.#paths.release(path);
    this.#held.clear();
  }

  #pathTo(address: string): number | undefined {
    const held = this.#held.get(address);
    if (held !== undefined && this.#paths.isCurrent(held)) return held;
    try {
      const path = this.#paths.hold(address, true);
      if (held !== undefined) this.#paths.release(held);
      this.#held.set(address, path);
      return path;
    } catch (error) {
      if (error instanceof Mp2pError) return undefined;
      throw error;
    }
  }
}
