#!/usr/bin/env node
import { endWithoutTerminals } from "./hang-up.ts";
import { run } from "./program.ts";

endWithoutTerminals();
// What a command leaves running, such as a read of stdin that nobody waits for, must not keep it alive.
process.exit(await run(process.argv.slice(2)));
