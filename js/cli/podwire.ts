#!/usr/bin/env node
// The `podwire` command: the process's streams, signals and exit status around the program.

import { readFileSync } from "node:fs";
import { COMMANDS } from "./commands.ts";
import { main } from "./program.ts";
import { YES } from "./status.ts";
import { terminalOver } from "./terminal.ts";

/** From package.json, which lies three folders above the built file. */
function version(): string {
	const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
	return String((JSON.parse(text) as { version: unknown }).version);
}

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupt.abort());

// A reader that closed the pipe has seen enough.
const terminal = terminalOver(process, interrupt.signal, () => process.exit(YES));
process.exitCode = await main(process.argv.slice(2), terminal, version(), COMMANDS);
