// The thread that reads recordings, on Deno and in pages.

import { EngineError } from "./core.ts";
import type { ReaderThread } from "./readerthread.ts";

/** Of a worker that runs its program. */
export function readerThread(worker: Worker): ReaderThread {
	return {
		send: (message, transfer) => worker.postMessage(message, transfer),
		listen(receive, failed) {
			worker.onmessage = ({ data }) => receive(data);
			worker.onerror = (event) => {
				event.preventDefault();
				failed(new EngineError(`the thread that reads has ended: ${event.message ?? "its program did not load"}`));
			};
		},
		end: () => worker.terminate(),
	};
}
