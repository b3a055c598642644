// The thread that reads recordings: a program of this package (`js/replay/thread/program`, bundled as `reader.js` beside the engine).

/** The thread, as a host has started it. */
export interface ReaderThread {
	/** Buffers in `transfer` are handed over. */
	send(message: unknown, transfer: ArrayBuffer[]): void;
	/** What it says from now on; `failed`: it has ended, which it does not by itself. */
	listen(receive: (message: unknown) => void, failed: (error: Error) => void): void;
	/** Ends it, wherever it is. */
	end(): unknown;
}
