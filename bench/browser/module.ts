// In a page: the benchmarks' module as the server has it.

let compiled: Promise<WebAssembly.Module> | undefined;

/** Compiled once a page. */
export function benchModule(): Promise<WebAssembly.Module> {
	compiled ??= fetch("/build/bench.wasm")
		.then((response) => response.arrayBuffer())
		.then((bytes) => WebAssembly.compile(bytes));
	return compiled;
}
