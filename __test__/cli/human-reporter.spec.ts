import { PassThrough } from "node:stream";
import { mock } from "node:test";
import test from "ava";
import { HumanReporter, type HumanReporterOptions } from "../../src/cli/human-reporter.ts";
import { ProgressView } from "../../src/cli/progress-view.ts";
import type { Sink } from "../../src/cli/reporter.ts";

const EVIL = "\u001b[2J\u202egpj.exe";
const KEY = "4djdophbtqhj1kbzteghdxdqkrskx1sdazfhkij9xixzjhxt3why";
const PROGRESS = {
  t: "progress",
  peer: KEY,
  bytes: 50,
  confirmed: 40,
  total: 100,
  files: 0,
  filesTotal: 1,
  rate: 10,
  etaSeconds: 6,
  path: "lan",
  rttMs: 1,
} as const;
const CAST = {
  t: "progress",
  bytes: 0,
  confirmed: 0,
  median: 0,
  total: 100,
  receivers: 0,
  complete: 0,
  awaited: 0,
  rate: 9,
  etaSeconds: 6,
  path: "multicast",
} as const;

class Paper implements Sink {
  readonly isTTY: boolean;
  readonly columns = 80;
  text = "";

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }
}

function reporterOn(isTTY: boolean, options: Partial<HumanReporterOptions> = {}) {
  const stdout = new Paper(isTTY);
  const stderr = new Paper(isTTY);
  const reporter = new HumanReporter({
    stdin: new PassThrough(),
    stdout,
    stderr,
    env: { NO_COLOR: "1" },
    now: () => 0,
    isQuiet: false,
    isVerbose: false,
    wantsColor: true,
    usageOf: (ticket) => `mp2p receive ${ticket}`,
    isStdoutTaken: false,
    ...options,
  });
  return { reporter, stdout, stderr };
}

const viewOn = (sink: Sink, now: () => number) =>
  new ProgressView({ sink, isLive: sink.isTTY === true, now, nameOf: (peer) => peer.slice(0, 4) });

test("a script gets a bare ticket, a person the command, a pipe's stdout neither", (t) => {
  const ready = { t: "ready", key: KEY, ticket: "mp2p1x", addresses: [] } as const;
  const script = reporterOn(false);
  script.reporter.emit(ready);
  t.is(script.stdout.text, "mp2p1x\n");
  const person = reporterOn(true);
  person.reporter.emit(ready);
  t.is(person.stdout.text, "  mp2p receive mp2p1x\n");
  const pipe = reporterOn(false, { isStdoutTaken: true });
  pipe.reporter.emit(ready);
  t.is(pipe.stdout.text, "");
  t.true(pipe.stderr.text.includes("mp2p receive mp2p1x"));
});

