import { REPLAY_WINDOW_PACKETS, ReplayWindow } from "./replay-window.ts";

/** Windows of one slot, up to 8 KiB each: a sender speaks by a few interfaces and families. */
const WINDOWS_MOST = 8;

interface Entry {
  /** `"192.0.2.7:5000"`, and the interface by which it came to a group; empty for unicast. */
  readonly source: string;
  readonly interface: string;
  readonly window: ReplayWindow;
}

/**
 * Packet numbers accepted on a slot whose key many hold: a window for each source and stretch of numbers.
 * One for all would be a gift to whoever else holds the key: a packet with a number from far ahead makes
 * the sender's too old. Here it begins a window of its own. What this cannot do is keep a recorded
 * packet from coming in again from another address; whoever reads such a slot has to be safe from that
 * (docs/PROTOCOL.md, "DATA").
 */
export class SourceWindows {
  /** The one used last stands first; the one unused for longest makes room. */
  readonly #entries: Entry[] = [];

  /** To be asked before a packet is opened. @returns false for a packet seen before */
  isFresh(packet: number, source: string, interfaceName: string): boolean {
    const at = this.#nearest(packet, source, interfaceName);
    return at < 0 || (this.#entries[at] as Entry).window.isFresh(packet);
  }

  /** To be told once a fresh packet proved authentic. */
  accept(packet: number, source: string, interfaceName: string): void {
    const at = this.#nearest(packet, source, interfaceName);
    const entry = this.#entries[at] ?? {
      source,
      interface: interfaceName,
      window: new ReplayWindow(),
    };
    if (at > 0) this.#entries.splice(at, 1);
    if (at !== 0) this.#entries.unshift(entry);
    if (this.#entries.length > WINDOWS_MOST) this.#entries.pop();
    entry.window.accept(packet);
  }

  /**
   * Of the source's windows the one whose highest number is closest, if that is within a window's reach:
   * numbers that somebody made up further away are none of the sender's business. @returns -1 for none
   */
  #nearest(packet: number, source: string, interfaceName: string): number {
    let nearest = -1;
    let least = REPLAY_WINDOW_PACKETS;
    for (const [at, entry] of this.#entries.entries()) {
      if (entry.source !== source || entry.interface !== interfaceName) continue;
      const distance = Math.abs(packet - entry.window.highest);
      if (distance >= least) continue;
      nearest = at;
      least = distance;
    }
    return nearest;
  }
}
