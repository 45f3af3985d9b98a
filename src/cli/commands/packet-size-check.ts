/** Whether packets leave this device whole: a path that takes less than the smallest full packet carries handshakes and no data. */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { DoctorCheck } from "../events.ts";

/** A packet of 1,200 bytes with the headers of UDP and IPv6. */
const MTU_NEEDED = 1248;

/** @param mtus - of interfaces, by their names */
export function packetSizeCheck(mtus: ReadonlyMap<string, number>): DoctorCheck {
  const name = "packet size";
  const [small, ...others] = [...mtus].filter(([, mtu]) => mtu < MTU_NEEDED);
  if (small === undefined) {
    const sizes = [...mtus].map(([each, mtu]) => `${each} ${mtu}`);
    return { name, result: "ok", detail: sizes.join(", ") };
  }
  const told = [small, ...others].map(([each, mtu]) => `${each} takes ${mtu} bytes`).join(", ");
  const detail = `${told}; ${MTU_NEEDED} are needed, so peers answer there and get no data`;
  return { name, result: "warn", detail, fix: `sudo ip link set ${small[0]} mtu 1280` };
}

/** Of the interfaces with addresses, but loopback; empty where the system does not tell. */
export function interfaceMtus(): Map<string, number> {
  const mtus = new Map<string, number>();
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.every(({ internal }) => internal) !== false) continue;
    try {
      mtus.set(name, Number(readFileSync(`/sys/class/net/${name}/mtu`, "latin1")));
    } catch {
      // Not Linux, or gone.
    }
  }
  return mtus;
}
