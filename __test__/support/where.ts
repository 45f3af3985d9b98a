/** Tests that need what not every machine has: what cannot run is skipped, and says why. */
import test, { type ExecutionContext } from "ava";

type Declare = (title: string, run: (t: ExecutionContext) => Promise<void>) => void;

/**
 * @param missing - why it cannot run, of each thing it needs; undefined for what is there
 * @param declare - how where it can; default: not beside other tests of its file
 */
export function testWhere(
  missing: readonly (string | undefined)[],
  title: string,
  run: (t: ExecutionContext) => Promise<void>,
  declare: Declare = test.serial,
): void {
  const why = missing.find((one) => one !== undefined);
  if (why === undefined) declare(title, run);
  else test.skip(`${title} (skipped: ${why})`, () => undefined);
}

/** @returns the beginning of what it threw; undefined where it did not */
export function whyNot(attempt: () => void): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return String((error as Error).message)
      .split("\n")
      .slice(0, 2)
      .join(" ");
  }
}
