/** What Linux says of a running process. Elsewhere these figures are not measured. */
import { readFileSync } from "node:fs";

import { NotMeasured } from "./child.ts";

/** proc(5): utime and stime count in 1/100 s on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Resident memory now, in bytes. */
export function rssBytes(pid: number): number {
  return statusBytes(pid, "VmRSS");
}

/** Largest resident memory so far, in bytes. */
export function peakRssBytes(pid: number): number {
  return statusBytes(pid, "VmHWM");
}

/** Processor time used so far, in seconds, all threads. */
export function cpuSeconds(pid: number): number {
  // The second field, the name in brackets, may itself hold spaces.
  const fields = readProc(pid, "stat").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Watches a process until it ends or `stop` is called; short-lived peaks are kept by the kernel. */
export function watchPeakRss(pid: number): { stop(): number } {
  let peak = 0;
  const look = (): void => {
    try {
      peak = Math.max(peak, peakRssBytes(pid));
    } catch {
      // It has ended; the last look counts.
    }
  };
  look();
  const timer = setInterval(look, 20);
  return {
    stop(): number {
      look();
      clearInterval(timer);
      return peak;
    },
  };
}

function statusBytes(pid: number, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readProc(pid, "status"));
  if (match === null) throw new NotMeasured(`process ${pid} has no ${field}`);
  return Number(match[1]) * 1024;
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch (error) {
    throw new NotMeasured(`/proc/${pid}/${name}: ${(error as Error).message}`);
  }
}
