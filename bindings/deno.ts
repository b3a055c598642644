// Finds files on Deno: the engine's bytes beside this one, local or remote, through fetch; recordings by their path.

import { createReadStream } from "node:fs";

let compiled: Promise<WebAssembly.Module> | undefined;

/** The compiled module; compiled once a process. */
export function loadModule(): Promise<WebAssembly.Module> {
	compiled ??= fetch(new URL("./core.wasm", import.meta.url))
		.then((response) => response.arrayBuffer())
		.then((bytes) => WebAssembly.compile(bytes));
	return compiled;
}

/** A file's bytes from the beginning. */
export function openFile(path: string): AsyncIterable<Uint8Array> {
	return createReadStream(path, { highWaterMark: 1 << 20 });
}
