// Finds files on Node: the engine beside this one, recordings by their path.

import { readFile } from "node:fs/promises";
import type { Backend, EngineModule } from "./core.ts";
import { FileBytes } from "./file.ts";
import { engineModule } from "./native.ts";
import type { ReaderThread } from "./readerthread.ts";
import type { Threads } from "./threads.ts";

const WASM = new URL("./core.wasm", import.meta.url);
const ADDON = new URL("./native/core.node", import.meta.url);
const THREADS_WASM = new URL("./core.threads.wasm", import.meta.url);
const READER = new URL("./reader.js", import.meta.url);
const loaded = new Map<Backend | undefined, Promise<EngineModule>>();

/** The engine, native where it is built and Wasm is not asked for; loaded once a process. Throws EngineError. */
export function loadModule(backend?: Backend): Promise<EngineModule> {
	const module = loaded.get(backend) ?? readFile(WASM).then((bytes) => engineModule(bytes, ADDON, backend));
	loaded.set(backend, module);
	return module;
}

let shared: Promise<WebAssembly.Module> | undefined;

/** One engine on so many threads. Throws EngineError. */
export async function startThreads(jobs: number): Promise<Threads> {
	const [{ Threads }, { startThread }] = await Promise.all([import("./threads.ts"), import("./nodethread.ts")]);
	shared ??= readFile(THREADS_WASM).then((bytes) => WebAssembly.compile(bytes));
	return Threads.start(await shared, jobs, startThread);
}

/** The thread that reads recordings beside the one that carries them. */
export async function startReader(): Promise<ReaderThread> {
	return (await import("./nodereader.ts")).startReader(READER);
}

/** A file's bytes from the beginning. */
export function openFile(path: string): FileBytes {
	return new FileBytes(path);
}
