/** What a cast of files needs of an endpoint; `Endpoint` satisfies it. */
import type {
  AnnouncedCast,
  CastContent,
  Casting,
  CastOptions,
  CastReceipt,
  CastTarget,
  ReceiveCastOptions,
} from "../multicast/cast/contract.ts";

export interface CastEndpoint {
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  /** 32 bytes; synchronous. */
  readonly blake3: (data: Uint8Array) => Uint8Array;
  cast(content: CastContent, options?: CastOptions): Casting;
  receiveCast(
    from: string | AnnouncedCast,
    target: CastTarget,
    options?: ReceiveCastOptions,
  ): Promise<CastReceipt>;
}
