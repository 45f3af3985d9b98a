/** What a socket counts: nothing is dropped in silence. */
/** Totals since the socket opened; a dropped packet is in exactly one of the dropped columns. */
export interface SocketCounters {
  packetsSent: number;
  bytesSent: number;
  packetsReceived: number;
  bytesReceived: number;
  /** Datagrams of no known type or impossible length. */
  droppedMalformed: number;
  /** Sealed packets, answers and cookies for a connection id nobody expects. */
  droppedUnknown: number;
  /** Sealed packets whose tag does not match. */
  droppedForged: number;
  /** Sealed packets seen before or too old. */
  droppedReplayed: number;
  /** INITs with a wrong mac1. */
  droppedStrangers: number;
  /** INITs over a rate limit that were not worth a COOKIE. */
  droppedLimited: number;
  /** Plain datagrams dropped because 256 were waiting. */
  droppedQueue: number;
  /** COOKIE packets sent. */
  cookiesSent: number;
  /** Datagrams on the groups' port for a destination or an interface that was not joined. */
  droppedGroup: number;
  /** Datagrams the kernel dropped because our receive buffer was full; 0 where unknown. */
  droppedKernel: number;
  /** Send calls; packetsSent / sendCalls shows what segmentation offload is worth. */
  sendCalls: number;
  /** Receive calls that returned something. */
  receiveCalls: number;
}

export function noCounts(): SocketCounters {
  return {
    packetsSent: 0,
    bytesSent: 0,
    packetsReceived: 0,
    bytesReceived: 0,
    droppedMalformed: 0,
    droppedUnknown: 0,
    droppedForged: 0,
    droppedReplayed: 0,
    droppedStrangers: 0,
    droppedLimited: 0,
    droppedQueue: 0,
    cookiesSent: 0,
    droppedGroup: 0,
    droppedKernel: 0,
    sendCalls: 0,
    receiveCalls: 0,
  };
}

/** Sealed packets that came by groups and were dropped, by where they came from. */
export interface GroupDrops {
  /** `"192.0.2.7:5000"`. */
  readonly source: string;
  readonly interface: string;
  /** No key of ours opens them, or their connection id is unknown: other casts', or made up. */
  readonly unknown: number;
  readonly forged: number;
  readonly replayed: number;
}
