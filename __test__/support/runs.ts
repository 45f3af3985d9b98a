import process from "node:process";

const SOAK_FACTOR = 50;

/** How often a property is tried: `usual` times in `npm test`, many times more under MP2P_SOAK=1. */
export function runs(usual: number): number {
  return process.env.MP2P_SOAK === "1" ? usual * SOAK_FACTOR : usual;
}
