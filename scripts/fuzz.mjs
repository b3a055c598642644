// `npm run fuzz [-- FILE… --runs N --seed N]`: the properties with more runs than the gate gives them and a seed that the gate
// does not have, which is printed: the same command with that seed finds the same again. FILE: as vitest takes it; without,
// every test file with a property.

import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bootstrap } from "./bootstrap.mjs";
import { files, installed, ROOT } from "./run.mjs";

const RUNS = 10;

/** @param {string} why @returns {never} */
function refuse(why) {
	process.stderr.write(
		`fuzz: ${why}\nusage: npm run fuzz -- [FILE…] [--runs N: times those of the gate, ${RUNS}] [--seed N]\n`,
	);
	process.exit(2);
}

/** @param {string | undefined} text @param {string} name @param {number} min @returns {number | null} */
function whole(text, name, min) {
	if (text === undefined) return null;
	const value = Number(text);
	if (!/^-?\d+$/.test(text) || value < min || value > 0x7fff_ffff)
		refuse(`--${name} ${text}: expected a whole number from ${min} on`);
	return value;
}

function given() {
	try {
		return parseArgs({ allowPositionals: true, options: { runs: { type: "string" }, seed: { type: "string" } } });
	} catch (error) {
		return refuse(error instanceof Error ? error.message : String(error));
	}
}

const { values, positionals } = given();
const runs = whole(values.runs, "runs", 1) ?? RUNS;
const seed = whole(values.seed, "seed", -0x8000_0000) ?? randomInt(0x7fff_ffff);
await bootstrap({ checked: true });

const properties = files("tests").filter(
	(path) => path.endsWith(".test.ts") && readFileSync(join(ROOT, path), "utf8").includes('from "fast-check"'),
);
const again = ["npm run fuzz --", ...positionals, "--runs", runs, "--seed", seed].join(" ");
process.stdout.write(`seed ${seed}, ${runs} times the runs of the gate; again: ${again}\n`);
const { status } = spawnSync(
	process.execPath,
	[installed("vitest/vitest.mjs"), "run", ...(positionals.length > 0 ? positionals : properties)],
	{
		cwd: ROOT,
		stdio: "inherit",
		env: { ...process.env, FAST_CHECK_SEED: String(seed), FAST_CHECK_FACTOR: String(runs) },
	},
);
if (status !== 0) process.stdout.write(`again: ${again}\n`);
process.exitCode = status ?? 1;
