/** Two sockets, one of which has the sending and one the receiving end of the same keys. */
import type { ExecutionContext } from "ava";
import type { PacketKeys, SendPlan, Suite } from "../../src/backend/port.ts";
import { keysOf, type Load, type Opened, open, Wire } from "./harness.ts";

export const SEND_SLOT = 4;
export const RECEIVE_SLOT = 9;

/** Which backends, and which suite they use. */
export interface Mix {
  readonly from: Load;
  readonly to: Load;
  readonly suite: Suite;
}

export interface Pair {
  readonly keys: PacketKeys;
  readonly from: Opened;
  readonly to: Opened;
  /** From `from` to `to`. */
  readonly path: number;
}

export async function openPair(t: ExecutionContext, mix: Mix): Promise<Pair> {
  const keys = { ...keysOf(1, 3), suite: mix.suite };
  const [from, to] = [await open(t, mix.from), await open(t, mix.to)];
  from.socket.installSend(SEND_SLOT, keys);
  to.socket.installReceive(RECEIVE_SLOT, keys);
  return { keys, from, to, path: from.socket.addPath(to.address) };
}

/** The packets of a plan, taken from the wire instead of delivered. */
export async function captured(
  t: ExecutionContext,
  from: Opened,
  plan: SendPlan,
  packets: number,
): Promise<readonly Buffer[]> {
  const wire = await Wire.bind(t);
  from.socket.sendSealed(SEND_SLOT, from.socket.addPath(wire.address), plan);
  return await wire.until(packets);
}
