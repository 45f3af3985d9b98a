/** Remote addresses in use by sessions, as the socket's path ids, counted so that unused ones go. */
import type { DatagramSocket } from "../backend/port.ts";

interface Entry {
  readonly id: number;
  readonly address: string;
  holders: number;
}

export class PathTable {
  readonly #socket: DatagramSocket;
  readonly #byAddress = new Map<string, Entry>();
  readonly #byId = new Map<number, Entry>();

  constructor(socket: DatagramSocket) {
    this.#socket = socket;
  }

  /** @throws {Mp2pError} `MP2P_LIMIT` where the socket holds no more paths */
  hold(address: string): number {
    let entry = this.#byAddress.get(address);
    if (entry === undefined) {
      entry = { id: this.#socket.addPath(address), address, holders: 0 };
      this.#byAddress.set(address, entry);
      this.#byId.set(entry.id, entry);
    }
    entry.holders++;
    return entry.id;
  }

  release(id: number): void {
    const entry = this.#byId.get(id);
    if (entry === undefined || --entry.holders > 0) return;
    this.#byId.delete(id);
    this.#byAddress.delete(entry.address);
    this.#socket.removePath(id);
  }

  address(id: number): string {
    return this.#byId.get(id)?.address ?? "unknown";
  }
}
