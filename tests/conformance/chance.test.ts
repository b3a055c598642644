// Chance decides nothing that a recording holds fast: every recorded scenario agrees whatever the engine's seed.

import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { caseFiles } from "./collect.ts";
import { formatOf } from "./format.ts";
import { judgeScenario, recordedFor } from "./kernel.ts";
import { line } from "./result.ts";

const SEEDS = [2n, 3n, 42n, 1_000_003n, 0xfeed_beef_cafen];
const SHARED = "../shared/data/kernel/scenarios";

const paths = caseFiles(["tests/kernel/cases/scenarios", ...(existsSync(SHARED) ? [SHARED] : [])]);
const byName = new Map(paths.map((path) => [basename(path), path]));
const scenarios = [...byName.values()].flatMap((path) => {
	const content: unknown = JSON.parse(readFileSync(path, "utf8"));
	const recorded = recordedFor(path);
	return formatOf(content) === "kernel" && recorded !== null ? [{ path, content, recorded }] : [];
});

describe.each(scenarios.map((scenario) => ({ ...scenario, name: basename(scenario.path) })))(
	"$name",
	({ path, content, recorded }) => {
		it.each(SEEDS)("agrees with seed %i", async (seed) => {
			const results = await judgeScenario(content as never, recorded, { seed });
			const failed = results.filter(({ status }) => status !== "passed");
			expect(failed.map((result) => line(path, result))).toEqual([]);
			expect(results.length).toBeGreaterThan(0);
		});
	},
);

if (!existsSync(SHARED)) it.skip("more scenarios [no shared data]", () => {});
