/** A secure group as programs see it: many members, each known by its key, one upload for all. */
import { EventEmitter } from "node:events";
import { abortable } from "../base/abort.ts";
import { equalBytes } from "../base/bytes.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { Mp2pError } from "../base/errors.ts";
import { toZbase32 } from "../base/zbase32.ts";
import type { GroupCounters } from "../multicast/group/counters.ts";
import type { GroupEngine, GroupEngineHooks } from "../multicast/group/engine.ts";
import type { Member } from "../multicast/group/member.ts";
import type { Departure } from "../multicast/group/member-table.ts";
import { readKey } from "../noise/identity.ts";
import type { Admission } from "./admission.ts";
import type { LoopOptions } from "./async-queue.ts";
import { GroupInbox, type GroupMessage } from "./group-inbox.ts";
import { GroupInvitations } from "./group-invitations.ts";
import type { Invitation } from "./open-group.ts";
import type { Session } from "./session.ts";

/** How long a farewell waits for what was said to arrive. */
const FLUSH_MS = 3000;
const FAREWELL_MS = 1000;

export interface GroupMember {
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  readonly keyText: string;
  /** Which endpoint of that key, 8 bytes: a device that was restarted is a member twice until the old one is lost. */
  readonly instance: Uint8Array;
  /** Its address on the path of the session with it. */
  readonly address: string;
}

export interface GroupEvents {
  /** Hears us, and is heard. */
  joined: [member: GroupMember];
  left: [member: GroupMember, why: Departure];
}

export interface GroupParts {
  /** Group id, 32 bytes. */
  readonly id: Uint8Array;
  readonly admission: Admission;
  readonly engine: (hooks: GroupEngineHooks) => GroupEngine;
  readonly connect: (target: string | Uint8Array, signal?: AbortSignal) => Promise<Session>;
  readonly invite: (group: Group, session: Session) => Promise<Invitation>;
  readonly after: (ms: number, call: () => void) => () => void;
  /** The group is closed. Resolves when its farewells are with the others. */
  readonly ended: (group: Group) => Promise<void>;
}

