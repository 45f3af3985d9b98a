/** The real binary as a child process, for the end-to-end tests. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ExecutionContext } from "ava";
import type {
  ClassicDoneEvent,
  ClassicReadyEvent,
  CliEvent,
  DoctorDoneEvent,
  IdDoneEvent,
  PeersDoneEvent,
} from "../../src/cli/events.ts";

export const MAIN: string = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

/** A fresh folder that goes when the test ends. */
export function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), "mp2p-cli-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Of commands that transfer nothing: read by tests of their own. */
type OtherEvent =
  | ClassicReadyEvent
  | ClassicDoneEvent
  | IdDoneEvent
  | DoctorDoneEvent
  | PeersDoneEvent;
type EventOf<T extends CliEvent["t"]> = Exclude<Extract<CliEvent, { readonly t: T }>, OtherEvent>;

/** A running command; it is killed when the test ends. */
export class Command {
  readonly child: ChildProcessWithoutNullStreams;
  /** Settles with the exit code and all output. */
  readonly ended: Promise<Ended>;
  readonly events: CliEvent[] = [];
  readonly #waiting = new Set<() => void>();
  #output = { stdout: "", stderr: "" };
  #isOver = false;

  /**
   * @param home - MP2P_HOME: who this is
   * @param eventsOn - where `--json` writes: stderr for pipes
   */
  constructor(
    t: ExecutionContext,
    home: string,
    args: readonly string[],
    {
      eventsOn = "stdout",
      env = {},
    }: { eventsOn?: "stdout" | "stderr"; env?: NodeJS.ProcessEnv } = {},
  ) {
    const environment = { ...process.env, NO_COLOR: "1", MP2P_HOME: home, ...env };
    this.child = spawn(process.execPath, [MAIN, ...args], { env: environment });
    t.teardown(() => this.child.kill("SIGKILL"));
    this.child.stdin.on("error", () => undefined);
    for (const name of ["stdout", "stderr"] as const) {
      this.child[name].on("data", (chunk: Buffer) => {
        this.#output[name] += chunk.toString("latin1");
      });
    }
    if (args.includes("--json")) {
      createInterface({ input: this.child[eventsOn] }).on("line", (line) => this.#line(line));
    }
    this.ended = once(this.child, "close").then(([code]) => {
      this.#isOver = true;
      this.#wake();
      return { code: code as number | null, ...this.#output };
    });
  }

  /** The first event of a kind that fits. @throws where the command ends without it */
  async event<T extends CliEvent["t"]>(
    kind: T,
    fits: (event: EventOf<T>) => boolean = () => true,
  ): Promise<EventOf<T>> {
    for (;;) {
      const found = this.events.find((event) => event.t === kind && fits(event as EventOf<T>));
      if (found !== undefined) return found as EventOf<T>;
      if (this.#isOver) throw new Error(`no ${kind}: ${JSON.stringify({ ...this.#output })}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #line(line: string): void {
    this.events.push(JSON.parse(line) as CliEvent);
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }
}
