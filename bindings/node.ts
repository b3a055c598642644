// Finds files on Node: the engine beside this one, recordings by their path.

import { readFile } from "node:fs/promises";
import type { Backend, EngineModule } from "./core.ts";
import { FileBytes } from "./file.ts";
import { engineModule } from "./native.ts";

const WASM = new URL("./core.wasm", import.meta.url);
const ADDON = new URL("./native/core.node", import.meta.url);
const loaded = new Map<Backend | undefined, Promise<EngineModule>>();

/** The engine, native where it is built and Wasm is not asked for; loaded once a process. Throws EngineError. */
export function loadModule(backend?: Backend): Promise<EngineModule> {
	const module = loaded.get(backend) ?? readFile(WASM).then((bytes) => engineModule(bytes, ADDON, backend));
	loaded.set(backend, module);
	return module;
}

/** A file's bytes from the beginning. */
export function openFile(path: string): FileBytes {
	return new FileBytes(path);
}
