// The module of `wasm/loops.ts`, compiled where it is older than what it is made of. A page has `browser/module.ts` in its place.

import { readFile } from "node:fs/promises";
import { changed, files, installed, node, ROOT } from "../scripts/run.mjs";

const CONFIG = "bench/wasm/asconfig.json";
export const MODULE = "build/bench.wasm";

let compiled: Promise<WebAssembly.Module> | undefined;

async function compile(): Promise<WebAssembly.Module> {
	const sources = [...files("assembly"), ...files("bench/wasm")].filter((path) => !path.includes("__tests__"));
	if (Math.max(...sources.map(changed)) > changed(MODULE)) {
		const asc = installed("assemblyscript/bin/asc.js");
		await node("asc (bench)", [
			asc,
			"bench/wasm/loops.ts",
			"--config",
			CONFIG,
			"--target",
			"release",
			"--outFile",
			MODULE,
		]);
	}
	return WebAssembly.compile(await readFile(`${ROOT}/${MODULE}`));
}

/** The benchmarks' module; compiled once a process. */
export function benchModule(): Promise<WebAssembly.Module> {
	compiled ??= compile();
	return compiled;
}
