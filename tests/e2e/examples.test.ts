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

/** Those whose output lies beside them; a line of it that is no more true shows what has changed. */
const TOLD = ["pod", "controllers", "addresses", "service", "probes", "termination", "rollout", "headless"];

it.each(TOLD)("examples/%s says what it said", (name) => {
	const script = `examples/${name}/${name}.mjs`;
	const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
	expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
	expect(stdout).toBe(readFileSync(script.replace(/mjs$/, "txt"), "utf8"));
});