test("nothing a peer chose is obeyed by the terminal", (t) => {
  const { reporter, stderr } = reporterOn(false, { isVerbose: true });
  reporter.emit({ t: "file", name: EVIL, bytes: 1, result: "refused", why: EVIL });
  reporter.emit({ t: "file", name: EVIL, bytes: 1, result: "written" });
  reporter.emit({ t: "error", code: "MP2P_REFUSED", message: EVIL, why: EVIL, hint: EVIL });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  t.notRegex(stderr.text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  t.is(stderr.text.match(/gpj\.exe/g)?.length, 6);
});

test("an error is one block: message, why, what to try", (t) => {
  const { reporter, stderr } = reporterOn(false);
  reporter.emit({
    t: "error",
    code: "MP2P_NO_PATH",
    message: "no path",
    why: "no answer",
    hint: "doctor",
  });
  t.is(stderr.text, "error: no path  MP2P_NO_PATH\n  why: no answer\n  try: doctor\n");
});

test("quiet leaves results and errors", (t) => {
  const { reporter, stdout, stderr } = reporterOn(false, { isQuiet: true });
  reporter.note("connecting");
  reporter.emit(PROGRESS);
  reporter.emit({ t: "offer", peer: KEY, files: 1, bytes: 5 });
  reporter.emit({ t: "done", key: KEY });
  t.deepEqual([stdout.text, stderr.text], [`${KEY}\n`, ""]);
  reporter.emit({ t: "error", code: "MP2P_IDLE", message: "gone" });
  t.true(stderr.text.startsWith("error: gone"));
});

test("what was there already does not count as speed", (t) => {
  const { reporter, stderr } = reporterOn(false);
  const done = { t: "done", seconds: 2, path: "lan", wireBytes: 0 } as const;
  reporter.emit({ ...done, bytes: 1e6, files: 2, resumedBytes: 4e5, payloadBytes: 6e5 });
  reporter.emit({ ...done, bytes: 0, files: 0, skipped: 2, resumedBytes: 1e6, payloadBytes: 0 });
  const [resumed, nothing] = stderr.text.split("\n");
  t.is(resumed, "done  2 files, 1.00 MB  in 2.00 s  (300 kB/s, lan)  400 kB were there already");
  t.is(nothing, "done  nothing new  in 2.00 s  (0 B/s, lan)  2 files skipped");
});

test("without a terminal nobody is asked", async (t) => {
  const { reporter } = reporterOn(false);
  const question = { text: "?", again: "?", answer: () => true };
  t.is(await reporter.ask(question, new AbortController().signal), undefined);
});

test("who ended the input at one question is not asked another", async (t) => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const { reporter } = reporterOn(true, { stdin });
  const question = { text: "?", again: "?", answer: () => true };
  const { signal } = new AbortController();
  stdin.end();
  t.is(await reporter.ask(question, signal), undefined);
  t.is(await reporter.ask(question, signal), undefined);
});

test("in a terminal progress is one line, redrawn; in a log it is whole lines", (t) => {
  const terminal = new Paper(true);
  const live = viewOn(terminal, () => 0);
  t.teardown(() => live.close());
  live.update(PROGRESS);
  live.draw();
  live.draw();
  t.false(terminal.text.includes("\n"));
  t.is(terminal.text.split("\r\u001b[K").length - 1, 2);
  live.remove(KEY);
  t.true(terminal.text.endsWith("\r\u001b[K"), "the line is gone at the end");

  const file = new Paper(false);
  const log = viewOn(file, () => 0);
  t.teardown(() => log.close());
  log.update(PROGRESS);
  log.draw();
  t.is(file.text, "40%  40 B of 100 B  10 B/s  ETA 0:06  lan 1.0 ms\n");
});

test("a terminal that knows no control sequences gets whole lines", (t) => {
  mock.timers.enable({ apis: ["setInterval"] });
  t.teardown(() => mock.timers.reset());
  const { reporter, stderr } = reporterOn(true, { env: { TERM: "dumb" } });
  reporter.emit(PROGRESS);
  mock.timers.tick(5000);
  reporter.close();
  t.is(stderr.text, "40%  40 B of 100 B  10 B/s  ETA 0:06  lan 1.0 ms\n");
});

test("several transfers have a line each, and a cast one for each receiver, as many as fit", (t) => {
  const terminal = new Paper(true);
  const view = viewOn(terminal, () => 0);
  t.teardown(() => view.close());
  const other = `zz${KEY.slice(2)}`;
  view.update(PROGRESS);
  view.update({ ...PROGRESS, peer: other, confirmed: 70 });
  view.draw();
  const [first = "", second = ""] = terminal.text.split("\n");
  t.true(first.includes("4djd  ") && first.includes("40%"), first);
  t.true(second.startsWith("zzjd  ") && second.includes("70%"), second);
  terminal.text = "";
  view.draw();
  t.true(terminal.text.startsWith("\r\u001b[1A\u001b[J"), "back to where the first line began");
  view.remove(KEY);
  view.remove(other);
  terminal.text = "";

  const over = view.follow(() =>
    Array.from({ length: 20 }, (_, at) => ({
      peer: `${at}____`,
      state: at === 7 ? ("catch-up" as const) : ("complete" as const),
      bytes: 40,
      total: 100,
      path: "multicast" as const,
    })),
  );
  view.update({ ...CAST, bytes: 90, confirmed: 40, median: 40, receivers: 20, complete: 19 });
  view.draw();
  const drawn = terminal.text.split("\n");
  t.is(drawn.length, 12);
  t.regex(drawn[0] ?? "", /40%.*19\/20 receivers done/);
  t.regex(drawn[1] ?? "", /^ {2}7___ .*40% {2}40 B {2}catch-up/, "whoever misses something first");
  t.regex(drawn[2] ?? "", /100% {2}100 B {2}complete/);
  t.is(drawn.at(-1), "  and 10 more");
  over();
  t.true(terminal.text.endsWith("\r\u001b[11A\u001b[J"), "nothing of it stays");
});

