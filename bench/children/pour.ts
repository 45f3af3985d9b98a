import type { Writable } from "node:stream";

/** Writes the same buffer into `stream` for `seconds`, as fast as it drains, then ends it. */
export function pour(stream: Writable, seconds: number, writeBytes: number): void {
  const chunk = new Uint8Array(writeBytes).fill(0x5a);
  const deadline = performance.now() + seconds * 1000;
  const fill = (): void => {
    while (performance.now() < deadline) {
      if (!stream.write(chunk)) {
        stream.once("drain", fill);
        return;
      }
    }
    stream.end();
  };
  fill();
}
