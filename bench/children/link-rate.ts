/** Says every 20 ms how many bytes an interface has received: `{ t: "link", atMs, bytes }`. */
import { readFileSync } from "node:fs";

import { say, task } from "./speak.ts";

const { name } = task<{ readonly name: string }>();

setInterval(() => {
  const line = readFileSync("/proc/net/dev", "utf8")
    .split("\n")
    .find((one) => one.trim().startsWith(`${name}:`));
  const bytes = Number(line?.split(":")[1]?.trim().split(/\s+/)[0]);
  say({ t: "link", atMs: performance.now(), bytes });
}, 20);
