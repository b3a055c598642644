// `npm test`: installs and builds what is missing, runs every runner, and ends with one line for all of them together.
// The counts come from each runner's machine-readable output; a runner that crashes or reports nothing counts as one failure.

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bootstrap } from "./bootstrap.mjs";
import { files, installed, ROOT, tee } from "./run.mjs";

/** @typedef {{passed: number, failed: number, skipped: number}} Count */

const REPORTS = join(ROOT, "build/test");

/** As a terminal would show it. @param {string} text */
const plain = (text) => text.replace(/\x1b\[[0-9;]*m/g, "");

/**
 * AssemblyScript specs. as-pect prints `Pass: N / M Todo: K` for every file.
 * @returns {Promise<Count>}
 */
async function asPect() {
	const specs = files("assembly/__tests__").filter((path) => path.endsWith(".spec.ts"));
	if (specs.length === 0) return { passed: 0, failed: 0, skipped: 0 };
	const { status, stdout } = await tee(process.execPath, [
		"--enable-source-maps",
		installed("@as-pect/cli/lib/test.js"),
		"--no-logo",
	]);
	const lines = [...plain(stdout).matchAll(/Pass: (\d+) \/ (\d+) Todo: (\d+)/g)];
	/** @param {number} group */
	const sum = (group) => lines.reduce((total, line) => total + Number(line[group]), 0);
	const failed = sum(2) - sum(1);
	const crashed = lines.length < specs.length || (status !== 0 && failed === 0);
	return { passed: sum(1), failed: failed + (crashed ? 1 : 0), skipped: sum(3) };
}

/**
 * TypeScript tests, the conformance cases and the kernel tests among them.
 * @returns {Promise<Count>}
 */
async function vitest() {
	const report = join(REPORTS, "vitest.json");
	const { status } = await tee(process.execPath, [
		installed("vitest/vitest.mjs"),
		"run",
		"--reporter=default",
		"--reporter=json",
		`--outputFile.json=${report}`,
	]);
	if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
	const json = JSON.parse(readFileSync(report, "utf8"));
	// A file that fails to load has no tests in it, and must not pass for one with nothing to say.
	const unloaded = json.testResults.filter(
		(/** @type {{status: string, assertionResults: unknown[]}} */ file) =>
			file.status === "failed" && file.assertionResults.length === 0,
	).length;
	const failed = json.numFailedTests + unloaded;
	return {
		passed: json.numPassedTests,
		failed: failed + (status !== 0 && failed === 0 ? 1 : 0),
		skipped: json.numPendingTests + json.numTodoTests,
	};
}

/** Where tests/native lays out the package with the addon in it. */
const NATIVE_PACKAGE = join(ROOT, "build/native/package");
const NATIVE_TEST = "tests/deno/native_test.ts";

/**
 * The built package under Deno. The native engine's test runs inside the package that it is about: Deno finds the names that a
 * package has for its own files (`#core`) by the folder that it is started in.
 * @returns {Promise<Count>}
 */
async function deno() {
	const tests = files("tests/deno").filter((path) => path.endsWith("_test.ts") && path !== NATIVE_TEST);
	const counts = [await denoTest([...tests, "examples/testing/scale_test.ts"], ROOT)];
	if (existsSync(NATIVE_PACKAGE)) counts.push(await denoTest([NATIVE_TEST], NATIVE_PACKAGE));
	else counts.push({ passed: 0, failed: 0, skipped: 1 });
	/** @param {keyof Count} name */
	const sum = (name) => counts.reduce((total, count) => total + count[name], 0);
	return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}

/**
 * @param {string[]} tests  relative to the checkout
 * @param {string} cwd
 * @returns {Promise<Count>}
 */
async function denoTest(tests, cwd) {
	if (tests.length === 0) return { passed: 0, failed: 0, skipped: 0 };
	const report = join(REPORTS, `deno-${cwd === ROOT ? "package" : "native"}.xml`);
	const { status } = await tee(
		process.execPath,
		[
			installed("deno/bin.cjs"),
			"test",
			"--no-check",
			"--allow-read",
			"--allow-env",
			"--allow-ffi",
			`--import-map=${join(ROOT, "tests/deno/imports.json")}`,
			// The server's test starts one on the loopback and asks it.
			...["--allow-run", "--allow-write", "--allow-net=127.0.0.1", "--unstable-http"],
			`--junit-path=${report}`,
			...tests.map((path) => join(ROOT, path)),
		],
		{ cwd, env: { DENO_NO_UPDATE_CHECK: "1" } },
	);
	if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
	const suites = [...readFileSync(report, "utf8").matchAll(/<testsuite [^>]*>/g)].map(([tag]) => tag);
	/** @param {string} name */
	const sum = (name) =>
		suites.reduce((total, tag) => total + Number(new RegExp(` ${name}="(\\d+)"`).exec(tag)?.[1] ?? 0), 0);
	const failed = sum("failures") + sum("errors");
	const skipped = sum("disabled") + sum("skipped");
	return {
		passed: sum("tests") - failed - skipped,
		failed: failed + (status !== 0 && failed === 0 ? 1 : 0),
		skipped,
	};
}

/**
 * The benchmarks' guard: ratios to the twins. Its last line counts.
 * @returns {Promise<Count>}
 */
async function guard() {
	const { status, stdout } = await tee(process.execPath, [join(ROOT, "scripts/ts.mjs"), "bench/guard.ts"]);
	const [, passed, failed, skipped] = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(plain(stdout)) ?? [];
	if (passed === undefined) return { passed: 0, failed: 1, skipped: 0 };
	const lost = Number(failed);
	return { passed: Number(passed), failed: lost + (status !== 0 && lost === 0 ? 1 : 0), skipped: Number(skipped) };
}

await bootstrap({ checked: true });
rmSync(REPORTS, { recursive: true, force: true });
mkdirSync(REPORTS, { recursive: true });

const total = { passed: 0, failed: 0, skipped: 0 };
for (const [name, runner] of Object.entries({ "as-pect": asPect, vitest, deno, guard })) {
	process.stdout.write(`\n== ${name}\n`);
	const count = await runner();
	process.stdout.write(`${name}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
	total.passed += count.passed;
	total.failed += count.failed;
	total.skipped += count.skipped;
}
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
