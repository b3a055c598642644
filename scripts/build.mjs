// Sources to dist/: the Wasm module from assembly/ (asc), types of js/ and bindings/ (tsc), their JavaScript (bundle.mjs).
// The module is also copied beside bindings/ so that tests run from the TypeScript sources. `--force` builds what is
// up to date too; `--only wasm|ts` builds one half; `--checked` adds the module in which every access is checked.
// `core.threads.wasm` is the same engine over a memory that several threads share.

import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundle } from "./bundle.mjs";
import { install } from "./install.mjs";
import { changed, files, installed, node, ROOT } from "./run.mjs";
import { stamp } from "./stamp.mjs";

const MODULES = {
	release: "build/core.wasm",
	checked: "build/core.checked.wasm",
	threads: "build/core.threads.wasm",
};
/** Where modules are looked for: in the package, and beside the sources. */
const WASM_COPIES = ["dist/bindings", "bindings"];
const TS_STAMP = "build/ts.stamp";
const BIN = "dist/js/cli/podwire.js";
/** `podwire verify` runs it in Linux namespaces: Python, copied as it is. */
const AGENT = "js/verify/agent";

/** Newest change among the files, ms. @param {string[]} paths */
const newest = (paths) => Math.max(0, ...paths.map(changed));

/** Newest change of what the module is made of; specs are not part of it. */
const wasmSources = () =>
	newest([
		"asconfig.json",
		"scripts/globals.mjs",
		"scripts/optimize.mjs",
		"scripts/stamp.mjs",
		...files("assembly").filter((path) => path.endsWith(".ts") && !path.includes("__tests__")),
	]);

const tsSources = () =>
	newest([
		...["assembly/layout.ts", "tsconfig.json", "package.json", "scripts/bundle.mjs"],
		...["js", "bindings"].flatMap(files).filter((path) => /\.(ts|py)$/.test(path)),
	]);

/** @param {keyof typeof MODULES} target */
async function buildModule(target) {
	const asc = installed("assemblyscript/bin/asc.js");
	const entry = target === "threads" ? "assembly/threads.ts" : "assembly/index.ts";
	await node(`asc (${target})`, [asc, entry, "--config", "asconfig.json", "--target", target]);
	if (target !== "checked") await node(`binaryen (${target})`, ["scripts/optimize.mjs", MODULES[target]]);
	stamp(join(ROOT, MODULES[target]));
}

function copyModules() {
	for (const folder of WASM_COPIES) {
		for (const module of [MODULES.release, MODULES.threads]) {
			const copy = join(folder, basename(module));
			if (changed(copy) >= changed(module)) continue;
			mkdirSync(join(ROOT, folder), { recursive: true });
			copyFileSync(join(ROOT, module), join(ROOT, copy));
		}
	}
}

async function buildTypeScript() {
	rmSync(join(ROOT, "dist/js"), { recursive: true, force: true });
	await Promise.all([
		node("tsc", [installed("typescript/bin/tsc"), "-p", "tsconfig.json", "--emitDeclarationOnly"]),
		bundle(),
	]);
	cpSync(join(ROOT, AGENT), join(ROOT, "dist", AGENT), { recursive: true });
	if (existsSync(join(ROOT, BIN))) chmodSync(join(ROOT, BIN), 0o755);
	mkdirSync(join(ROOT, "build"), { recursive: true });
	writeFileSync(join(ROOT, TS_STAMP), "");
}

/** @param {{force?: boolean, checked?: boolean, only?: string | undefined}} options */
export async function build({ force = false, checked = false, only } = {}) {
	/** @type {(keyof typeof MODULES)[]} */
	const targets = checked ? ["release", "threads", "checked"] : ["release", "threads"];
	const stale = only === "ts" ? [] : targets.filter((target) => force || changed(MODULES[target]) < wasmSources());
	const typescript =
		only !== "wasm" && (force || changed(TS_STAMP) < tsSources() || !existsSync(join(ROOT, "dist/js")));
	if (stale.length > 0 || typescript) process.stderr.write("building\n");
	await Promise.all([
		...(typescript ? [buildTypeScript()] : []),
		(async () => {
			for (const target of stale) await buildModule(target);
		})(),
	]);
	if (only !== "ts") copyModules();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
	install();
	const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : undefined;
	await build({ force: process.argv.includes("--force"), checked: process.argv.includes("--checked"), only });
}
