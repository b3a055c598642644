// The examples that another runner runs, over the built package as their readers would.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it.each(["reach", "restore"])("examples/testing/%s.test.mjs passes with node:test", (name) => {
	const { status, stdout, stderr } = spawnSync(process.execPath, ["--test", `examples/testing/${name}.test.mjs`], {
		encoding: "utf8",
	});
	expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: "" });
	expect(stdout).toMatch(/^# pass 2$/m);
});

it("examples/controllers/controllers.mjs says what it said", () => {
	const { status, stdout, stderr } = spawnSync(process.execPath, ["examples/controllers/controllers.mjs"], {
		encoding: "utf8",
	});
	expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
	expect(stdout).toBe(readFileSync("examples/controllers/controllers.txt", "utf8"));
});
