/** Tells whether the machine was started again: what was not synced then may be gone. */
import { readFile } from "node:fs/promises";
import { uptime } from "node:os";
import { fromHex } from "../base/bytes.ts";

const BOOT_ID_BYTES = 16;

/**
 * 16 bytes: the kernel's id on Linux, elsewhere the minute of the start. A wrong "started again" only
 * costs re-reading what is claimed.
 */
export async function bootId(): Promise<Uint8Array> {
  try {
    const text = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    const id = fromHex(text.trim().replaceAll("-", ""));
    if (id?.length === BOOT_ID_BYTES) return id;
  } catch {
    // Not Linux, or no /proc.
  }
  const id = new Uint8Array(BOOT_ID_BYTES);
  const startedMinute = Math.round((Date.now() / 1000 - uptime()) / 60);
  new DataView(id.buffer).setUint32(BOOT_ID_BYTES - 4, startedMinute);
  return id;
}
