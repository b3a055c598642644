// The engine's module, from wherever a program has it: compiled, as bytes, as a response that is still coming, as a URL; by
// default the file of this package, found by the runtime's own means (`#core` in package.json).

import { loadModule } from "#core";
import { type Backend, EngineError, type EngineModule } from "../../bindings/core.ts";

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
