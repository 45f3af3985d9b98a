/**
 * Remote addresses in use by sessions, as the socket's path ids. A released one is kept for a while:
 * batches that wait to be read still name it. While a group is in use as one, we stay in it.
 */
import type { DatagramSocket } from "../backend/port.ts";
import { isGroup } from "../path/ladder.ts";
import type { RungGroups } from "./rung-groups.ts";

const MAX_UNUSED = 1024;

interface Entry {
  readonly id: number;
  readonly address: string;
  holders: number;
  leaveGroup: (() => void) | undefined;
}

export class PathTable {
  readonly #socket: DatagramSocket;
  readonly #groups: RungGroups | undefined;
  readonly #byAddress = new Map<string, Entry>();
  readonly #byId = new Map<number, Entry>();
  /** Held by nobody, longest first. */
  readonly #unused = new Set<Entry>();

  constructor(socket: DatagramSocket, groups?: RungGroups) {
    this.#socket = socket;
    this.#groups = groups;
  }

  /**
   * @param speaksOnly - nothing is awaited from this group, so we need not be in it
   * @throws {Mp2pError} `MP2P_LIMIT` where the socket holds no more paths
   */
  hold(address: string, speaksOnly = false): number {
    let entry = this.#byAddress.get(address);
    if (entry === undefined) {
      const id = this.#socket.addPath(address);
      entry = { id, address, holders: 0, leaveGroup: undefined };
      this.#byAddress.set(address, entry);
      this.#byId.set(entry.id, entry);
    }
    if (isGroup(address) && !speaksOnly) entry.leaveGroup ??= this.#groups?.stayIn(address);
    entry.holders++;
    this.#unused.delete(entry);
    return entry.id;
  }

  release(id: number): void {
    const entry = this.#byId.get(id);
    if (entry === undefined || --entry.holders > 0) return;
    entry.leaveGroup?.();
    entry.leaveGroup = undefined;
    this.#unused.add(entry);
    const [oldest] = this.#unused;
    if (this.#unused.size > MAX_UNUSED && oldest !== undefined) this.#forget(oldest);
  }

  address(id: number): string | undefined {
    return this.#byId.get(id)?.address;
  }

  #forget(entry: Entry): void {
    this.#unused.delete(entry);
    this.#byId.delete(entry.id);
    this.#byAddress.delete(entry.address);
    this.#socket.removePath(entry.id);
  }
}
