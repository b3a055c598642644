// `npm run lint`: every check that reads the sources and runs nothing of them. All of them run, so that one look shows
// everything that is wrong; the status is 1 when any of them complained.

import { spawnSync } from "node:child_process";
import { install } from "./install.mjs";
import { files, installed, ROOT } from "./run.mjs";

install();

const assembly = files("assembly").filter((path) => path.endsWith(".ts"));
/** @type {Record<string, string[]>} */
const checks = {
	"biome: lint and format of TypeScript and JSON": [installed("@biomejs/biome/bin/biome"), "check", "."],
	"prettier: format of AssemblyScript": [installed("prettier/bin/prettier.cjs"), "--check", ...assembly],
	"tsc: types, tests and scripts included": [installed("typescript/bin/tsc"), "-p", "tsconfig.check.json"],
	"tidy: imports, habits, dependencies": [installed("vitest/vitest.mjs"), "run", "--reporter=dot", "tests/tidy"],
};

let failed = 0;
for (const [name, args] of Object.entries(checks)) {
	process.stdout.write(`== ${name}\n`);
	const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: "inherit" });
	if (status !== 0) failed++;
}
process.stdout.write(
	failed === 0 ? "lint: clean\n" : `lint: ${failed} of ${Object.keys(checks).length} checks failed\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
