// A worker thread of a page or of Deno.

import { EngineError } from "./core.ts";
import { type StartThread, WORKER } from "./threads.ts";

const PROGRAM = `
${WORKER}
self.onmessage = ({ data }) => serve(data, (text) => self.postMessage(text));
`;

/** Starts one. Throws EngineError where a page's policy allows no worker from a `blob:` URL. */
export const startThread: StartThread = (data) =>
	new Promise((resolve, reject) => {
		const url = URL.createObjectURL(new Blob([PROGRAM], { type: "text/javascript" }));
		const worker = new Worker(url, { type: "module" });
		worker.onerror = ({ message }) => reject(new EngineError(`a worker did not start: ${message}`));
		worker.onmessage = () => {
			URL.revokeObjectURL(url);
			resolve({ end: () => worker.terminate() });
		};
		worker.postMessage(data);
	});
