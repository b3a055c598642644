// An engine's memory before its first packet, and the way back there: no other engine, no new memory, and what the host knows of its
// rows still holds. What is kept are the pages that are not zero then; all others are made zero again.

import type { CoreExports } from "./views.ts";

/** What `core.wasm` exports for it; `assembly/index.ts` documents each. */
export interface OriginExports extends Pick<CoreExports, "memory"> {
	saveGlobals(at: number): number;
	loadGlobals(at: number): void;
	nextKept(at: number): number;
	scrub(from: number, to: number): void;
}

/** Bytes of kept pages, at most: a copy of what a large cluster's network takes would be worth less than it costs. */
const KEPT_MAX = 32 << 20;
const PAGE = 4096;

interface Piece {
	at: number;
	bytes: Uint8Array;
}

export class Origin {
	readonly #engine: OriginExports;
	readonly #pieces: readonly Piece[];
	readonly #globals: Uint8Array;
	/** Where globals are written to and read from; nothing else is there between two calls. */
	readonly #room: number;

	private constructor(engine: OriginExports, pieces: readonly Piece[], globals: Uint8Array, room: number) {
		this.#engine = engine;
		this.#pieces = pieces;
		this.#globals = globals;
		this.#room = room;
	}

	/**
	 * Of an engine that has carried nothing yet. `room`: address of zeroes, as many as its globals take. null: there is more to keep
	 * than is worth it, or several threads share the memory, or the module was compiled without its transform.
	 */
	static of(engine: OriginExports, room: number): Origin | null {
		const { buffer } = engine.memory;
		if (!(buffer instanceof ArrayBuffer)) return null;
		const pieces: Piece[] = [];
		let [from, to, kept] = [0, 0, 0];
		const keep = () => {
			if (to > from) pieces.push({ at: from, bytes: new Uint8Array(buffer, from, to - from).slice() });
		};
		for (let at = next(engine, 0); at < buffer.byteLength; at = next(engine, at + PAGE)) {
			kept += PAGE;
			if (kept > KEPT_MAX) return null;
			if (at !== to) {
				keep();
				from = at;
			}
			to = at + PAGE;
		}
		keep();
		const globals = new Uint8Array(buffer, room, engine.saveGlobals(room));
		if (globals.length === 0) return null;
		const saved = globals.slice();
		globals.fill(0);
		return new Origin(engine, pieces, saved, room);
	}

	/** Every byte and variable is what it was, below `end`, a multiple of 4,096; of memory that has come since they are zero. */
	restore(end = this.#engine.memory.buffer.byteLength): void {
		const engine = this.#engine;
		const bytes = new Uint8Array(engine.memory.buffer);
		let done = 0;
		for (const piece of this.#pieces) {
			engine.scrub(done, piece.at);
			bytes.set(piece.bytes, piece.at);
			done = piece.at + piece.bytes.length;
		}
		engine.scrub(done, end);
		bytes.set(this.#globals, this.#room);
		engine.loadGlobals(this.#room);
		bytes.fill(0, this.#room, this.#room + this.#globals.length);
	}
}

function next(engine: OriginExports, at: number): number {
	return engine.nextKept(at) >>> 0;
}
