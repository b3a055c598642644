// The built package in headless Chromium, as a page without a bundler would use it: bare imports mapped. The page answers the
// scene's questions; the hash is Node's. Skipped where there is no Chromium or no build.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { missing, ROOT, said } from "./page.ts";

const PROGRAM = `
import * as podwire from "podwire";
import { answersOf } from "/tests/hash/answers.mjs";
const scene = await (await fetch("/tests/hash/scene.json")).json();
export default (await answersOf(podwire, scene)).hash;
`;

describe.skipIf(missing !== undefined)(`headless Chromium (${missing ?? "found"})`, () => {
	it("answers as Node does", async () => {
		const expected = readFileSync(join(ROOT, "tests/hash/sha256.txt"), "utf8").trim();
		expect(await said({ program: PROGRAM })).toBe(expected);
	});
});
