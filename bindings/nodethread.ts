// A worker thread of Node.

import { Worker } from "node:worker_threads";
import { type StartThread, WORKER } from "./threads.ts";

const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
${WORKER}
serve(workerData, (text) => parentPort.postMessage(text));
`;

/** Starts one. It keeps no process alive. */
export const startThread: StartThread = (workerData) =>
	new Promise((resolve, reject) => {
		const worker = new Worker(PROGRAM, { eval: true, workerData });
		worker.once("error", reject);
		worker.once("message", () => {
			worker.unref();
			resolve({ end: () => worker.terminate() });
		});
	});
