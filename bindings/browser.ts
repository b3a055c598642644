// Finds the engine's bytes in a browser: the asset beside this module, in the form that bundlers understand.

let compiled: Promise<WebAssembly.Module> | undefined;

/** The compiled module; compiled once a page. */
export function loadModule(): Promise<WebAssembly.Module> {
	compiled ??= fetch(new URL("./core.wasm", import.meta.url)).then(async (response) => {
		if (!response.ok) throw new Error(`core.wasm: HTTP ${response.status} from ${response.url}`);
		return WebAssembly.compile(await response.arrayBuffer());
	});
	return compiled;
}
