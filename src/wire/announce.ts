/** ANNOUNCE packets, by kind. Byte tables: docs/PROTOCOL.md, "Announcements". */

export const ANNOUNCE = 0x58;
/** Byte 2 of an ANNOUNCE. */
export const ANNOUNCE_KIND = { peer: 0, cast: 1, group: 2, private: 3, query: 4 } as const;
