// Finds the engine's bytes on Deno: the file beside this one, local or remote, through fetch.

let compiled: Promise<WebAssembly.Module> | undefined;

/** The compiled module; compiled once a process. */
export function loadModule(): Promise<WebAssembly.Module> {
	compiled ??= fetch(new URL("./core.wasm", import.meta.url))
		.then((response) => response.arrayBuffer())
		.then((bytes) => WebAssembly.compile(bytes));
	return compiled;
}
