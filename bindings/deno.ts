// Finds files on Deno: the engine beside this one, local or remote, through fetch; recordings by their path.

import type { Backend, EngineModule } from "./core.ts";
import { FileBytes } from "./file.ts";
import { engineModule } from "./native.ts";

declare const Deno: { permissions: { querySync(name: { name: "ffi" }): { state: string } } };

const WASM = new URL("./core.wasm", import.meta.url);
const ADDON = new URL("./native/core.node", import.meta.url);

/** The engine, native where it is built, allowed (`--allow-ffi`, never asked for) and Wasm is not wanted. Throws EngineError. */
export async function loadModule(backend?: Backend): Promise<EngineModule> {
	const bytes = new Uint8Array(await (await fetch(WASM)).arrayBuffer());
	const allowed = Deno.permissions.querySync({ name: "ffi" }).state === "granted";
	return engineModule(bytes, allowed ? ADDON : null, backend);
}

/** A file's bytes from the beginning. */
export function openFile(path: string): FileBytes {
	return new FileBytes(path);
}
