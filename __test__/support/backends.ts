import process from "node:process";
import type { Backend } from "../../src/backend/port.ts";
import { causeChain, selectBackend } from "../../src/backend/select.ts";

export type Kind = Backend["name"];

let missing: Promise<string | undefined> | undefined;

export function loadBackend(kind: Kind): Promise<Backend> {
  return selectBackend(kind);
}

/** Why tests of the native backend are left out; undefined where they run. */
export function nativeMissing(): Promise<string | undefined> {
  missing ??= whyNativeIsMissing();
  return missing;
}

/** The backends to test here: MP2P_BACKEND narrows them, and `native` then has to be there. */
export async function availableKinds(): Promise<readonly Kind[]> {
  const wanted = process.env.MP2P_BACKEND;
  if (wanted === "native" || wanted === "fallback") return [wanted];
  return (await nativeMissing()) === undefined ? ["native", "fallback"] : ["fallback"];
}

async function whyNativeIsMissing(): Promise<string | undefined> {
  const wanted = process.env.MP2P_BACKEND;
  if (wanted === "fallback") return "MP2P_BACKEND=fallback";
  if (wanted === "native") return undefined;
  try {
    await selectBackend("native");
    return undefined;
  } catch (error) {
    return causeChain(error);
  }
}
