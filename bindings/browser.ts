// Finds the engine's bytes in a browser: the asset beside this module, in the form that bundlers understand.

import { type Backend, EngineError } from "./core.ts";

let compiled: Promise<WebAssembly.Module> | undefined;

/** The compiled module; compiled once a page. Throws EngineError for a native one: browsers load no addons. */
export function loadModule(backend?: Backend): Promise<WebAssembly.Module> {
	if (backend === "native") throw new EngineError("there is no native engine in browsers");
	compiled ??= fetch(new URL("./core.wasm", import.meta.url)).then(async (response) => {
		if (!response.ok) throw new Error(`core.wasm: HTTP ${response.status} from ${response.url}`);
		return WebAssembly.compile(await response.arrayBuffer());
	});
	return compiled;
}

/** A resource's bytes from the beginning, by its URL, as they come. */
export async function* openFile(path: string): AsyncIterable<Uint8Array> {
	const response = await fetch(path);
	if (!response.ok || response.body === null) throw new Error(`${path}: HTTP ${response.status}`);
	const reader = response.body.getReader();
	try {
		for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
			if (value !== undefined) yield value;
		}
	} finally {
		await reader.cancel();
	}
}