export class Group extends EventEmitter<GroupEvents> implements AsyncDisposable {
  /** 32 bytes, the same at every member; says nothing of name or secret. */
  readonly id: Uint8Array;
  /** @internal */
  readonly engine: GroupEngine;
  readonly #parts: GroupParts;
  readonly #inbox = new GroupInbox();
  readonly #members = new Map<Member, GroupMember>();
  readonly #invitations: GroupInvitations;
  #writable: Deferred<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: GroupParts) {
    super();
    this.id = parts.id;
    this.#parts = parts;
    this.#invitations = new GroupInvitations({
      isMember: ({ key, instance }) =>
        this.members().some(
          (each) => equalBytes(each.key, key) && equalBytes(each.instance, instance),
        ),
      wants: (peer) => this.engine.wants(peer),
      after: parts.after,
    });
    this.engine = parts.engine({
      deliver: (member, seq, lost, data) => this.#deliver(member, seq, lost, data),
      joined: (member) => this.#joined(member),
      left: (member, why) => this.#left(member, why),
      writable: () => {
        this.#writable?.resolve();
        this.#writable = undefined;
      },
    });
  }

  /** @internal `Endpoint.openGroup` makes groups */
  static make(parts: GroupParts): Group {
    return new Group(parts);
  }

  /** Everybody but ourselves. */
  members(): readonly GroupMember[] {
    return [...this.#members.values()];
  }

  /** Drops by reason, since the group was opened. */
  counters(): Readonly<GroupCounters> {
    return { ...this.engine.counters };
  }

  /**
   * Says something to every member. Resolves when the message is on its way and more can follow; without
   * members at once, as there is nobody to hear it. In a reliable group it is kept for those who miss it.
   *
   * @param message - up to 65,536 bytes; copied
   * @throws {RangeError} for a longer one
   * @throws {TypeError} for anything but bytes
   * @throws {Mp2pError} `MP2P_CLOSED`, or the signal's reason
   */
  async send(message: Uint8Array, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (!(message instanceof Uint8Array)) throw new TypeError("a message is a Uint8Array");
    // Not `slice`, which of a node Buffer is no copy.
    const copy = new Uint8Array(message);
    for (;;) {
      options.signal?.throwIfAborted();
      this.#throwIfClosed();
      if (this.engine.send(copy)) return;
      this.#writable ??= deferred();
      await abortable(this.#writable.promise, options.signal);
    }
  }

  /** What members say, each message once; several loops share them. Ends with the group. */
  [Symbol.asyncIterator](): AsyncIterator<GroupMessage, undefined> {
    return this.#inbox.loop();
  }

  /** The same for a loop that may end before the group does. */
  messages(options: LoopOptions = {}): AsyncIterable<GroupMessage> {
    return { [Symbol.asyncIterator]: () => this.#inbox.loop(options) };
  }

  /**
   * Meets a member that no announcement reaches, by its ticket or key. It has to have the group open as well, and
   * each side to let the other in. Resolves when it is a member.
   *
   * @throws {Mp2pError} as `Endpoint.connect` does; `MP2P_NOT_ALLOWED`, `MP2P_TIMEOUT`
   */
  async invite(
    target: string | Uint8Array,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const { connect, invite } = this.#parts;
    this.#throwIfClosed();
    const session = await connect(target, options.signal);
    const { key } = session.peer;
    const isAllowed = await abortable(this.allows(key), options.signal);
    if (!isAllowed || this.engine.removed(key))
      throw new Mp2pError("MP2P_NOT_ALLOWED", "this side does not let that key into the group", {
        hint: "open the group with the key among its members, and do not remove it",
      });
    const invitation = await abortable(invite(this, session), options.signal);
    await this.#invitations.wait(invitation, options.signal);
  }

  /**
   * Shuts a key out: what is said from now on it cannot read, and what it says is not heard. Others do the
   * same where the group has an owner and this is it; else each decides for itself.
   *
   * @throws {Mp2pError} `MP2P_KEY_INVALID`
   */
  remove(key: string | Uint8Array): void {
    this.engine.remove(readKey(key));
  }

  /** Waits a moment for what was said to arrive, says farewell, and ends. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  async allows(key: Uint8Array): Promise<boolean> {
    return this.#parts.admission.allows(key);
  }

  #deliver(member: Member, seq: number, lost: number, data: Uint8Array): void {
    const { key: from, instance } = member.channel.peer;
    const message = { from, instance, seq, lost, data };
    if (!this.#inbox.push(member.voice, message)) this.engine.counters.unread++;
  }

  #joined(member: Member): void {
    const { key, instance } = member.channel.peer;
    const shown: GroupMember = {
      key,
      keyText: toZbase32(key),
      instance,
      get address() {
        return member.channel.address;
      },
    };
    this.#members.set(member, shown);
    this.#invitations.joined(shown);
    this.emit("joined", shown);
  }

  #left(member: Member, why: Departure): void {
    const shown = this.#members.get(member);
    this.#members.delete(member);
    if (shown !== undefined) this.emit("left", shown, why);
  }

  #throwIfClosed(): void {
    if (this.#closing !== undefined) throw new Mp2pError("MP2P_CLOSED", "the group was closed");
  }

  async #close(): Promise<void> {
    await this.#within(FLUSH_MS, new Promise<void>((done) => this.engine.whenFlushed(done)));
    this.engine.close();
    this.#writable?.resolve();
    this.#inbox.end();
    this.#invitations.close();
    await this.#within(FAREWELL_MS, this.#parts.ended(this));
  }

  async #within(ms: number, done: Promise<void>): Promise<void> {
    const late = deferred<void>();
    const cancel = this.#parts.after(ms, () => late.resolve());
    await Promise.race([done, late.promise]);
    cancel();
  }
}
