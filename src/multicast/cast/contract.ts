/** What a cast asks of the program around it: content to read on one side, a place to write on the other. */

/** What is cast. Content is read in order, and once more where a receiver misses a block. */
export interface CastContent {
  /** Tells receivers what the content is, at most 64 MiB; opaque to the cast. Empty for a live cast. */
  readonly manifest: Uint8Array;
  /** Length of the content; undefined for a live one, which ends where `read` comes up short. */
  readonly bytes: number | undefined;
  /**
   * Fills `into` from `offset`; one call at a time. A live content is read in order and never again.
   *
   * @returns bytes read, fewer than asked for only at the end
   * @throws to end the cast for everybody, with this error's code and message
   */
  read(offset: number, into: Uint8Array): Promise<number>;
}

/** A block of content as its receiver gets it, in any order. `bytes` is borrowed until `write` resolves. */
export interface CastTarget {
  /**
   * The manifest came, authentic.
   *
   * @returns what is held and was verified before, block by block: what the hash of a block was then
   * @throws to decline; the sender is told the error's code and message
   */
  offered(manifest: Uint8Array, shape: CastShape): Promise<readonly HeldBlock[]>;
  /** Verified bytes. @throws {Mp2pError} `MP2P_DISK_FULL`: the cast ends for this receiver alone */
  write(offset: number, bytes: Uint8Array, hash: Uint8Array): Promise<void>;
  /** Every block is written: rename, report. */
  complete(): Promise<void>;
}

export interface CastShape {
  /** Who casts: an Ed25519 key, 32 bytes, proved. */
  readonly sender: Uint8Array;
  /** Bytes of a whole block; the last one is shorter. */
  readonly blockBytes: number;
  /** undefined while a live cast runs. */
  readonly bytes: number | undefined;
}

export interface HeldBlock {
  readonly block: number;
  /**
   * BLAKE3 of its bytes, 32 bytes: written if the sender's hash is the same, else sent again. No bytes:
   * nobody wants the block here, whatever it is.
   */
  readonly hash: Uint8Array;
}

export type CastPolicy =
  /** The slowest receiver above the floor sets the rate. */
  | "slowest"
  /** The slowest of the required receivers does. */
  | "required"
  /** The fastest does; the others catch up afterwards. */
  | "fast";

export interface CastOptions {
  /** Receivers to wait for before the first byte; default 1. */
  readonly minReceivers?: number;
  /** How long to wait for them; then it starts with those that came, or ends where none did. Default: for ever. */
  readonly waitMs?: number;
  /**
   * Who may receive. `"secret"`, the default: bearers of the ticket, which holds a secret. `"open"`: everybody who
   * has the ticket or hears the announcement. Or these keys alone.
   */
  readonly admit?:
    | "open"
    | "secret"
    | readonly Uint8Array[]
    | ((key: Uint8Array) => boolean | Promise<boolean>);
  /**
   * Lets the local network know, so that inboxes that trust our key join by themselves; default: true,
   * but for casts whose ticket holds a secret and where discovery is private or off.
   */
  readonly announce?: boolean;
  readonly policy?: CastPolicy;
  /** Keys of the receivers that policy `required` means. */
  readonly required?: readonly Uint8Array[];
  /** Bytes a second; receivers that fall below leave for unicast catch-up. Default a fifth of the others' rate. */
  readonly floor?: number;
  /** Bytes a second, fixed; default: found by probing. */
  readonly rate?: number;
  /** UDP payload of a packet, even; default 1,452, or what the smallest interface lets out. */
  readonly packetBytes?: number;
  /** A group to cast on instead of one derived from key and cast id. */
  readonly group?: string;
  readonly signal?: AbortSignal;
}

export type CastOutcome = "complete" | "partial" | "declined" | "lost";

export type ReceiverState = "joining" | "receiving" | "catch-up" | CastOutcome;

/** A receiver that the cast waits for: it is silent, or was interrupted and may come back. */
export interface Absence {
  /** Since when. */
  readonly seconds: number;
  /** After so long the cast goes on without it. */
  readonly leftSeconds: number;
}

/** One receiver while the cast runs. */
export interface ReceiverStatus extends Omit<ReceiverReport, "outcome"> {
  readonly state: ReceiverState;
  /** Undefined while it speaks, for ten seconds after, and where nobody waits for it. */
  readonly absence: Absence | undefined;
}

