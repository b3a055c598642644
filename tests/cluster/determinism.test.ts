// The same seed and the same commands: the same bytes, whenever and wherever they run.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { firstHalf, secondHalf, tenMinutes, told } from "./tenminutes.ts";

describe("ten minutes in which much happens", () => {
	it("are the same the second time, and in another process, to the byte", async () => {
		const run = promisify(execFile)(
			process.execPath,
			["--import", "./scripts/typescript.mjs", "tests/cluster/tenminutes.ts"],
			{ maxBuffer: 1 << 28 },
		);
		const first = tenMinutes();
		for (const said of ["BackOff", "ScalingReplicaSet", "SuccessfulRescale", "TaintManagerEviction", "Completed"])
			expect(first).toContain(said);
		expect(tenMinutes()).toBe(first);
		expect((await run).stdout).toBe(first);
	});

	it("go on in a fork as they do in the cluster that it was made of", () => {
		const world = firstHalf();
		const fork = world.fork();
		secondHalf(world);
		secondHalf(fork);
		expect(told(fork, [])).toBe(told(world, []));
	});
});
