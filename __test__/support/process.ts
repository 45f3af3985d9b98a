/** A child process that is read line by line and killed when the test ends. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { ExecutionContext } from "ava";
import { whyNot } from "./where.ts";

export class Process {
  readonly lines: string[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<number | null>;
  #stderr = "";
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(t: ExecutionContext, command: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const [program = "", ...args] = command;
    this.#child = spawn(program, args, { env: { ...process.env, NO_COLOR: "1", ...env } });
    // Its end is awaited: the next test binds the same ports.
    t.teardown(async () => {
      this.#child.kill("SIGKILL");
      await this.#ended;
    });
    this.#child.on("error", (error) => {
      this.#stderr += error.message;
    });
    this.#child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.lines.push(line);
      this.#wake();
    });
    this.#ended = once(this.#child, "close").then(([code]) => {
      this.#isOver = true;
      this.#wake();
      return code as number | null;
    });
  }

  /** Writes a line to its input. */
  say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The rest of the first line that begins so. @throws where the process ends without it */
  async line(start: string): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => line.startsWith(start));
      if (found !== undefined) return found.slice(start.length);
      if (this.#isOver) throw new Error(`no line ${JSON.stringify(start)}: ${this.#stderr}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Until it prints another line. @throws where it ends instead */
  async more(): Promise<void> {
    if (this.#isOver) throw new Error(`the process has ended: ${this.#stderr}`);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Everything printed, once the process has ended well. */
  async output(): Promise<readonly string[]> {
    const code = await this.#ended;
    if (code !== 0) throw new Error(`exit code ${code}: ${this.#stderr}`);
    return this.lines;
  }
}

/** @returns why the command fails; undefined where it does not */
export function failureOf(
  command: readonly string[],
  options: { cwd?: string } = {},
): string | undefined {
  const [program = "", ...args] = command;
  const env = { ...process.env, GOFLAGS: "-mod=mod", GOTOOLCHAIN: "local", GOPROXY: "off" };
  return whyNot(() =>
    execFileSync(program, args, { ...options, env, stdio: ["ignore", "ignore", "pipe"] }),
  );
}
