import { stat } from "node:fs/promises";
import { arch, platform, release } from "node:os";
import { join } from "node:path";
import { type Endpoint, homeFolder, parseTicket } from "../../index.ts";
import type { Context } from "../context.ts";
import type { DoctorCheck } from "../events.ts";
import { networkOf, openEndpoint } from "../open-endpoint.ts";
import type { DoctorOptions } from "../options.ts";
import { formatBytes } from "../text.ts";
import { interfaceMtus, packetSizeCheck } from "./packet-size-check.ts";

/** Below this the kernel drops bursts at a gigabit: 5 ms of it with a doubled margin, rounded up. */
const BUFFER_BYTES_WANTED = 2 * 1024 * 1024;

/** Peers answer within 120 ms. */
const ANSWERS_MS = 700;
const FIREWALL_FIX = "sudo ufw allow 6727/udp, or sudo firewall-cmd --add-port=6727/udp";

/** `mp2p doctor`: what this device can do, and the command that mends what it cannot. */
export async function doctor(options: DoctorOptions, context: Context): Promise<void> {
  await using endpoint = await openEndpoint(
    { services: [], allow: [], ...networkOf(options) },
    context,
  );
  // First, as what can be heard says who can reach us.
  const multicast = await multicastCheck(endpoint);
  const mtus = interfaceMtus();
  const checks = [
    {
      name: "system",
      result: "ok",
      detail: `${platform()} ${release()} ${arch()}, node ${process.version}`,
    },
    await identityCheck(endpoint),
    backendCheck(endpoint),
    capabilityCheck(endpoint),
    bufferCheck("receive buffer", endpoint.backend.buffers.receiveBytes, "net.core.rmem_max"),
    bufferCheck("send buffer", endpoint.backend.buffers.sendBytes, "net.core.wmem_max"),
    addressCheck(endpoint),
    ...(mtus.size > 0 ? [packetSizeCheck(mtus)] : []),
    multicast,
  ] satisfies DoctorCheck[];
  context.reporter.emit({ t: "done", checks });
}

async function identityCheck({ keyText }: Endpoint): Promise<DoctorCheck> {
  const file = join(homeFolder(), "identity");
  const { mode } = await stat(file);
  const detail = `${keyText} in ${file}, mode ${(mode & 0o777).toString(8).padStart(4, "0")}`;
  return { name: "identity", result: "ok", detail };
}

function backendCheck({ backend }: Endpoint): DoctorCheck {
  if (backend.name === "native") return { name: "backend", result: "ok", detail: "native" };
  const detail = `fallback${backend.note === undefined ? "" : `: ${backend.note}`}`;
  return { name: "backend", result: "warn", detail };
}

function capabilityCheck({ backend }: Endpoint): DoctorCheck {
  const { gsoSegments, ...flags } = backend.capabilities;
  const parts = Object.entries(flags).map(([name, value]) => `${name} ${value ? "yes" : "no"}`);
  return {
    name: "capabilities",
    result: "ok",
    detail: [`gsoSegments ${gsoSegments}`, ...parts].join(", "),
  };
}

function bufferCheck(name: string, bytes: number, key: string): DoctorCheck {
  const detail = formatBytes(bytes);
  if (bytes >= BUFFER_BYTES_WANTED) return { name, result: "ok", detail };
  const wanted = formatBytes(BUFFER_BYTES_WANTED);
  const check = {
    name,
    result: "warn",
    detail: `${detail}; ${wanted} keep up with bursts`,
  } as const;
  return platform() === "linux"
    ? { ...check, fix: `sudo sysctl -w ${key}=${BUFFER_BYTES_WANTED}` }
    : check;
}

function addressCheck(endpoint: Endpoint): DoctorCheck {
  const { candidates, sameHost } = parseTicket(endpoint.ticket());
  const name = "addresses";
  if (candidates.length === 0 || sameHost) {
    const isFound = endpoint.multicast?.isCutOff === false;
    const none = isFound
      ? "none for a ticket: peers on this network find it by multicast"
      : "no network: only this machine can reach it";
    return { name, result: "warn", detail: none };
  }
  return { name, result: "ok", detail: candidates.join(", ") };
}

/** Interfaces that refuse are named one by one; the rest goes on without them. */
async function multicastCheck(endpoint: Endpoint): Promise<DoctorCheck> {
  const name = "multicast";
  if (endpoint.multicast === undefined)
    return { name, result: "warn", detail: "off: peers are not found by key, casts go by unicast" };
  await askAround(endpoint);
  const { interfaces, refused, deaf, hasHeardOthers, isCutOff, trouble = "" } = endpoint.multicast;
  const taken = interfaces.length === 0 ? "no interface takes part" : interfaces.join(", ");
  const refusals = refused.map(({ interfaceName, error }) => `${interfaceName}: ${error.message}`);
  const isEaten = deaf.length > 0 && !hasHeardOthers;
  if (interfaces.length > 0 && (isEaten || isCutOff)) {
    const check = { name, result: "warn", detail: [taken, trouble].join("; ") } as const;
    return isEaten && platform() === "linux" ? { ...check, fix: FIREWALL_FIX } : check;
  }
  const others = hasHeardOthers ? "other devices are heard" : "no other device was heard";
  const isWell = interfaces.length > 0 && refused.length === 0;
  const detail = [taken, ...refusals, ...(interfaces.length > 0 ? [others] : [])].join("; ");
  return { name, result: isWell ? "ok" : "warn", detail };
}

/** Everyone here is asked to say so; what we send ourselves comes back too. */
async function askAround(endpoint: Endpoint): Promise<void> {
  const answers = endpoint.nearby({ signal: AbortSignal.timeout(ANSWERS_MS) });
  for await (const _ of answers);
}
