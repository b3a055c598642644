// The engine on several threads: one Wasm memory shared by an instance a thread, the packets of the path cache shared out among
// them (`assembly/shards`). The instance of the calling thread is the sequencer and counts as the first.

import { Worker } from "node:worker_threads";
import { EngineError, type Instance, type NativeModule } from "./core.ts";

interface ShardExports extends Instance {
	shardWorkers(count: number, sleeps: number): number;
	shardStop(): void;
}

const START_PAGES = 64;
const MAX_PAGES = 65536;

// Everything that a worker does is in the module: it takes its turns until it is told to stop.
const WORKER = `
const { parentPort, workerData } = require("node:worker_threads");
const { module, memory, own } = workerData;
const { shardServe } = new WebAssembly.Instance(module, { env: { memory } }).exports;
parentPort.postMessage("ready");
while (shardServe(own));
process.exit(0);
`;

/** One engine on `jobs` threads, and how to end them. `module` is `core.threads.wasm`. */
export class Threads implements NativeModule {
	readonly source = "";
	readonly #engine: ShardExports;
	readonly #workers: Worker[];

	private constructor(engine: ShardExports, workers: Worker[]) {
		this.#engine = engine;
		this.#workers = workers;
	}

	static async start(module: WebAssembly.Module, jobs: number): Promise<Threads> {
		const memory = new WebAssembly.Memory({ initial: START_PAGES, maximum: MAX_PAGES, shared: true });
		// Instances write the module's data into the memory when they are made: all of them before the tables are laid out.
		const exports = new WebAssembly.Instance(module, { env: { memory } }).exports;
		const engine = { ...exports, memory } as unknown as ShardExports;
		const workers = Array.from(
			{ length: jobs - 1 },
			(_, i) => new Worker(WORKER, { eval: true, workerData: { module, memory, own: i + 1 } }),
		);
		await Promise.all(
			workers.map(
				(worker) =>
					new Promise<void>((resolve, reject) => {
						worker.once("message", () => resolve());
						worker.once("error", reject);
					}),
			),
		);
		for (const worker of workers) worker.unref();
		return new Threads(engine, workers);
	}

	instantiate(): Instance {
		return this.#engine;
	}

	/** After the tables are laid out. Throws EngineError where there are too many. */
	share(): void {
		if (!this.#engine.shardWorkers(this.#workers.length + 1, 1))
			throw new EngineError("too many workers for TABLE_SCRATCH");
	}

	async stop(): Promise<void> {
		if (this.#workers.length > 0) this.#engine.shardStop();
		await Promise.all(this.#workers.map((worker) => worker.terminate()));
	}
}
