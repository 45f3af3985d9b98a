#!/usr/bin/env node
import { run } from "./program.ts";

// What a command leaves running, such as a read of stdin that nobody waits for, must not keep it alive.
process.exit(await run(process.argv.slice(2)));
