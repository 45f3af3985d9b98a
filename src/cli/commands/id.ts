import { Identity } from "../../index.ts";
import type { Context } from "../context.ts";
import type { IdOptions } from "../options.ts";

/** `mp2p id`: this device's key, made at the first call. */
export async function id(options: IdOptions, { reporter }: Context): Promise<void> {
  const { keyText } = await Identity.load();
  if (options.qr) {
    const { renderUnicodeCompact } = await import("uqr");
    reporter.note(renderUnicodeCompact(keyText));
  }
  reporter.emit({ t: "done", key: keyText });
}
