// Sources to dist/: the Wasm module from assembly/ (asc), JavaScript and types from js/ and bindings/ (tsc).
// The module is also copied beside bindings/ so that tests run from the TypeScript sources. `--force` builds what is
// up to date too; `--only wasm|ts` builds one half.

import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { install } from "./install.mjs";
import { changed, files, installed, node, ROOT } from "./run.mjs";

const WASM = "build/core.wasm";
const WASM_COPIES = ["dist/bindings/core.wasm", "bindings/core.wasm"];
const TS_STAMP = "build/ts.stamp";
const BIN = "dist/js/cli/podwire.js";

/** Newest change among the paths, ms. @param {string[]} paths */
const newest = (paths) => Math.max(0, ...paths.flatMap(files).map(changed));

/** Newest change of what the module is made of; specs are not part of it. */
const wasmSources = () =>
	Math.max(
		changed("asconfig.json"),
		...files("assembly")
			.filter((path) => !path.includes("__tests__"))
			.map(changed),
	);

const tsSources = () =>
	newest([
		"js",
		"assembly/layout.ts",
		"tsconfig.json",
		"package.json",
		...files("bindings").filter((path) => path.endsWith(".ts")),
	]);

/** Compiles assembly/: the release module, and the same with every access checked (for tests). */
function buildWasm() {
	const asc = installed("assemblyscript/bin/asc.js");
	for (const target of ["checked", "release"]) {
		node(`asc (${target})`, [asc, "assembly/index.ts", "--config", "asconfig.json", "--target", target]);
	}
}

function copyWasm() {
	for (const copy of WASM_COPIES) {
		if (changed(copy) >= changed(WASM)) continue;
		mkdirSync(dirname(join(ROOT, copy)), { recursive: true });
		copyFileSync(join(ROOT, WASM), join(ROOT, copy));
	}
}

function buildTypeScript() {
	node("tsc", [installed("typescript/bin/tsc"), "-p", "tsconfig.json"]);
	prune();
	if (existsSync(join(ROOT, BIN))) chmodSync(join(ROOT, BIN), 0o755);
	mkdirSync(join(ROOT, "build"), { recursive: true });
	writeFileSync(join(ROOT, TS_STAMP), "");
}

/** Removes outputs whose source is gone: dist/ is published as it stands. */
function prune() {
	for (const path of files("dist")) {
		const source = path.replace(/^dist\//, "").replace(/\.(js|js\.map|d\.ts)$/, ".ts");
		if (!path.endsWith(".wasm") && !existsSync(join(ROOT, source))) rmSync(join(ROOT, path));
	}
}

/** @param {{force: boolean, only?: string}} options */
export function build({ force, only }) {
	if (only !== "ts" && (force || changed(WASM) < wasmSources())) buildWasm();
	copyWasm();
	if (only !== "wasm" && (force || changed(TS_STAMP) < tsSources() || !existsSync(join(ROOT, "dist/js"))))
		buildTypeScript();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
	install();
	const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : undefined;
	build({ force: process.argv.includes("--force"), ...(only === undefined ? {} : { only }) });
}
