import { closeSync } from "node:fs";
import { isatty } from "node:tty";

/** As it ends Node resets the terminals it began with, and aborts where one was closed (`ResetStdio` in its node.cc). */
export function endWithoutTerminals(): void {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  process.once("exit", () => {
    for (const fd of terminals.filter((each) => !isatty(each))) {
      try {
        closeSync(fd);
      } catch {
        // It is closed already.
      }
    }
  });
}
