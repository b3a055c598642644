// From nothing to the first answer, in a process of its own each time: import of the package, instantiation, a cluster of
// three nodes with one Service, its first trace. Node's own start is not in it.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ROOT } from "../scripts/run.mjs";
import type { Samples } from "./figure.ts";

const RUNS = 9;
/** Words of the runtime before a program: Deno runs nothing without leave. */
const RUN = process.versions.deno === undefined ? [] : ["run", "-A", "--no-check"];

/** Milliseconds of each run. */
async function samples(): Promise<number[]> {
	const times: number[] = [];
	for (let i = 0; i < RUNS; i++) {
		const { stdout } = await promisify(execFile)(process.execPath, [...RUN, "bench/scenes/start.mjs"], { cwd: ROOT });
		const { ms, verdict } = JSON.parse(stdout) as { ms: number; verdict: string };
		if (verdict !== "delivered") throw new Error(`start: the first trace is ${verdict}`);
		times.push(ms);
	}
	return times;
}

export const start: Samples = { name: "start", unit: "ms", samples };
