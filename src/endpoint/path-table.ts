/**
 * Remote addresses in use by sessions, as the socket's path ids. A released one is kept for a while:
 * batches that wait to be read still name it. While a group is in use as one, we stay in it.
 */
import type { DatagramSocket } from "../backend/port.ts";
import { Mp2pError } from "../base/errors.ts";
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
      entry = this.#file(this.#socket.addPath(address), address);
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

  /** Whether this id is still the one of its address. */
  isCurrent(id: number): boolean {
    const entry = this.#byId.get(id);
    return entry !== undefined && this.#byAddress.get(entry.address) === entry;
  }

  /** Interfaces changed: a group on one that was made anew is another path, though its address is the same. */
  renew(): void {
    for (const { id, address } of [...this.#byAddress.values()]) {
      if (!isGroup(address)) continue;
      try {
        const fresh = this.#socket.addPath(address);
        if (fresh !== id) this.#unused.add(this.#file(fresh, address));
      } catch (error) {
        // The interface is gone: what is sent there is lost, and it may come back.
        if (!(error instanceof Mp2pError)) throw error;
      }
    }
  }

  #file(id: number, address: string): Entry {
    const entry = { id, address, holders: 0, leaveGroup: undefined };
    this.#byAddress.set(address, entry);
    this.#byId.set(id, entry);
    return entry;
  }

  #forget(entry: Entry): void {
    this.#unused.delete(entry);
    this.#byId.delete(entry.id);
    if (this.#byAddress.get(entry.address) === entry) this.#byAddress.delete(entry.address);
    this.#socket.removePath(entry.id);
  }
}
