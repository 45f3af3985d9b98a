/** One source file that breaks one rule, and the rule that must report it. */
export interface Violation {
  readonly what: string;
  /** Where the file lies; the name is made unique by the test. */
  readonly folder: string;
  readonly source: string;
  readonly rule: string;
  /** Only for rules about the name of a file. */
  readonly name?: string;
}

const IMPORT = "lint/style/noRestrictedImports";
const GLOBAL = "lint/style/noRestrictedGlobals";
const PLUGIN = "plugin";

const ENGINE = ["base", "wire", "noise", "session", "path", "multicast"];

/** For each folder, imports it may not have: a folder beside or above, a package, index.ts. */
const FORBIDDEN_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  base: ["../wire/frames.ts", "../backend/port.ts", "../index.ts", "node:fs", "hash-wasm"],
  backend: ["../wire/frames.ts", "../endpoint/endpoint.ts", "../index.ts", "commander"],
  wire: ["../backend/port.ts", "../noise/noise.ts", "../session/session.ts", "node:fs"],
  noise: ["../backend/native.ts", "../session/session.ts", "../index.ts", "libsodium-wrappers"],
  session: ["../backend/select.ts", "../path/ladder.ts", "../endpoint/driver.ts", "node:net"],
  path: ["../rendezvous/ticket.ts", "../endpoint/driver.ts", "../multicast/cast.ts", "node:dgram"],
  multicast: ["../gate/gate.ts", "../endpoint/endpoint.ts", "../backend/native.ts", "node:os"],
  gate: ["../multicast/cast.ts", "../rendezvous/ticket.ts", "../backend/native.ts", "mqtt"],
  rendezvous: ["../gate/gate.ts", "../endpoint/endpoint.ts", "../multicast/cast.ts", "commander"],
  endpoint: ["../transfer/send.ts", "../room/room.ts", "../cli/main.ts", "../index.ts", "uqr"],
  transfer: [
    "../session/session.ts",
    "../endpoint/driver.ts",
    "../multicast/hub.ts",
    "../index.ts",
  ],
  room: ["../transfer/send.ts", "../endpoint/driver.ts", "../backend/native.ts", "../index.ts"],
  classic: ["../room/room.ts", "../endpoint/driver.ts", "../session/session.ts", "../index.ts"],
  cli: ["../endpoint/endpoint.ts", "../base/errors.ts", "../backend/native.ts", "ws"],
  "": ["./cli/main.ts", "node:fs", "commander"],
  "backend/native": ["../../wire/frames.ts", "../../endpoint/driver.ts", "../../index.ts", "ws"],
  "session/congestion": ["../../path/a.ts", "../../backend/select.ts", "../index.ts", "node:fs"],
  "transfer/journal": ["../../session/a.ts", "../../endpoint/driver.ts", "../../index.ts"],
  newcomer: ["../base/errors.ts", "node:fs"],
};

/** The same forbidden import in every form that reaches another file. */
const IMPORT_FORMS: readonly string[] = [
  'import { a } from "../session/session.ts";\nexport const b = a;\n',
  'import type { A } from "../session/session.ts";\nexport type B = A;\n',
  'import "../session/session.ts";\n',
  'export * from "../session/session.ts";\n',
  'export type { A } from "../session/session.ts";\n',
  'export const a = (): Promise<unknown> => import("../session/session.ts");\n',
  'import { a } from "./../session/session.ts";\nexport const b = a;\n',
  'import { a } from "./../index.ts";\nexport const b = a;\n',
  'import { a } from "../base/../session/session.ts";\nexport const b = a;\n',
];

const IMPURE: Readonly<Record<string, string>> = {
  "Date.now()": GLOBAL,
  "new Date()": GLOBAL,
  "globalThis.Date.now()": GLOBAL,
  "performance.now()": GLOBAL,
  "setTimeout(String, 1)": GLOBAL,
  "setInterval(String, 1)": GLOBAL,
  "setImmediate(String)": GLOBAL,
  "queueMicrotask(String)": GLOBAL,
  "process.pid": GLOBAL,
  "Buffer.alloc(1)": GLOBAL,
  "crypto.getRandomValues(new Uint8Array(1))": GLOBAL,
  'require("node:fs")': GLOBAL,
  "Math.random()": PLUGIN,
  'Math["random"]()': PLUGIN,
  "() => { const { random } = Math; return random; }": PLUGIN,
};

const lines = (count: number): string => "  n += 1;\n".repeat(count);
const branches = "  if (n > 1) for (const a of [1]) if (a) while (n < a) if (n) n += 1;\n";

