/** Codes of CLOSE, RESET and STOP that the protocol itself uses. Table: docs/PROTOCOL.md, "Frames". */
export const CLOSE_CODE = {
  /** The program is done. */
  NONE: 0,
  /** Bytes that are no frame, or a frame with impossible values. */
  FRAME: 1,
  /** A frame of an even type this version does not know. */
  UNKNOWN_FRAME: 2,
  /** Data beyond stream or connection credit. */
  CREDIT: 3,
  /** More streams than granted. */
  STREAM_LIMIT: 4,
  /** A frame for a stream or a direction that cannot have it. */
  STREAM_STATE: 5,
  /** A stream's final size changed, or lies below bytes already sent. */
  FINAL_SIZE: 6,
  /** An ACK of a packet that was never sent. */
  ACK: 7,
  /** More gaps in streams than a receiver keeps. */
  GAPS: 8,
  /** No contact for the idle time; only reported, never sent. */
  IDLE: 9,
  /** The caller's key is not allowed here. */
  NOT_ALLOWED: 16,
  /** Of RESET and STOP: nobody serves the stream's service name. */
  NO_SUCH_SERVICE: 17,
} as const;

/** The first code free for programs. */
export const FIRST_PROGRAM_CODE = 0x100;

/** Reasons of the engine itself, as text for CLOSE. */
export interface Fault {
  readonly code: number;
  readonly text: string;
}

type FaultName =
  | "frame"
  | "unknownFrame"
  | "streamCredit"
  | "connectionCredit"
  | "streamLimit"
  | "streamState"
  | "finalSize"
  | "ackUnsent"
  | "gaps";

export const FAULT: Readonly<Record<FaultName, Fault>> = {
  frame: { code: CLOSE_CODE.FRAME, text: "malformed frame" },
  unknownFrame: { code: CLOSE_CODE.UNKNOWN_FRAME, text: "unknown frame" },
  streamCredit: { code: CLOSE_CODE.CREDIT, text: "data beyond stream credit" },
  connectionCredit: { code: CLOSE_CODE.CREDIT, text: "data beyond connection credit" },
  streamLimit: { code: CLOSE_CODE.STREAM_LIMIT, text: "more streams than granted" },
  streamState: { code: CLOSE_CODE.STREAM_STATE, text: "frame for a stream that cannot have it" },
  finalSize: { code: CLOSE_CODE.FINAL_SIZE, text: "final size of a stream changed" },
  ackUnsent: { code: CLOSE_CODE.ACK, text: "acknowledged a packet never sent" },
  gaps: { code: CLOSE_CODE.GAPS, text: "too many gaps" },
};
