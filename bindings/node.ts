// Finds files on Node: the engine's bytes beside this one, recordings by their path.

import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";

let compiled: Promise<WebAssembly.Module> | undefined;

/** The compiled module; compiled once a process. */
export function loadModule(): Promise<WebAssembly.Module> {
	compiled ??= readFile(new URL("./core.wasm", import.meta.url)).then((bytes) => WebAssembly.compile(bytes));
	return compiled;
}

/** A file's bytes from the beginning. */
export function openFile(path: string): AsyncIterable<Uint8Array> {
	return createReadStream(path, { highWaterMark: 1 << 20 });
}