/** Rules for all of src/, wherever the file lies. */
const SHAPE: readonly Violation[] = [
  {
    what: "a default export",
    folder: "src/wire",
    source: "export default 1;\n",
    rule: "lint/style/noDefaultExport",
  },
  {
    what: "a file that is not in kebab-case",
    folder: "src/wire",
    name: "DataHeader.ts",
    source: "export const a = 1;\n",
    rule: "lint/style/useFilenamingConvention",
  },
  {
    what: "a file over 300 lines",
    folder: "src/wire",
    source: "export const a = 1;\n".repeat(301),
    rule: "lint/style/noExcessiveLinesPerFile",
  },
  {
    what: "a test file over 400 lines",
    folder: "__test__/wire",
    source: "export const a = 1;\n".repeat(401),
    rule: "lint/style/noExcessiveLinesPerFile",
  },
  {
    what: "a function over 50 lines",
    folder: "src/wire",
    source: `export function long(n: number): number {\n${lines(51)}  return n;\n}\n`,
    rule: "lint/complexity/noExcessiveLinesPerFunction",
  },
  {
    what: "a function nobody can follow",
    folder: "src/wire",
    source: `export function deep(n: number): number {\n${branches.repeat(2)}  return n;\n}\n`,
    rule: "lint/complexity/noExcessiveCognitiveComplexity",
  },
  {
    what: "a promise nobody waits for",
    folder: "src/endpoint",
    source: "async function a(): Promise<void> {}\nexport function b(): void {\n  a();\n}\n",
    rule: "lint/nursery/noFloatingPromises",
  },
  {
    what: "an import cycle",
    folder: "src/wire",
    name: "cycle.ts",
    source: 'import { b } from "./cycle-back.ts";\nexport const a = (): number => b();\n',
    rule: "lint/suspicious/noImportCycles",
  },
  {
    what: "a file that the formatter would change",
    folder: "src/wire",
    source: "export const a = 'single quotes'\n",
    rule: "format",
  },
];

export const VIOLATIONS: readonly Violation[] = [
  ...Object.entries(FORBIDDEN_IMPORTS).flatMap(([folder, imports]) =>
    imports.map((from) => ({
      what: `${folder || "index.ts"} importing ${from}`,
      folder: folder === "" ? "src" : `src/${folder}`,
      ...(folder === "" ? { name: "index.ts" } : {}),
      source: `export { a } from "${from}";\n`,
      rule: IMPORT,
    })),
  ),
  ...IMPORT_FORMS.map((source) => ({
    what: `wire importing session by ${source.split("\n")[0]}`,
    folder: "src/wire",
    source,
    rule: IMPORT,
  })),
  ...ENGINE.flatMap((folder) =>
    Object.entries(IMPURE).map(([code, rule]) => ({
      what: `${code} in ${folder}`,
      folder: `src/${folder}`,
      source: `export const a: unknown = ${code};\n`,
      rule,
    })),
  ),
  ...SHAPE,
];

/** Imports that each folder needs and has: the rules must let them pass. */
export const ALLOWED_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  "src/base": ["./bytes.ts"],
  "src/backend": ["./port.ts", "../base/errors.ts", "node:dgram", "libsodium-wrappers"],
  "src/backend/native": ["./addon.ts", "../port.ts", "../../base/errors.ts", "node:module"],
  "src/wire": ["./frames.ts", "../base/bytes.ts"],
  "src/noise": ["../base/bytes.ts", "../backend/port.ts", "../wire/frames.ts"],
  "src/session/congestion": ["../loss.ts", "../../base/a.ts", "../../backend/port.ts"],
  "src/session": [
    "./congestion/cubic.ts",
    "../base/ranges.ts",
    "../backend/port.ts",
    "../wire/a.ts",
    "../noise/a.ts",
  ],
  "src/path": ["../backend/port.ts", "../session/a.ts"],
  "src/multicast": ["../session/a.ts", "../path/a.ts"],
  "src/gate": ["../session/a.ts", "../path/a.ts", "node:http"],
  "src/rendezvous": ["../base/zbase32.ts", "../path/a.ts"],
  "src/endpoint": ["../backend/select.ts", "../rendezvous/ticket.ts", "../path/a.ts", "node:fs"],
  "src/transfer": [
    "../base/errors.ts",
    "../endpoint/session.ts",
    "../multicast/cast/contract.ts",
    "node:fs/promises",
  ],
  "src/room": ["../noise/a.ts", "../endpoint/endpoint.ts"],
  "src/classic": ["../backend/port.ts", "../wire/a.ts", "../endpoint/endpoint.ts"],
  "src/cli": [
    "./output.ts",
    "../index.ts",
    "../endpoint/make-with-parents.ts",
    "commander",
    "node:process",
  ],
  bench: ["../src/backend/native.ts", "node:fs"],
  __test__: ["../src/session/a.ts", "ava"],
};
