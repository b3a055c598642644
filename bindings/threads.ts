// The engine on several threads: one Wasm memory shared by an instance a thread (`assembly/shards`). The instance of the calling
// thread is the sequencer and counts as the first; the others take their turns within the module, until they are ended.

import * as L from "../assembly/layout.ts";
import { EngineError, type Instance, type NativeModule } from "./core.ts";

interface ThreadExports extends Instance {
	shardBytes(count: number): number;
	shardFault(): number;
	shardThreads(count: number, maySleep: number): number;
	shardWindow(): number;
	offerBegin(first: number, count: number): void;
	offerEnd(): number;
	shardsUndone(): number;
}

/** A worker's own program, for hosts that take it as text. `receive` and `send` are the host's words for a message. */
export const WORKER = `
function serve({ module, memory, own }, send) {
	const { shardServe, shardFault } = new WebAssembly.Instance(module, { env: { memory } }).exports;
	send("ready");
	try {
		shardServe(own);
	} catch (error) {
		const text = new TextEncoder().encode(String(error)).slice(0, 252);
		const at = shardFault();
		new Uint8Array(memory.buffer, at + 4, text.length).set(text);
		const words = new Int32Array(memory.buffer);
		Atomics.store(words, at >> 2, text.length);
	}
}
`;

/** One worker thread of a host. */
export interface Thread {
	/** Ends it, wherever it is. */
	end(): unknown;
}

/** How a host starts a worker: resolves when it has its instance. */
export type StartThread = (data: {
	module: WebAssembly.Module;
	memory: WebAssembly.Memory;
	own: number;
}) => Promise<Thread>;

/** Threads that one engine may have. */
export const JOBS_MAX = 16;
/** Rows of TABLE_BATCH that the sequencer keeps for itself. */
const OWN_ROWS = 64;
const START_PAGES = 64;
const MAX_PAGES = 65536;

/** Throws RangeError where it is no number of threads. */
export function checkJobs(jobs: number): void {
	if (Number.isInteger(jobs) && jobs >= 1 && jobs <= JOBS_MAX) return;
	throw new RangeError(`jobs: expected a whole number from 1 to ${JOBS_MAX}, got ${jobs}`);
}

/** What one engine on several threads is made of, and how to end them. Its engine goes on alone when they have ended. */
export class Threads implements NativeModule {
	readonly source = "";
	readonly build = "";
	/** Rows that may be offered at once while others are written. */
	readonly rows: number;
	readonly #engine: ThreadExports;
	readonly #threads: Thread[];

	private constructor(exports: ThreadExports, threads: Thread[], maySleep: boolean) {
		const jobs = threads.length + 1;
		this.rows = exports.shardWindow();
		this.#threads = threads;
		this.#engine = {
			...exports,
			reserve: (table, rows) => {
				// Behind what the network needs: two batches and the sequencer's own rows; what threads log.
				const more =
					{ [L.TABLE_BATCH]: 2 * this.rows + OWN_ROWS, [L.TABLE_SCRATCH]: exports.shardBytes(jobs) }[table] ?? 0;
				exports.reserve(table, rows + more);
			},
			seal: () => (exports.seal() ? exports.shardThreads(jobs, Number(maySleep)) : 0),
			offer: (count) => {
				this.offerBegin(0, count);
				return this.offered();
			},
		};
	}

	/**
	 * `module` is `core.threads.wasm`; `maySleep`: the calling thread may wait for others (a page's own must not).
	 * Throws EngineError where the host shares no memory, and what `startThread` does.
	 */
	static async start(
		module: WebAssembly.Module,
		jobs: number,
		startThread: StartThread,
		maySleep = true,
	): Promise<Threads> {
		if (typeof SharedArrayBuffer === "undefined") throw new EngineError(`jobs: ${jobs}: ${NOT_SHARED}`);
		const memory = new WebAssembly.Memory({ initial: START_PAGES, maximum: MAX_PAGES, shared: true });
		// Instances write the module's data into the memory when they are made: all of them before the tables are laid out.
		const { exports } = new WebAssembly.Instance(module, { env: { memory } });
		const started = Array.from({ length: jobs - 1 }, (_, i) => startThread({ module, memory, own: i + 1 }));
		const threads = await Promise.all(started);
		return new Threads({ ...exports, memory } as unknown as ThreadExports, threads, maySleep);
	}

	instantiate(): Instance {
		return this.#engine;
	}

	/** Begins to offer `count` rows of TABLE_BATCH from `first` on, and returns while workers are at it; `offered` has to follow. */
	offerBegin(first: number, count: number): void {
		this.#engine.offerBegin(first, count);
	}

	/** How many rows of `offerBegin` were carried. Throws EngineError where a worker has died; the engine is of no more use then. */
	offered(): number {
		const carried = this.#engine.offerEnd();
		if (carried >= 0) return carried;
		throw new EngineError(`a worker of the engine has ended: ${this.#fault()}`);
	}

	#fault(): string {
		const { buffer } = this.#engine.memory;
		const at = this.#engine.shardFault();
		const length = new DataView(buffer).getInt32(at, true);
		if (length === 0) return "it does not answer";
		return new TextDecoder().decode(new Uint8Array(buffer, at + 4, length).slice());
	}

	/** Hits that had been counted before their turn and were undone, since the engine started. */
	get undone(): number {
		return this.#engine.shardsUndone();
	}

	/** Ends the workers. */
	async stop(): Promise<void> {
		await Promise.all(this.#threads.map((thread) => thread.end()));
	}
}

const NOT_SHARED =
	"threads that share memory need SharedArrayBuffer, which a page has where it is served with the headers Cross-Origin-Opener-Policy: " +
	"same-origin and Cross-Origin-Embedder-Policy: require-corp; sharedMemory: false, and jobs: 1, need none";
