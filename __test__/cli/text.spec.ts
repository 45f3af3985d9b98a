import test from "ava";
import fc from "fast-check";
import {
  formatBytes,
  formatSeconds,
  formatTaken,
  plural,
  printable,
  printableJson,
} from "../../src/cli/text.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

test("bytes have three digits and a decimal unit", (t) => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [9994, "9.99 kB"],
    [9996, "10.0 kB"],
    [99_960, "100 kB"],
    [999_499, "999 kB"],
    [999_500, "1.00 MB"],
    [8_420_000_000, "8.42 GB"],
    [3e18, "3000 PB"],
  ];
  for (const [bytes, text] of cases) t.is(formatBytes(bytes), text);
});

test("durations are rounded up, so that 0:00 means over", (t) => {
  const cases: [number, string][] = [
    [0, "0:00"],
    [0.2, "0:01"],
    [59.5, "1:00"],
    [3599.5, "1:00:00"],
    [86_400 + 3 * 3600, "1 d 3 h"],
  ];
  for (const [seconds, text] of cases) t.is(formatSeconds(seconds), text);
});

test("what was short is told to the hundredth", (t) => {
  t.deepEqual([0.163, 9.99, 12].map(formatTaken), ["0.16 s", "9.99 s", "0:12"]);
});

test("one is singular", (t) => {
  t.deepEqual(
    [0, 1, 2].map((count) => plural(count, "file")),
    ["0 files", "1 file", "2 files"],
  );
});

test("no text from a peer reaches the terminal as a command", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      t.notRegex(printable(text), OBEYED);
      t.is(Buffer.from(printable(text)).toString(), printable(text), "no lone surrogate");
    }),
    { seed: 1 },
  );
  t.is(printable("a\u001b[2Jb\u202egpj.exe"), "a\\u001b[2Jb\\u202egpj.exe");
});

test("names of all scripts and emoji stay as they are", (t) => {
  for (const name of ["straße", "写真.jpg", "أحمد", "👩‍🚀.png", "e\u0301"])
    t.is(printable(name), name);
});

test("JSON is safe to show and means the same", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const line = printableJson({ text });
      t.notRegex(line, OBEYED);
      t.is((JSON.parse(line) as { text: string }).text, text);
    }),
    { seed: 1 },
  );
});