test("a cast that waits says for how many", (t) => {
  const file = new Paper(false);
  const view = viewOn(file, () => 0);
  t.teardown(() => view.close());
  view.update({ ...CAST, awaited: 3 });
  view.draw();
  view.update({ ...CAST, receivers: 2, awaited: 1 });
  view.draw();
  t.is(file.text, "waiting for 3 receivers\nwaiting until 1 more receiver is ready\n");
});

test("a cast says in a terminal and in a log whom it waits for, though it is away", (t) => {
  const told = /away for 0:20, waited for 0:40 more/;
  for (const isTerminal of [true, false]) {
    const paper = new Paper(isTerminal);
    const view = viewOn(paper, () => 0);
    t.teardown(() => view.close());
    const line = { state: "receiving", bytes: 40, total: 100, path: "multicast" } as const;
    let absence: { seconds: number; leftSeconds: number } | undefined;
    const over = view.follow(() => [{ ...line, peer: KEY, absence }]);
    view.update({ ...CAST, bytes: 40, receivers: 1 });
    view.draw();
    t.notRegex(paper.text, told);
    absence = { seconds: 20, leftSeconds: 40 };
    view.draw();
    t.regex(paper.text, told);
    over();
  }
});

test("a question keeps progress off the screen", (t) => {
  const terminal = new Paper(true);
  const view = viewOn(terminal, () => 0);
  t.teardown(() => view.close());
  view.update(PROGRESS);
  view.paused = true;
  view.draw();
  t.is(terminal.text, "");
  view.paused = false;
  view.draw();
  t.true(terminal.text.includes("40%"));
});

test("a peer that confirms nothing is named a stall", (t) => {
  let nowMs = 0;
  const file = new Paper(false);
  const view = viewOn(file, () => nowMs);
  t.teardown(() => view.close());
  view.update(PROGRESS);
  nowMs = 6000;
  view.update({ ...PROGRESS, bytes: 60 });
  view.draw();
  t.true(file.text.includes("no answer for 0:06"), file.text);
});

test("packets that somebody forged are told with where they came from, what it means and what to do", (t) => {
  const { reporter, stderr } = reporterOn(true, { isQuiet: true });
  const done = {
    t: "done",
    bytes: 9,
    files: 1,
    seconds: 1,
    resumedBytes: 0,
    payloadBytes: 9,
    wireBytes: 9,
  } as const;
  reporter.emit(done);
  t.is(stderr.text, "");
  const sources = [3, 40, 2, 1, 1].map((symbols, index) => ({
    source: `192.0.2.${index}:9`,
    interface: `eth0${EVIL}`,
    symbols,
  }));
  reporter.emit({ ...done, forged: sources });
  const [warning = "", why, hint] = stderr.text.split("\n");
  t.regex(
    warning,
    /^warning: 47 packets .*: 40 from 192\.0\.2\.1:9 on eth0\S*, 3 from .*, 2 other sources$/,
  );
  t.false(warning.includes("\u001b"));
  t.regex(why ?? "", /none was written/);
  t.regex(hint ?? "", /--allow/);
});
