/** Does one upload reach many receivers faster than by UFTP, and with few bytes more than the file has? */
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { type CastRun, type CastTask, mp2pCast, type RunningCast } from "./cast-cli.ts";
import { UFTP_SETTINGS, type UftpSetting, uftpCast } from "./cast-uftp.ts";
import { NotMeasured } from "./child.ts";
import { Lan } from "./lan.ts";
import { absolute, type Row, relative } from "./row.ts";
import { median, type Outcome, once, reason, sideBySide, worst } from "./samples.ts";
import { CAST_BYTES } from "./sizes.ts";
import type { Subject } from "./subject.ts";
import { makeFile, sameContent, warmMemory, withWorkDirectory } from "./work-directory.ts";

const NAME = "file.bin";
const MB = 1e6;
const SLOW_TIMEOUT_MS = 600_000;
const UFTP_TRIES = 5;

export const cast: Subject = {
  name: "cast",
  question: `One file of ${CAST_BYTES / MB} MB to two receivers on a bridge, each process in a namespace of its own, encrypted`,
  run: () =>
    withBench(async (bench) => [
      ...(await bench.beside("clean", 0, 4)),
      ...(await bench.beside("clean, packets one by one", 0, 4, true)),
      ...(await bench.beside("2 % loss", 20, 3)),
    ]),
};

export const castMany: Subject = {
  name: "cast-many",
  question: `The same file to eight, to a slow one, to one that is late and to one that is killed`,
  run: () =>
    withBench(async (bench) => [
      ...(await bench.eight()),
      ...(await bench.oneSlow()),
      ...(await bench.comings()),
    ]),
};

function withBench(use: (bench: CastBench) => Promise<Row[]>): Promise<Row[]> {
  return withWorkDirectory(async (directory) => {
    const source = join(directory, NAME);
    await makeFile(source, CAST_BYTES);
    return await use(new CastBench(directory, source));
  }, "/dev/shm");
}

class CastBench {
  readonly #directory: string;
  readonly #source: string;

  constructor(directory: string, source: string) {
    this.#directory = directory;
    this.#source = source;
  }

