/** Totals of one session; meanings as in SessionEngineStats. */
export class Counters {
  bytesSent = 0;
  packetsSent = 0;
  packetsReceived = 0;
  streamBytesSent = 0;
  streamBytesReceived = 0;
  streamBytesAcked = 0;
  retransmittedBytes = 0;
}
