/** INITs as strangers would send them, computed before the clock starts. */

import { SUITE_AES_256_GCM, SUITE_CHACHA20_POLY1305 } from "../../src/backend/port.ts";
import { selectBackend } from "../../src/backend/select.ts";
import { limitsOf } from "../../src/endpoint/options.ts";
import { Identity } from "../../src/index.ts";
import type { HandshakeParty } from "../../src/session/handshake.ts";
import { Initiator } from "../../src/session/handshake-initiator.ts";

export interface Responder {
  readonly key: Uint8Array;
  readonly staticKey: Uint8Array;
}

export async function partyOf(identity: Identity): Promise<HandshakeParty> {
  const { primitives } = await selectBackend();
  const suites = [SUITE_AES_256_GCM, SUITE_CHACHA20_POLY1305] as const;
  return { primitives, identity, suites, limits: limitsOf(), network: new Uint8Array(16) };
}

/** As many parties, each with an identity nobody has met: no signature check is spared by memory. */
export async function strangers(count: number): Promise<HandshakeParty[]> {
  const parties: HandshakeParty[] = [];
  for (let n = 0; n < count; n++) parties.push(await partyOf(await Identity.generate()));
  return parties;
}

/** An IK INIT, 384 bytes. */
export function initBy(party: HandshakeParty, responder: Responder): Uint8Array {
  const { primitives } = party;
  const initiator = new Initiator(party, {
    peerKey: responder.key,
    peerStatic: responder.staticKey,
    localCid: primitives.randomBytes(8),
    instance: primitives.randomBytes(8),
    epoch: 0,
    ephemeral: primitives.randomBytes(32),
  });
  return initiator.init();
}
