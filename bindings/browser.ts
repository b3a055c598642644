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

/** A resource's bytes from the beginning, by its URL. */
export async function* openFile(path: string): AsyncIterable<Uint8Array> {
	const response = await fetch(path);
	if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
	yield new Uint8Array(await response.arrayBuffer());
}
