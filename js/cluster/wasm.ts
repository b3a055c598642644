// The engine's module, from wherever a program has it: compiled, as bytes, as a response that is still coming, as a URL; by
// default the file of this package, found by the runtime's own means (`#core` in package.json).

import { loadModule } from "#core";

export type WasmSource = WebAssembly.Module | BufferSource | Response | URL | Promise<Response>;

export async function moduleFrom(source?: WasmSource): Promise<WebAssembly.Module> {
	if (source === undefined) return loadModule();
	const given: unknown = source instanceof URL ? await fetch(source) : await source;
	if (given instanceof WebAssembly.Module) return given;
	if (!(given instanceof Response)) return WebAssembly.compile(given as BufferSource);
	if (!given.ok) throw new Error(`${given.url}: HTTP ${given.status}, expected the engine's module`);
	return WebAssembly.compile(await given.arrayBuffer());
}
