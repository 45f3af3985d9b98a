/** One file by UFTP, which is the only other encrypted one-to-many transfer there is to be had. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { type Child, NotMeasured } from "./child.ts";
import type { Lan } from "./lan.ts";

/** Kilobits a second. UFTP sends at a fixed rate: which is best depends on machine and loss. */
const RATES = [500_000, 1_000_000, 2_000_000, 4_000_000] as const;
const BLOCKS = [1300, 1428] as const;
/** What its manual recommends. */
const BUFFER_BYTES = "10485760";
const CURVE = "prime256v1";
const TIMEOUT_MS = 180_000;

export interface UftpSetting {
  readonly rate: number;
  readonly block: number;
}

export const UFTP_SETTINGS: readonly UftpSetting[] = RATES.flatMap((rate) =>
  BLOCKS.map((block) => ({ rate, block })),
);

export interface UftpRun {
  /** From the first process start to the last exit that matters: uftp waits for its receivers. */
  readonly seconds: number;
  readonly sentBytes: number;
}

/** @param into - one folder a receiver; what arrives is `NAME` in it */
export async function uftpCast(
  lan: Lan,
  source: string,
  into: readonly string[],
  { rate, block }: UftpSetting,
): Promise<UftpRun> {
  if (!isInstalled()) throw new NotMeasured("uftp is not installed (npm run bench:setup)");
  const before = lan.sentBytes(0);
  const started = performance.now();
  const clients = into.map((folder, index) => startClient(lan, index + 1, folder));
  let server: Child | undefined;
  try {
    const hosts = clients.map((_, index) => idOf(index + 1)).join(",");
    const cipher = ["-Y", "aes256-gcm", "-h", "sha256", "-e", "ecdh_ecdsa:prime256v1", "-K", CURVE];
    const sending = ["-R", String(rate), "-b", String(block), "-B", BUFFER_BYTES];
    const args = [...cipher, ...sending, "-U", idOf(0), "-I", "e0", "-H", hosts, source];
    server = lan.start(0, "uftp", args);
    await Promise.race([server.end(TIMEOUT_MS), server.failure]);
    const seconds = (performance.now() - started) / 1000;
    return { seconds, sentBytes: lan.sentBytes(0) - before };
  } finally {
    await Promise.all([server?.stop(), ...clients.map((client) => client.stop())]);
  }
}

function isInstalled(): boolean {
  return ["uftp", "uftpd"].every((program) => existsSync(join("/usr/bin", program)));
}

function startClient(lan: Lan, host: number, folder: string): Child {
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  mkdirSync(folder, { recursive: true });
  const places = ["-D", folder, "-T", temporary, "-L", join(temporary, "log")];
  const args = ["-d", "-E", "-I", "e0", "-U", idOf(host), "-B", BUFFER_BYTES, ...places];
  return lan.start(host, "uftpd", [...args, "-K", `ec:${CURVE}`]);
}

function idOf(host: number): string {
  return `0x${(host + 1).toString(16).padStart(8, "0")}`;
}
