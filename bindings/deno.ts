// Finds files on Deno: the engine beside this one, local or remote, through fetch; recordings by their path.

import type { Backend, EngineModule } from "./core.ts";
import { FileBytes } from "./file.ts";
import { engineModule } from "./native.ts";
import type { ReaderThread } from "./readerthread.ts";
import type { Threads } from "./threads.ts";

declare const Deno: { permissions: { querySync(name: { name: "ffi" }): { state: string } } };

const WASM = new URL("./core.wasm", import.meta.url);
const THREADS_WASM = new URL("./core.threads.wasm", import.meta.url);
const ADDON = new URL("./native/core.node", import.meta.url);

/** The engine, native where it is built, allowed (`--allow-ffi`, never asked for) and Wasm is not wanted. Throws EngineError. */
export async function loadModule(backend?: Backend): Promise<EngineModule> {
	const bytes = new Uint8Array(await (await fetch(WASM)).arrayBuffer());
	const allowed = Deno.permissions.querySync({ name: "ffi" }).state === "granted";
	return engineModule(bytes, allowed ? ADDON : null, backend);
}

let shared: Promise<WebAssembly.Module> | undefined;

/** One engine on so many threads. Throws EngineError. */
export async function startThreads(jobs: number): Promise<Threads> {
	const [{ Threads }, { startThread }] = await Promise.all([import("./threads.ts"), import("./webthread.ts")]);
	shared ??= fetch(THREADS_WASM).then(async (response) => WebAssembly.compile(await response.arrayBuffer()));
	return Threads.start(await shared, jobs, startThread);
}

/** The thread that reads recordings beside the one that carries them. */
export async function startReader(): Promise<ReaderThread> {
	const { readerThread } = await import("./webreader.ts");
	return readerThread(new Worker(new URL("./reader.js", import.meta.url), { type: "module" }));
}

/** A file's bytes from the beginning. */
export function openFile(path: string): FileBytes {
	return new FileBytes(path);
}
