// The engine's module, from wherever a program has it: compiled, as bytes, as a response that is still coming, as a URL; by
// default the file of this package, found by the runtime's own means (`#core` in package.json).

import { loadModule, startReader, startThreads } from "#core";
import { type Backend, EngineError, type EngineModule } from "../../bindings/core.ts";
import { checkJobs } from "../../bindings/threads.ts";
import type { ReplayOptions } from "../replay/replay.ts";
import type { ReplayRequest } from "./options.ts";

export type WasmSource = WebAssembly.Module | BufferSource | Response | URL | Promise<Response>;

/** Throws EngineError where the backend asked for is not there, or is not what the source is. */
export async function moduleFrom(source?: WasmSource, backend?: Backend): Promise<EngineModule> {
	if (source === undefined) return loadModule(backend);
	if (backend === "native") throw new EngineError("a module of one's own runs as Wasm: give no backend, or wasm");
	const given: unknown = source instanceof URL ? await fetch(source) : await source;
	if (given instanceof WebAssembly.Module) return given;
	if (!(given instanceof Response)) return WebAssembly.compile(given as BufferSource);
	if (!given.ok) throw new Error(`${given.url}: HTTP ${given.status}, expected the engine's module`);
	return WebAssembly.compile(await given.arrayBuffer());
}

type EngineChoice = { wasm?: WasmSource; backend?: Backend };

/** How a replay has several threads: an engine on all of them, or one that reads for the cluster's own engine. */
export type ReplayThreads = Pick<ReplayOptions, "threads" | "startReader">;

/**
 * Calls `use` with `jobs` threads, which end with it; none for one job. Where they share no memory, for they shall not or the host has none
 * to share, the second one reads. `module`: the cluster's. Throws RangeError where `jobs` is no number of threads; EngineError where
 * they shall share memory and the engine asked for has but one, or the host has none to share.
 */
export async function withThreads<T>(
	{ jobs = 1, sharedMemory }: Pick<ReplayRequest, "jobs" | "sharedMemory">,
	{ wasm, backend }: EngineChoice,
	module: EngineModule,
	use: (threads: ReplayThreads) => Promise<T>,
): Promise<T> {
	checkJobs(jobs);
	if (jobs === 1) return use({});
	if (!(sharedMemory ?? typeof SharedArrayBuffer !== "undefined")) return use({ startReader: () => readerOf(module) });
	if (backend === "native")
		throw new EngineError(`jobs: ${jobs}: the native engine runs on one thread; give backend wasm, or jobs 1`);
	if (wasm !== undefined) throw new EngineError(`jobs: ${jobs}: a module of one's own runs on one thread; give jobs 1`);
	const threads = await startThreads(jobs);
	try {
		return await use({ threads });
	} finally {
		await threads.stop();
	}
}

async function readerOf(module: EngineModule) {
	const wasm = module instanceof WebAssembly.Module ? module : await loadModule("wasm");
	return { thread: await startReader(), module: wasm as WebAssembly.Module };
}
