/** Three members of a group, of whom one does not keep to the rules: it holds the others' keys, as every member does. */
import type { PacketKeys, Primitives } from "../../src/backend/port.ts";
import { ascii, equalBytes } from "../../src/base/bytes.ts";
import { senderSlotKeys } from "../../src/multicast/group/sender-keys.ts";
import { signPieces } from "../../src/multicast/group/signing.ts";
import { groupKeys } from "../../src/multicast/group/terms.ts";
import { testPrimitives } from "../support/primitives.ts";
import { gather, type SimMember, type SimMemberOptions } from "./group-member.ts";
import { GroupNet } from "./group-net.ts";

const [[, first]] = (await testPrimitives()) as [Awaited<ReturnType<typeof testPrimitives>>[0]];
export const primitives: Primitives = first;
const NOTHING = new Uint8Array(0);
export const GROUP: Uint8Array = groupKeys(primitives, {
  name: ascii("sim"),
  secret: NOTHING,
  owner: NOTHING,
}).id;

export interface Trio {
  readonly alice: SimMember;
  readonly bob: SimMember;
  readonly mallory: SimMember;
}

export interface Held {
  readonly run: Uint8Array;
  readonly epoch: number;
  readonly senderKey: Uint8Array;
}

/** The keys of one member that another was ever given, oldest first. */
export function keysHeld(by: SimMember, of: SimMember): Held[] {
  let run: Uint8Array = NOTHING;
  const held: Held[] = [];
  for (const { from, record } of by.records) {
    if (!equalBytes(from.key, of.party.key)) continue;
    if (record.type === "hello" || record.type === "welcome") run = record.run;
    if (record.type === "key") held.push({ run, epoch: record.epoch, senderKey: record.key });
  }
  return held;
}

export function slotOf(
  of: SimMember,
  { run, epoch, senderKey }: Held,
  group: Uint8Array = GROUP,
): PacketKeys {
  return senderSlotKeys(primitives, { group, key: of.party.key, run, epoch, senderKey });
}

/** A frame in the name of `of`, signed by whoever `signer` is. */
export function frameBy(
  signer: SimMember,
  { run, epoch }: Held,
  seq: number,
  text: string,
): Uint8Array {
  const sign = (message: Uint8Array) => signer.hub.sign(message);
  const piece = { seq, index: 0, count: 1, data: ascii(text) };
  const [frame] = signPieces(primitives, sign, { group: GROUP, run, epoch }, [piece]);
  return frame as Uint8Array;
}

export function inject(net: GroupNet, from: SimMember, bytes: Uint8Array): void {
  for (const hub of net.hubs) if (hub !== from.hub) hub.arrive({ from: from.hub, to: "", bytes });
}

export function trio(
  seed: number,
  options: SimMemberOptions = {},
): Trio & { readonly net: GroupNet } {
  const net = new GroupNet(primitives, { seed });
  net.recording = true;
  const [alice, bob, mallory] = gather(net, 3, options) as [SimMember, SimMember, SimMember];
  return { net, alice, bob, mallory };
}

/** The hub of a member as others see it at another address. */
export function seenAt(of: SimMember, address: string): SimMember["hub"] {
  return Object.assign(Object.create(of.hub) as SimMember["hub"], { address });
}
