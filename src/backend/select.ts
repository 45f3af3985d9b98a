import process from "node:process";
import { Mp2pError } from "../base/errors.ts";
import type { Backend } from "./port.ts";

export type BackendChoice = "auto" | "native" | "fallback";

const NOTES = new WeakMap<Backend, string>();
let fallback: Promise<Backend> | undefined;

/**
 * @param choice - default: `MP2P_BACKEND`, else `"auto"`: native, or the fallback where it is missing
 * @throws {Mp2pError} `MP2P_BACKEND_MISSING` where native was demanded and cannot be loaded, with
 * the reasons as its `cause`; `MP2P_USAGE` for an unknown choice
 */
export async function selectBackend(choice?: BackendChoice): Promise<Backend> {
  const wanted = choice ?? process.env.MP2P_BACKEND ?? "auto";
  switch (wanted) {
    case "fallback":
      return await sharedFallback();
    case "native":
      try {
        return await loadNative();
      } catch (cause) {
        const hint = "Install the prebuilt package of this platform, or set MP2P_BACKEND=auto.";
        throw new Mp2pError("MP2P_BACKEND_MISSING", causeChain(cause), {
          cause,
          hint,
        });
      }
    case "auto":
    case "":
      try {
        return await loadNative();
      } catch (cause) {
        const backend = await sharedFallback();
        NOTES.set(backend, `native backend missing: ${causeChain(cause)}`);
        return backend;
      }
    default:
      throw new Mp2pError("MP2P_USAGE", `unknown backend ${JSON.stringify(wanted)}`, {
        hint: "MP2P_BACKEND is auto, native or fallback.",
      });
  }
}

/** Why this backend was taken instead of the native one; undefined where it was asked for. */
export function backendNote(backend: Backend): string | undefined {
  return NOTES.get(backend);
}

/** libsodium's heap is one a process, and where the native backend runs it is not even loaded. */
function sharedFallback(): Promise<Backend> {
  fallback ??= import("./fallback.ts").then(({ loadFallback }) => loadFallback());
  return fallback;
}

async function loadNative(): Promise<Backend> {
  const native = await import("./native.ts");
  return native.loadNative();
}

/** First lines of an error and of everything that caused it, the outermost first. */
export function causeChain(error: unknown): string {
  const messages: string[] = [];
  for (
    let at = error;
    at !== undefined && messages.length < 8;
    at = at instanceof Error ? at.cause : undefined
  ) {
    const message = at instanceof Error ? at.message : String(at);
    const line = message.split("\n", 1)[0] as string;
    if (messages.at(-1)?.includes(line) !== true) messages.push(line);
  }
  return messages.join("; because ");
}
