// The recorded cases as tests, one for each probe: our own copies, and what lies in ../shared that we have no copy of.
// Cases are judged while tests are collected, so that every probe can be a test with its own name.

import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { caseFiles, judge } from "./collect.ts";

const OWN = ["tests/conformance/cases", "tests/kernel/cases"];
const SHARED = ["../shared/data/conformance", "../shared/data/kernel"];

/** Files with the same content are one case, wherever they lie. */
function distinct(paths: string[]): string[] {
	const seen = new Set<string>();
	return paths.filter((path) => {
		const text = readFileSync(path, "utf8");
		return !seen.has(text) && seen.add(text);
	});
}

const present = SHARED.filter((path) => existsSync(path));
const paths = distinct(caseFiles([...OWN, ...present]));

for (const path of paths) {
	const judged = await judge(path);
	if (judged === null) continue;
	describe(`${basename(path)}`, () => {
		for (const { name, status, expected, got, reason } of judged.results) {
			if (status === "skipped") it.skip(`${name} [${reason}]`, () => {});
			else
				it(name, () => {
					if (status === "failed") expect(got, reason).toEqual(expected);
					expect(status, reason).toBe("passed");
				});
		}
	});
}

if (present.length < SHARED.length) it.skip("more cases [no shared data]", () => {});

it("has cases to judge", () => {
	expect(paths.length).toBeGreaterThan(0);
});
