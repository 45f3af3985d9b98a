#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";
import { endWithoutTerminals } from "./hang-up.ts";
import { run } from "./program.ts";

// By default V8 optimizes what a command of a second runs a few times, on the cores its peers want: a cast
// of 500 MB to two receivers on two cores took a tenth longer. Later versions than that of Node 20 do not know the
// flag, and print so.
if (process.versions.v8.startsWith("11.3.")) setFlagsFromString("--interrupt-budget=1000000");

endWithoutTerminals();
// What a command leaves running, such as a read of stdin that nobody waits for, must not keep it alive.
process.exit(await run(process.argv.slice(2)));
