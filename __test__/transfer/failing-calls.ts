/** Calls of the file system that fail as a test says. */
import fs from "node:fs";
import type { ExecutionContext } from "ava";
import { patch } from "./support.ts";

export function errno(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: made to fail`), { code });
}

export function broken(): NodeJS.ErrnoException {
  return errno("EIO");
}

/** Calls of node:fs, made at once or on a thread, fail and do nothing where `when` says so of their first arguments. */
export function before(
  t: ExecutionContext,
  name: "open" | "link" | "rename" | "mkdir" | "lutimes" | "read",
  code: string,
  when: (path: string, to: string) => boolean,
): void {
  const [now, later] = [Reflect.get(fs, `${name}Sync`), Reflect.get(fs, name)];
  patch(t, {
    [`${name}Sync`]: (...args: unknown[]) => {
      if (when(String(args[0]), String(args[1]))) throw errno(code);
      return Reflect.apply(now, fs, args);
    },
    [name]: (...args: unknown[]) => {
      const done = args.at(-1) as (error: Error) => void;
      if (when(String(args[0]), String(args[1]))) setImmediate(done, errno(code));
      else Reflect.apply(later, fs, args);
    },
  });
}

/** Calls of node:fs, made at once or on a thread, fail when they are done where `fails` says so. */
export function after(
  t: ExecutionContext,
  name: "open" | "close" | "fstat" | "lstat" | "fchmod" | "fsync" | "readdir",
  fails: (first: unknown, result: unknown) => unknown,
): void {
  const [now, later] = [Reflect.get(fs, `${name}Sync`), Reflect.get(fs, name)];
  patch(t, {
    [`${name}Sync`]: (...args: unknown[]) => {
      const result = Reflect.apply(now, fs, args);
      if (fails(args[0], result)) throw broken();
      return result;
    },
    [name]: (...args: unknown[]) => {
      const done = args.pop() as (error: unknown, result?: unknown) => void;
      const settled = (error: unknown, result: unknown) =>
        done(error ?? (fails(args[0], result) ? broken() : null), result);
      Reflect.apply(later, fs, [...args, settled]);
    },
  });
}
