/** Handshake packets on their way to whom they concern; INITs wait their turn, sealed data does not. */

import { PACKET } from "../wire/handshake-packets.ts";
import type { Acceptor } from "./acceptor.ts";
import type { Dialer } from "./dialer.ts";
import type { Way } from "./way.ts";

/** While sealed data waits, strangers get this many handshakes a turn (WIRE item 17). */
const HANDSHAKES_PER_TURN = 8;
const MAX_WAITING_INITS = 256;

interface WaitingInit {
  readonly packet: Uint8Array;
  readonly way: Way;
}

export class PlainPackets {
  readonly #dialer: Dialer;
  readonly #acceptor: Acceptor;
  #waiting: WaitingInit[] = [];

  constructor(dialer: Dialer, acceptor: Acceptor) {
    this.#dialer = dialer;
    this.#acceptor = acceptor;
  }

  get waiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** @param packet - borrowed */
  receive(packet: Uint8Array, way: Way, now: number): void {
    if (packet[0] === PACKET.init) this.#queue(packet, way);
    else if (packet[0] === PACKET.fin) this.#acceptor.receiveFin(packet, way);
    else this.#dialer.receive(packet, way, now);
  }

  /** Answers some of the INITs that wait. */
  answer(now: number): void {
    if (this.#waiting.length > 0) {
      for (const { packet, way } of this.#waiting.splice(0, HANDSHAKES_PER_TURN))
        this.#acceptor.receiveInit(packet, way, now);
    }
    this.#acceptor.reply();
  }

  #queue(packet: Uint8Array, way: Way): void {
    // Groups bring our own packets back; one key may be dialled by another process that holds it.
    if (this.#dialer.sent(packet) || this.#waiting.length >= MAX_WAITING_INITS) return;
    this.#waiting.push({ packet: packet.slice(), way });
  }
}
