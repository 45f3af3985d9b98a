/** What the endpoint's service needs of a group; `Group` is the one that programs see. */
import type { GroupEngine } from "../multicast/group/engine.ts";

export interface OpenGroup {
  readonly engine: GroupEngine;
  /** Whether the program lets this key in. Never throws. */
  allows(key: Uint8Array): Promise<boolean>;
  close(): Promise<void>;
}
