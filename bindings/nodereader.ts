// The thread that reads recordings, on Node, whose threads are given the words that a Web Worker has.

import { Worker } from "node:worker_threads";
import { EngineError } from "./core.ts";
import type { ReaderThread } from "./readerthread.ts";

const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
globalThis.self = { postMessage: (message, transfer) => parentPort.postMessage(message, transfer) };
import(workerData).then(() => parentPort.on("message", (data) => self.onmessage({ data })));
`;

/** Starts it from where its program is. */
export function startReader(program: URL): ReaderThread {
	const worker = new Worker(PROGRAM, { eval: true, workerData: program.href });
	return {
		send: (message, transfer) => worker.postMessage(message, transfer),
		listen(receive, failed) {
			worker.on("message", receive);
			worker.on("error", failed);
			worker.on("exit", () => failed(new EngineError("the thread that reads has ended")));
		},
		end: () => worker.terminate(),
	};
}
