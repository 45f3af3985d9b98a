/** What one ACK told about one path. */
export interface AckSample {
  now: number;
  ackedBytes: number;
  lostBytes: number;
  ackedPackets: number;
  lostPackets: number;
  /** Bytes in flight before and after. */
  priorInFlight: number;
  inFlight: number;
  /** Milliseconds; 0 where this ACK gave no sample. */
  rttMs: number;
  /** How long the peer held the ACK back, in milliseconds, where `rttMs` is given. */
  delayMs: number;
  minRttMs: number;
  smoothedRttMs: number;
  /** Delivery rate in bytes a millisecond, and over how many; 0 where unknown. */
  rate: number;
  /** The newest acknowledged burst left while there was nothing more to send. */
  appLimited: boolean;
  /** Bytes delivered on the path in all, now and when the newest acknowledged burst left. */
  delivered: number;
  priorDelivered: number;
  /** When the newest acknowledged and the newest lost packet left. */
  ackedSentAt: number;
  lostSentAt: number;
  /** All packets over three PTOs are lost, as an ACK confirmed. */
  persistent: boolean;
  /** Packets newly reported as marked by the network. */
  marks: number;
}

/** Decides how much may be in flight, and how fast it leaves. One per path. */
export interface CongestionController {
  /** Bytes. */
  readonly window: number;
  /** Pacing, in bytes a millisecond. */
  readonly rate: number;
  /** Bytes a millisecond the path is thought to carry; 0 while unknown. */
  readonly bandwidth: number;
  onSent(now: number, bytes: number, inFlightBefore: number): void;
  onAck(sample: AckSample): void;
  /** Bytes thought lost had arrived after all. */
  onSpurious(now: number): void;
  /** Full packets have another size now. */
  packetBytes: number;
}

export interface CongestionOptions {
  readonly packetBytes: number;
  readonly initialRttMs: number;
  /** Bytes to start with. */
  readonly initialWindow: number;
  /** The path never leaves this machine: its losses are full buffers, its delays are schedulers. */
  readonly loopback: boolean;
}
