// Finds the engine's bytes on Node: the file beside this one.

import { readFile } from "node:fs/promises";

let compiled: Promise<WebAssembly.Module> | undefined;

/** The compiled module; compiled once a process. */
export function loadModule(): Promise<WebAssembly.Module> {
	compiled ??= readFile(new URL("./core.wasm", import.meta.url)).then((bytes) => WebAssembly.compile(bytes));
	return compiled;
}
