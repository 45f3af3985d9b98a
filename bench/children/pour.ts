import type { Writable } from "node:stream";

/**
 * Writes the same buffer into `stream` for `seconds`, as fast as it drains, then ends it.
 *
 * @param write - how, where it is not by `write`
 */
export function pour(
  stream: Writable,
  seconds: number,
  writeBytes: number,
  write = (chunk: Uint8Array): boolean => stream.write(chunk),
): void {
  const chunk = new Uint8Array(writeBytes).fill(0x5a);
  const deadline = performance.now() + seconds * 1000;
  const fill = (): void => {
    while (performance.now() < deadline) {
      if (!write(chunk)) {
        stream.once("drain", fill);
        return;
      }
    }
    stream.end();
  };
  fill();
}
