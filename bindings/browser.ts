// Finds the engine's bytes in a browser: the asset beside this module, in the form that bundlers understand.

import { type Backend, EngineError } from "./core.ts";
import type { ReaderThread } from "./readerthread.ts";
import type { Threads } from "./threads.ts";

let compiled: Promise<WebAssembly.Module> | undefined;
let shared: Promise<WebAssembly.Module> | undefined;

/** The compiled module; compiled once a page. Throws EngineError for a native one: browsers load no addons. */
export function loadModule(backend?: Backend): Promise<WebAssembly.Module> {
	if (backend === "native") throw new EngineError("there is no native engine in browsers");
	compiled ??= moduleAt(new URL("./core.wasm", import.meta.url));
	return compiled;
}

async function moduleAt(url: URL): Promise<WebAssembly.Module> {
	const response = await fetch(url);
	if (!response.ok) throw new Error(`the engine's module: HTTP ${response.status} from ${response.url}`);
	return WebAssembly.compile(await response.arrayBuffer());
}

/** One engine on so many threads. Throws EngineError, also where the page is not cross-origin isolated. */
export async function startThreads(jobs: number): Promise<Threads> {
	const [{ Threads }, { startThread }] = await Promise.all([import("./threads.ts"), import("./webthread.ts")]);
	shared ??= moduleAt(new URL("./core.threads.wasm", import.meta.url));
	// A page's own thread must not sleep, a worker's may.
	return Threads.start(await shared, jobs, startThread, !("document" in globalThis));
}

/** The thread that reads recordings beside the one that carries them. */
export async function startReader(): Promise<ReaderThread> {
	const { readerThread } = await import("./webreader.ts");
	return readerThread(new Worker(new URL("./reader.js", import.meta.url), { type: "module" }));
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