/** How far a cast is, as one receiver sees it. */
export interface CastReceiveProgress {
  /** Bytes of content written, those held from before included. */
  readonly bytes: number;
  readonly total: number | undefined;
  /** Bytes held from before. */
  readonly heldBytes: number;
  readonly path: "multicast" | "unicast";
}

/**
 * Packets of a cast that its sender did not send, by where they came from: whoever has the key can make them
 * up, and a source address proves nothing. From sources that never showed to be the sender's, all they sent
 * after the first forgery. The last entry may stand for all others, with the source `"others"`.
 */
export interface ForgedSymbols {
  readonly source: string;
  readonly interface: string;
  readonly symbols: number;
}

/** One line of the final report. */
export interface ReceiverReport {
  readonly key: Uint8Array;
  readonly outcome: CastOutcome;
  /** Bytes of content it has, those held from before included. */
  readonly bytes: number;
  /** Since it joined, or since the cast began where that was later. */
  readonly seconds: number;
  /** Symbols lost of symbols sent, 0 to 1. */
  readonly lossRate: number;
  /** How most of its bytes came. */
  readonly path: "multicast" | "unicast";
  /** Why it is not complete. */
  readonly why: string | undefined;
}

export interface CastReport {
  readonly receivers: readonly ReceiverReport[];
  /** Content bytes. */
  readonly bytes: number;
  /** Since it began. */
  readonly seconds: number;
  /** UDP payload bytes sent to groups and by unicast catch-up. */
  readonly wireBytes: number;
}

/** How far a cast is, as its sender knows. */
export interface CastProgress {
  /** Content bytes sent at least once. */
  readonly bytes: number;
  /** undefined while a live cast runs. */
  readonly total: number | undefined;
  /** Receivers admitted so far, and of them those that have everything. */
  readonly receivers: number;
  readonly complete: number;
  /** Content bytes that the slowest receiver still in the cast has, and the median one. */
  readonly slowest: number;
  readonly median: number;
  /** Bytes a second it is sent at. */
  readonly rate: number;
  /** UDP payload bytes sent to groups and by unicast. */
  readonly wireBytes: number;
}

/** A cast under way: what `endpoint.cast(content, options)` returns, at once. */
export interface Casting extends AsyncDisposable {
  /** What receivers need: key, addresses, cast, and with `admit: "secret"` the secret. */
  readonly ticket: string;
  /** Now; cheap, for a screen. */
  progress(): CastProgress;
  /** Everybody admitted so far; makes a list, so not for every frame of a screen. */
  receivers(): readonly ReceiverStatus[];
  /** @throws what the content's `read` threw, the signal's reason, `MP2P_TIMEOUT` where none came */
  readonly done: Promise<CastReport>;
  /** Ends it: receivers that are not complete are told, and are partial in the report. Idempotent. */
  close(): Promise<void>;
}

/** A cast heard on this network, as `endpoint.casts()` yields it: of keys that are trusted, and again after a minute. */
export interface AnnouncedCast {
  /** The sender's Ed25519 key, 32 bytes; verified. */
  readonly key: Uint8Array;
  /** 16 bytes. */
  readonly castId: Uint8Array;
  /** Which endpoint of that key, 8 bytes. */
  readonly instance: Uint8Array;
  /** Hints of where it is, nearest first. */
  readonly addresses: readonly string[];
}

/** What `endpoint.receiveCast(ticketOrAnnounced, target, options)` takes besides. */
export interface ReceiveCastOptions {
  /** Ends it; what is verified stays with the target. */
  readonly signal?: AbortSignal;
  /** How long to look for the sender; default 20,000 ms. */
  readonly timeoutMs?: number;
  /** Called as blocks are written, at most ten times a second. */
  readonly onProgress?: (progress: CastReceiveProgress) => void;
}

/** What it resolves with when everything is written and `complete` has resolved. */
export interface CastReceipt extends Omit<ReceiverReport, "outcome" | "why"> {
  /** Content bytes held from before. */
  readonly heldBytes: number;
  /** Who sent symbols that cannot have been the sender's; empty but under attack. */
  readonly forged: readonly ForgedSymbols[];
}
