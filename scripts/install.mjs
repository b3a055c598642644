// Installs exactly what the lockfile names, when node_modules is missing or older than it. Plain Node: it runs before
// anything is installed.

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { changed, npm, ROOT } from "./run.mjs";

const [MAJOR = 0, MINOR = 0] = process.versions.node.split(".").map(Number);
const STAMP = "node_modules/.podwire-installed";

export function install() {
	if (MAJOR < 20 || (MAJOR === 20 && MINOR < 19)) {
		process.stderr.write(`podwire needs Node 20.19 or newer; this is ${process.versions.node}\n`);
		process.exit(2);
	}
	// npm's own record is newer than the lockfile after `npm install`; our stamp is after `npm ci`.
	const done = Math.max(changed(STAMP), changed("node_modules/.package-lock.json"));
	if (existsSync(join(ROOT, "node_modules/typescript")) && done >= changed("package-lock.json")) return;
	process.stderr.write("installing dependencies (npm ci)\n");
	rmSync(join(ROOT, STAMP), { force: true });
	npm("npm ci", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]);
	writeFileSync(join(ROOT, STAMP), "");
}
