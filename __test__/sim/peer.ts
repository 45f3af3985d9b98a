import { readUint48, viewOf } from "../../src/base/bytes.ts";
import { RangeSet } from "../../src/base/ranges.ts";
import type { Generation, SessionConfig, SessionEvent } from "../../src/session/contract.ts";
import { SessionEngine } from "../../src/session/session.ts";
import type { Clock } from "./clock.ts";
import type { SimPacket } from "./link.ts";
import type { Random } from "./random.ts";
import { SimSocket } from "./socket.ts";

/** How long a receive thread gathers before it wakes the engine. */
const BATCH_MS = 0.2;
const WINDOW_RANGES = 4096;

interface Arrival {
  readonly packet: SimPacket;
  readonly path: number;
  readonly time: number;
}

/** An engine with its socket and driver, as the endpoint would run it. */
export class SimPeer {
  readonly engine: SessionEngine;
  readonly socket: SimSocket;
  /** Where packets of a path go; set by the world. */
  readonly routes: Map<number, (packet: SimPacket) => void> = new Map();
  onEvent: (event: SessionEvent) => unknown = () => {};
  /** Largest time in which nothing is received, for tests of blocked event loops. */
  blockedUntil: number = 0;
  /** Virtual times at which `poll` asked for an immediate call many times over: a busy loop. */
  #turns = 0;
  #turnsAt = -1;
  readonly #clock: Clock;
  readonly #receiveKeys = new Map<string, { readonly slot: number; readonly seen: RangeSet }>();
  readonly #arrivals: Arrival[] = [];
  #timerAt = Infinity;

  constructor(clock: Clock, random: Random, config: SessionConfig) {
    this.#clock = clock;
    this.engine = new SessionEngine(config, clock.now);
    this.socket = new SimSocket(random, (path, packet) => this.routes.get(path)?.(packet));
  }

  install(generation: Generation, sendKey: string, receiveKey: string): void {
    this.socket.installSend(generation.sendSlot, sendKey);
    this.#receiveKeys.set(receiveKey, { slot: generation.receiveSlot, seen: new RangeSet() });
    this.engine.addGeneration(generation, this.#clock.now);
  }

  arrive(packet: SimPacket, path: number): void {
    if (this.#arrivals.length === 0)
      this.#clock.at(Math.max(this.#clock.now + BATCH_MS, this.blockedUntil), () =>
        this.#receive(),
      );
    this.#arrivals.push({ packet, path, time: this.#clock.now });
  }

  /** After any call of the engine by the program. */
  pump(): void {
    const { now } = this.#clock;
    let until = this.blockedUntil;
    this.#watchTurns(now);
    while (now >= this.blockedUntil) {
      const output = this.engine.poll(now);
      if (output.kind === "event") this.#event(output.event);
      else if (output.kind === "send")
        this.engine.sent(this.socket.sendSealed(output.slot, output.path, output.plan), now);
      else {
        until = output.until;
        break;
      }
    }
    this.#schedule(until);
  }

  #event(event: SessionEvent): void {
    if (event.kind === "retired") {
      this.socket.removeSend(event.generation.sendSlot);
      for (const [key, { slot }] of this.#receiveKeys)
        if (slot === event.generation.receiveSlot) this.#receiveKeys.delete(key);
    }
    this.onEvent(event);
  }

  #schedule(until: number): void {
    if (until >= this.#timerAt || until === Infinity) return;
    this.#timerAt = until;
    this.#clock.at(until, () => {
      if (this.#timerAt !== until) return;
      this.#timerAt = Infinity;
      this.pump();
    });
  }

  /** An engine that wants to be called again and again at one time would hang a real event loop. */
  #watchTurns(now: number): void {
    if (now !== this.#turnsAt) this.#turns = 0;
    this.#turnsAt = now;
    if (++this.#turns > 1000) throw new Error(`the engine spins at ${now} ms`);
  }

  /** Hands a batch over: runs joined as the port says, replays dropped. */
  #receive(): void {
    const arrivals = this.#arrivals.splice(0);
    for (let index = 0; index < arrivals.length; ) index = this.#row(arrivals, index);
    this.pump();
  }

  #row(arrivals: Arrival[], first: number): number {
    const head = arrivals[first] as Arrival;
    const slot = this.#open(head);
    if (slot === undefined) return first + 1;
    const { plaintext, packet } = head.packet;
    if ((plaintext[0] as number) >> 1 !== 8) {
      this.engine.receiveFrames(slot, packet, plaintext, head.path, 0, head.time);
      return first + 1;
    }
    const view = viewOf(plaintext);
    const stream = view.getUint32(1);
    const offset = readUint48(view, 5);
    const parts = [plaintext.subarray(11)];
    let end = offset + plaintext.length - 11;
    let last = head;
    let next = first + 1;
    for (; next < arrivals.length && last.packet.plaintext[0] === 0x10; next++) {
      const arrival = arrivals[next] as Arrival;
      const bytes = arrival.packet.plaintext;
      const joins =
        arrival.packet.key === head.packet.key &&
        arrival.packet.packet === last.packet.packet + 1 &&
        arrival.path === head.path;
      if (!joins || (bytes[0] as number) >> 1 !== 8 || bytes.length > plaintext.length) break;
      const header = viewOf(bytes);
      if (header.getUint32(1) !== stream || readUint48(header, 5) !== end) break;
      if (this.#open(arrival) === undefined) break;
      parts.push(bytes.subarray(11));
      end += bytes.length - 11;
      last = arrival;
    }
    const fin = last.packet.plaintext[0] === 0x11;
    this.engine.receiveStream(
      slot,
      packet,
      parts.length,
      stream,
      offset,
      joined(parts, end - offset),
      fin,
      head.path,
      0,
      last.time,
    );
    return next;
  }

  /** @returns the receive slot, or undefined for a replay or a key that is gone */
  #open({ packet }: Arrival): number | undefined {
    const keys = this.#receiveKeys.get(packet.key);
    if (keys === undefined || keys.seen.add(packet.packet, packet.packet + 1) === 0)
      return undefined;
    keys.seen.keepHighest(WINDOW_RANGES);
    return keys.slot;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