  /** Two receivers, mp2p and UFTP in turns. */
  async beside(
    what: string,
    perMille: number,
    atLeast: number,
    isSingle: boolean = perMille > 0,
  ): Promise<Row[]> {
    const runs: CastRun[] = [];
    const figure = `2 receivers, ${what}`;
    const outcomes = await this.#on(2, perMille, async (lan, into) => {
      if (isSingle) lan.single();
      const setting = await this.#bestSetting(lan, into);
      return sideBySide({
        mp2p: async () => {
          const run = await this.#cast(lan, into);
          runs.push(run);
          return CAST_BYTES / run.seconds / MB;
        },
        uftp: async () => {
          if (typeof setting === "string") throw new NotMeasured(setting);
          return CAST_BYTES / (await this.#uftp(lan, into, setting, UFTP_TRIES)) / MB;
        },
      });
    });
    const rows = [
      relative({ figure, unit: "MB/s", ours: outcomes.mp2p }, "UFTP", outcomes.uftp, { atLeast }),
    ];
    return perMille === 0 ? rows : [...rows, extra(figure, runs, outcomes.mp2p, 8)];
  }

  /** Eight receivers and nine processes on what cores there are, beside two. */
  async eight(): Promise<Row[]> {
    const runs: CastRun[] = [];
    const delivered = async (receivers: number): Promise<Outcome> =>
      this.#on(receivers, 10, async (lan, into) => {
        const take = async (): Promise<number> => {
          const run = await this.#cast(lan, into);
          if (receivers === 8) runs.push(run);
          return (receivers * CAST_BYTES) / run.seconds / MB;
        };
        return (await sideBySide({ take })).take;
      });
    const two = await delivered(2);
    const eight = await delivered(8);
    const figure = "8 receivers, 1 % loss, delivered to all";
    const caughtUp = runs.map(
      (run) => run.receivers.filter(({ path }) => path === "direct").length,
    );
    return [
      relative({ figure, unit: "MB/s", ours: eight }, "2 receivers", two, { atLeast: 0.8 }),
      extra(figure, runs, eight, 10),
      absolute(
        { figure: "8 receivers, on catch-up", unit: "receivers", ours: or(eight, caughtUp) },
        { atMost: 0 },
      ),
    ];
  }

  /** What the others lose by one slow receiver, and that it gets everything. */
  async oneSlow(): Promise<Row[]> {
    const slow: CastRun[] = [];
    // The slow one is on the bridge even where it takes no part: what floods its port costs the same.
    const { alone, beside } = await this.#on(8, 0, async (lan, into) => {
      const seven = into.slice(0, 7);
      const take = async () => others(await this.#cast(lan, seven), 7);
      lan.limit(8, (0.05 * CAST_BYTES * 8) / (await take()));
      const { alone } = await sideBySide({ alone: take });
      // It takes twenty times as long as the others: once will do.
      const beside = await once(async () => {
        slow.push(await this.#cast(lan, into, { timeoutMs: SLOW_TIMEOUT_MS }));
        return others(slow[0] as CastRun, 7);
      });
      return { alone, beside };
    });
    const figure = "7 receivers beside one at 5 % of their rate";
    const completed = slow.map((run) => (run.receivers[7]?.path === "direct" ? 1 : 0));
    return [
      relative({ figure, unit: "s", ours: beside }, "alone", alone, { atMost: 1.1 }),
      absolute(
        {
          figure: "the slow one completes, by catch-up",
          unit: "of 1",
          ours: or(beside, completed),
        },
        { atLeast: 1 },
      ),
    ];
  }

  /** One that comes late, and one that is killed and comes back. */
  async comings(): Promise<Row[]> {
    const late = await this.#extraOf(1, async (running) => {
      await running.sent(0.5);
      running.receive(1);
    });
    const killed = await this.#extraOf(0, async (running) => {
      await running.sent(0.3);
      running.receivers[1]?.kill();
      await running.receivers[1]?.end();
      await running.sent(0.6);
      running.receive(1);
    });
    const row = (figure: string, ours: Outcome): Row =>
      absolute({ figure, unit: "% of the file", ours }, { atMost: 10 });
    return [
      row("late joiner, bytes sent beyond what it missed", late),
      row("killed and restarted, bytes sent beyond what it missed", killed),
    ];
  }

  /** Bytes beyond the file and what the one that came anew had missed, in percent of the file. */
  async #extraOf(late: number, comes: (running: RunningCast) => Promise<void>): Promise<Outcome> {
    return this.#on(2, 0, async (lan, into) => {
      const value = async (): Promise<number> => {
        let missed = 0;
        const run = await this.#cast(lan, into, {
          late,
          // Slow enough for a process to start meanwhile.
          castArgs: ["--rate", "100MB"],
          during: async (running) => {
            await comes(running);
            missed = await running.missed(1);
          },
        });
        return (100 * (run.wireBytes - CAST_BYTES - missed)) / CAST_BYTES;
      };
      return (await sideBySide({ value })).value;
    });
  }

  /** The setting UFTP is fastest with here, or why there is none. */
  async #bestSetting(lan: Lan, into: readonly string[]): Promise<UftpSetting | string> {
    let best: { setting: UftpSetting; seconds: number } | undefined;
    let why = "no setting of UFTP came to an end";
    for (const setting of UFTP_SETTINGS) {
      try {
        const seconds = await this.#uftp(lan, into, setting);
        console.log(`  UFTP -R ${setting.rate} -b ${setting.block}: ${seconds.toFixed(2)} s`);
        if (best === undefined || seconds < best.seconds) best = { setting, seconds };
      } catch (error) {
        why = reason(error);
      }
    }
    return best?.setting ?? why;
  }

  /** Under loss it gives a receiver up now and then: such runs do not count. @returns seconds */
  async #uftp(
    lan: Lan,
    into: readonly string[],
    setting: UftpSetting,
    tries: number = 1,
  ): Promise<number> {
    try {
      warmMemory(into.length * CAST_BYTES);
      const { seconds } = await uftpCast(lan, this.#source, into, setting);
      await this.#verify(into);
      return seconds;
    } catch (error) {
      if (tries === 1) throw error;
      return await this.#uftp(lan, into, setting, tries - 1);
    }
  }

  async #cast(
    lan: Lan,
    into: readonly string[],
    more: Pick<CastTask, "late" | "during" | "castArgs" | "timeoutMs"> = {},
  ): Promise<CastRun> {
    const home = this.#directory;
    warmMemory(into.length * CAST_BYTES);
    const run = await mp2pCast({ lan, source: this.#source, into, home, ...more });
    await this.#verify(into);
    return run;
  }

  async #verify(into: readonly string[]): Promise<void> {
    for (const folder of into) {
      const file = join(folder, NAME);
      if (!existsSync(file)) throw new NotMeasured("a receiver was given up");
      if (!(await sameContent(this.#source, file)))
        throw new NotMeasured("a received file differs");
      await rm(folder, { recursive: true });
    }
  }

  async #on<T>(
    receivers: number,
    perMille: number,
    use: (lan: Lan, into: readonly string[]) => Promise<T>,
  ): Promise<T> {
    const lan = Lan.make(receivers + 1);
    try {
      for (let host = 1; host <= receivers; host++) lan.lose(host, perMille);
      if (perMille > 0) lan.single();
      const into = Array.from({ length: receivers }, (_, at) => join(this.#directory, `r${at}`));
      for (const folder of into) await mkdir(folder, { recursive: true });
      return await use(lan, into);
    } finally {
      lan.close();
    }
  }
}

function extra(figure: string, runs: readonly CastRun[], ours: Outcome, atMost: number): Row {
  const values = runs.map((run) => (100 * (run.wireBytes - CAST_BYTES)) / CAST_BYTES);
  const link = median(runs.map((run) => (100 * (run.sentBytes - CAST_BYTES)) / CAST_BYTES));
  const note = `on the link, with all headers, ${link.toFixed(1)} % more than the file`;
  return absolute(
    { figure: `${figure}, extra bytes`, unit: "%", ours: or(ours, values), note },
    { atMost },
  );
}

/** Values beside a figure, which are missing where it is. */
function or(figure: Outcome, values: readonly number[]): Outcome {
  return "missing" in figure ? figure : worst(values);
}

/** When the last of the first `count` receivers was done. */
function others(run: CastRun, count: number): number {
  return Math.max(...run.receivers.slice(0, count).map(({ seconds }) => seconds));
}
