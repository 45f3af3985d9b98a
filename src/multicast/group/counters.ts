/** What a group drops: nothing in silence. What no key of a member opens is among the socket's counters. */
export interface GroupCounters {
  /** Packets of no known form inside a member's encryption. */
  malformed: number;
  /** Pieces whose signature is not that of the member whose keys they came under: made by an insider. */
  forged: number;
  /** Pieces dropped unread: too many wrong signatures came from there, or from sources that proved nothing. */
  unchecked: number;
  /** Pieces that were here, delivered or given up: replays, repairs for others, a second interface. */
  duplicates: number;
  /** Pieces dropped because unfinished messages fill their budget. */
  droppedFull: number;
  /** Peers that could not prove that they know the group. */
  refusedProofs: number;
  /** Peers that are not allowed, were removed, or came when the group was full. */
  refusedMembers: number;
  /** Announcements that were not made by a member, or not by the one they name. */
  forgedAnnouncements: number;
  /** Messages for which a slow program left no room. */
  unread: number;
}

export function groupCounters(): GroupCounters {
  return {
    malformed: 0,
    forged: 0,
    unchecked: 0,
    duplicates: 0,
    droppedFull: 0,
    refusedProofs: 0,
    refusedMembers: 0,
    forgedAnnouncements: 0,
    unread: 0,
  };
}
