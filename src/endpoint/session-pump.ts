/** Gives sessions their turns: when touched, when their time has come, when a full socket has room. */
import type { DatagramSocket } from "../backend/port.ts";
import type { SessionEvent } from "../session/contract.ts";
import { Deadlines } from "./deadlines.ts";
import type { SessionRecord } from "./session-record.ts";

/** A responder's session whose caller never showed that it has the keys is dropped after this. */
const UNPROVED_MS = 10_000;

export interface PumpHooks {
  event(record: SessionRecord, event: SessionEvent): void;
  /** Nobody proved to be at the other end in time. */
  expired(record: SessionRecord): void;
}

export class SessionPump {
  readonly #socket: DatagramSocket;
  readonly #hooks: PumpHooks;
  /** A list and a mark on each, as a set makes new tables while it grows and shrinks by one. */
  #touched: SessionRecord[] = [];
  readonly #blocked = new Set<SessionRecord>();
  readonly #deadlines = new Deadlines<SessionRecord>();

  constructor(socket: DatagramSocket, hooks: PumpHooks) {
    this.#socket = socket;
    this.#hooks = hooks;
  }

  touch(record: SessionRecord): void {
    if (record.over || record.touched) return;
    record.touched = true;
    this.#touched.push(record);
  }

  /** The socket takes packets again. */
  writable(): void {
    for (const record of this.#blocked) {
      record.engine.socketWritable();
      this.touch(record);
    }
    this.#blocked.clear();
  }

  forget(record: SessionRecord): void {
    record.touched = false;
    this.#blocked.delete(record);
    this.#deadlines.forget(record);
  }

  run(now: number): void {
    for (let due = this.#deadlines.due(now); due; due = this.#deadlines.due(now)) {
      this.touch(due);
    }
    // Grows while it is walked: one session may touch another.
    for (const record of this.#touched) {
      if (!record.touched) continue;
      record.touched = false;
      this.#drain(record, now);
    }
    this.#touched = [];
  }

  nextAt(now: number): number {
    return this.#touched.length > 0 ? now : this.#deadlines.next();
  }

  /** Sends an engine's bursts, passes its events on, and notes when it wants to be called. */
  #drain(record: SessionRecord, now: number): void {
    while (!record.over) {
      const output = record.engine.poll(now);
      if (output.kind === "event") this.#hooks.event(record, output.event);
      else if (output.kind === "send") {
        if (record.unconfirmedFin) this.#socket.sendPlain(record.address, record.unconfirmedFin);
        const result = this.#socket.sendSealed(output.slot, output.path, output.plan);
        record.engine.sent(result, now);
        if (record.engine.blocked) this.#blocked.add(record);
      } else {
        this.#wait(record, output.until, now);
        return;
      }
    }
  }

  #wait(record: SessionRecord, until: number, now: number): void {
    const unproved = record.proved ? Number.POSITIVE_INFINITY : record.openedAt + UNPROVED_MS;
    if (unproved <= now) {
      this.#hooks.expired(record);
      return;
    }
    record.deadline = Math.min(until, unproved);
    this.#deadlines.schedule(record);
  }
}
