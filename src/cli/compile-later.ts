import { setFlagsFromString } from "node:v8";

/**
 * For casts: by default V8 optimizes what runs a few hundred times, on the cores that the other receivers want. A
 * cast of 500 MB to two receivers on two cores took a tenth longer; other transfers take less with it. Later versions
 * than that of Node 20 do not know the flag, and print so.
 */
export function compileLater(): void {
  if (process.versions.v8.startsWith("11.3.")) setFlagsFromString("--interrupt-budget=1000000");
}
