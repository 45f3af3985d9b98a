import {
  type Capabilities,
  SUITE_AES_256_GCM,
  SUITE_CHACHA20_POLY1305,
  type Suite,
} from "../backend/port.ts";

/** Cipher suites to offer, the better one first. */
export function suitesOf({ aes }: Capabilities): readonly Suite[] {
  return aes ? [SUITE_AES_256_GCM, SUITE_CHACHA20_POLY1305] : [SUITE_CHACHA20_POLY1305];
}
