// The module of `wasm/loops.ts`, compiled where it is older than what it is made of. A page has `browser/module.ts` in its place.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { Backend, EngineModule } from "../bindings/core.ts";
import { engineModule } from "../bindings/native.ts";
import { buildNative } from "../scripts/native.mjs";
import { changed, files, installed, node, ROOT } from "../scripts/run.mjs";

const CONFIG = "bench/wasm/asconfig.json";
export const MODULE = "build/bench.wasm";

const ADDON = "build/native/bench.node";

const modules = new Map<Backend, Promise<EngineModule>>();
let backend: Backend = "wasm";

async function compile(): Promise<EngineModule> {
	const own = ["scripts/globals.mjs", "scripts/optimize.mjs", ...files("bench/wasm")];
	const sources = [...files("assembly"), ...own].filter((path) => !path.includes("__tests__"));
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
		await node("binaryen (bench)", ["scripts/optimize.mjs", MODULE]);
	}
	const wasm = await readFile(`${ROOT}/${MODULE}`);
	if (backend === "native") await buildNative(MODULE, ADDON);
	return engineModule(wasm, pathToFileURL(`${ROOT}/${ADDON}`), backend);
}

/** The benchmarks' module; compiled once a process. */
export function benchModule(): Promise<EngineModule> {
	const module = modules.get(backend) ?? compile();
	modules.set(backend, module);
	return module;
}

/** What is opened while `make` runs is opened on that backend. */
export async function onBackend<T>(chosen: Backend, make: () => Promise<T>): Promise<T> {
	backend = chosen;
	try {
		return await make();
	} finally {
		backend = "wasm";
	}
}
