// The examples that another runner runs, over the built package as their readers would.

import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

it("examples/testing/reach.test.mjs passes with node:test", () => {
	const { status, stdout, stderr } = spawnSync(process.execPath, ["--test", "examples/testing/reach.test.mjs"], {
		encoding: "utf8",
	});
	expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: "" });
	expect(stdout).toMatch(/^# pass 2$/m);
});
