/**
 * A measured process, seen from the bench: started, heard line by line, and ended by its own id.
 * Both the scripts of bench/children and `mp2p --json` say one JSON object a line, named by `t`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import type { Message } from "./children/speak.ts";

const STDERR_KEPT = 2000;

/** Why a figure could not be taken: reported in its place, never hidden. */
export class NotMeasured extends Error {
  override readonly name = "NotMeasured";
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

/** Starts `bench/children/<name>` with its task as a JSON argument. */
export function startScript(name: string, task: object, options: StartOptions = {}): Child {
  const script = fileURLToPath(new URL(`./children/${name}.js`, import.meta.url));
  return new Child(process.execPath, [script, JSON.stringify(task)], options);
}

export class Child {
  readonly #process: ChildProcess;
  readonly #messages: Message[] = [];
  readonly #latest = new Map<string, Message>();
  readonly #exited: Promise<void>;
  /** Rejects where the process fails; else never settles. */
  readonly failure: Promise<never>;
  #wake: () => void = () => {};
  #stderr = "";
  #ended: string | undefined;

  constructor(command: string, args: readonly string[], options: StartOptions = {}) {
    this.#process = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(this.#process);
    this.#exited = new Promise((resolve) => {
      const end = (why: string): void => {
        running.delete(this.#process);
        this.#ended ??= why;
        this.#wake();
        resolve();
      };
      this.#process.on("error", (error) => end(error.message));
      this.#process.on("close", (code, signal) =>
        end(`ended with ${signal ?? `exit code ${code}`}`),
      );
    });
    this.failure = new Promise((_, reject) => {
      this.#process.on("close", (code) => {
        if (code !== null && code !== 0)
          reject(new NotMeasured(this.#lastWords("the other side was done")));
      });
    });
    this.failure.catch(() => {});
    this.#process.stderr?.on("data", (text) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    const lines = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream });
    lines.on("line", (line) => {
      const message = parse(line);
      this.#messages.push(message);
      this.#latest.set(message.t, message);
      this.#wake();
    });
  }

  /** 0 where the process could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /**
   * The next message named `t`; others before it are passed over.
   *
   * @throws {NotMeasured} where the process ends, says `missing` or `error`, or stays silent too long
   */
  async next(t: string, timeoutMs = 60_000): Promise<Message> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      for (let message = this.#messages.shift(); message; message = this.#messages.shift()) {
        if (message.t === t) return message;
        if (message.t === "missing") throw new NotMeasured(String(message.why));
        if (message.t === "error") throw new NotMeasured(`${message.code}: ${message.message}`);
      }
      if (this.#ended !== undefined) throw new NotMeasured(this.#lastWords(`"${t}"`));
      const left = deadline - performance.now();
      if (left <= 0) throw new NotMeasured(`no "${t}" within ${timeoutMs / 1000} s`);
      await this.#change(left);
    }
  }

  /** The last message named `t` that has come, read or not. */
  latest(t: string): Message | undefined {
    return this.#latest.get(t);
  }

  /** Resolves when the process has ended by itself. @throws {NotMeasured} where it does not in time */
  async end(timeoutMs = 60_000): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new NotMeasured(`still runs after ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
    });
    await Promise.race([this.#exited, late]).finally(() => clearTimeout(timer));
  }

  /** Ends the process as a crash would. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** Ends the process, gently for two seconds. */
  async stop(): Promise<void> {
    if (this.#ended === undefined) {
      this.#process.kill("SIGTERM");
      const timer = setTimeout(() => this.#process.kill("SIGKILL"), 2000);
      await this.#exited.finally(() => clearTimeout(timer));
    }
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #lastWords(t: string): string {
    const said = this.#latest.get("error");
    if (said !== undefined) return `${said.code}: ${said.message}`;
    const lines = this.#stderr.trim().split("\n");
    const telling = lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? "";
    return `${this.#ended} before ${t}${telling === "" ? "" : `: ${telling.trim()}`}`;
  }
}

/** Programs that speak plain text say `{ t: "line" }`. */
function parse(line: string): Message {
  try {
    const value = JSON.parse(line) as Message;
    if (typeof value === "object" && value !== null && typeof value.t === "string") return value;
  } catch {
    // Plain text.
  }
  return { t: "line", text: line };
}
