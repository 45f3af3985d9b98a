/** Peers that a program invited to a group, until each is a member or it is known why it is none. */

import { abortable } from "../base/abort.ts";
import { equalBytes } from "../base/bytes.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { Mp2pError } from "../base/errors.ts";
import type { Party } from "../multicast/group/proof.ts";
import type { Invitation } from "./open-group.ts";

/** As long as a conversation has to come to an agreement. */
const PATIENCE_MS = 10_000;

export interface GroupInvitationsOptions {
  readonly isMember: (peer: Party) => boolean;
  /** Whether there is no conversation with the peer. */
  readonly wants: (peer: Party) => boolean;
  /** Calls back after a time. @returns a function that cancels */
  readonly after: (ms: number, call: () => void) => () => void;
}

export class GroupInvitations {
  readonly #options: GroupInvitationsOptions;
  readonly #waiting = new Map<Deferred<void>, Party>();

  constructor(options: GroupInvitationsOptions) {
    this.#options = options;
  }

  /** @throws {Mp2pError} `MP2P_NOT_ALLOWED`, `MP2P_TIMEOUT`, `MP2P_CLOSED`, or the signal's reason */
  async wait({ peer, over }: Invitation, signal: AbortSignal | undefined): Promise<void> {
    const { isMember, wants, after } = this.#options;
    if (isMember(peer)) return;
    const settled = deferred<void>();
    this.#waiting.set(settled, peer);
    void over.then(() => {
      // Unless the conversation goes on that the peer began at the same time.
      if (wants(peer)) settled.reject(refusal());
    });
    const cancel = after(PATIENCE_MS, () =>
      settled.reject(
        new Mp2pError("MP2P_TIMEOUT", "the peer has not said whether it takes us for a member"),
      ),
    );
    try {
      await abortable(settled.promise, signal);
    } finally {
      cancel();
      this.#waiting.delete(settled);
    }
  }

  joined(member: Party): void {
    for (const [settled, { key, instance }] of this.#waiting)
      if (equalBytes(key, member.key) && equalBytes(instance, member.instance)) settled.resolve();
  }

  close(): void {
    for (const settled of this.#waiting.keys())
      settled.reject(new Mp2pError("MP2P_CLOSED", "the group was closed"));
  }
}

function refusal(): Mp2pError {
  return new Mp2pError("MP2P_NOT_ALLOWED", "the peer does not take us for a member of this group", {
    hint: "open it there with the same name, secret and owner, and with our key among its members",
  });
}
