import process from "node:process";
import type { Backend } from "../../src/backend/port.ts";
import { causeChain, selectBackend } from "../../src/backend/select.ts";

export type Kind = Backend["name"];

let native: Promise<string | undefined> | undefined;

export function loadBackend(kind: Kind): Promise<Backend> {
  return selectBackend(kind);
}

/** Why tests of the native backend are left out; undefined where they run. */
export function nativeMissing(): Promise<string | undefined> {
  native ??= whyNativeIsMissing();
  return native;
}

/** The backends to test here: MP2P_BACKEND narrows them, and `native` then has to be there. */
export async function availableKinds(): Promise<readonly Kind[]> {
  const wanted = process.env.MP2P_BACKEND;
  if (wanted === "native" || wanted === "fallback") return [wanted];
  return (await nativeMissing()) === undefined ? ["native", "fallback"] : ["fallback"];
}

/** Of the backends to test here those without groups: why tests of these are left out. */
export async function groupsMissing(): Promise<ReadonlyMap<Kind, string>> {
  const missing = new Map<Kind, string>();
  for (const kind of await availableKinds()) {
    const { capabilities } = await loadBackend(kind);
    if (!capabilities.multicast) missing.set(kind, `the ${kind} backend has no groups here`);
  }
  return missing;
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
