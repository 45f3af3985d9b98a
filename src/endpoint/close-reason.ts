/** Why a session ended, in words and codes a program can act on. */
import { type ErrorCode, Mp2pError } from "../base/errors.ts";
import { CLOSE_CODE } from "../session/close-codes.ts";
import type { RecordEvent } from "./session-record.ts";

export interface CloseReason {
  /** `MP2P_CLOSED` where one side simply closed. */
  readonly code: ErrorCode;
  readonly message: string;
  /** Who ended it: this side, the peer, silence, a broken rule, or a restart of the peer. */
  readonly by: "local" | "peer" | "idle" | "protocol" | "restart";
  /** The code the closing side gave, 0 to 65,535. */
  readonly closeCode: number;
  /** What to do next, where there is something to do. */
  readonly hint?: string;
}

type Closed = Extract<RecordEvent, { kind: "closed" }>;

const CODE_OF: Readonly<Record<CloseReason["by"], ErrorCode>> = {
  local: "MP2P_CLOSED",
  peer: "MP2P_CLOSED",
  idle: "MP2P_IDLE",
  protocol: "MP2P_PROTOCOL",
  restart: "MP2P_PEER_RESTARTED",
};

const MESSAGE_OF: Readonly<Record<CloseReason["by"], string>> = {
  local: "the session was closed here",
  peer: "the peer closed the session",
  idle: "the peer fell silent and was not found again",
  protocol: "the peer broke the protocol",
  restart: "the peer was restarted",
};

const HINT_OF: Partial<Record<ErrorCode, string>> = {
  MP2P_NOT_ALLOWED: "ask the peer to allow your key (`mp2p id` shows it), or for an offer ticket",
  MP2P_PEER_RESTARTED: "connect again; a transfer then resumes where it stopped",
  MP2P_IDLE: "check the peer and the network, then connect again; a transfer resumes",
};

export function closeReason(event: Closed): CloseReason {
  const refused = event.by === "peer" && event.code === CLOSE_CODE.NOT_ALLOWED;
  const said = event.text === "" ? "" : `: ${event.text}`;
  const code = refused ? "MP2P_NOT_ALLOWED" : CODE_OF[event.by];
  const hint = HINT_OF[code];
  return {
    code,
    message: refused ? "the peer does not allow this key" : MESSAGE_OF[event.by] + said,
    by: event.by,
    closeCode: event.code,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** The error streams and pending calls of an ended session fail with. */
export function closeError({ code, message, hint }: CloseReason): Mp2pError {
  return new Mp2pError(code, message, hint === undefined ? {} : { hint });
}
