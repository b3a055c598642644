// An engine as bytes: its linear memory, with what lies outside of it written into the rows that packets come in by, which hold
// nothing between two calls. A copy of the bytes is a copy of the engine: connections, counters, what waits, what is remembered.

import * as L from "../assembly/layout.ts";
import { EngineError, type EngineModule, type Instance, instantiate } from "./core.ts";

/** The engine as it is; the bytes are its own memory until `Uint8Array.slice`. Throws EngineError where threads share it. */
export function imageOf(engine: Instance): Uint8Array<ArrayBuffer> {
	const { buffer } = engine.memory;
	if (!(buffer instanceof ArrayBuffer))
		throw new EngineError("an engine whose memory is shared by several threads is not copied: replay with jobs 1");
	const room = engine.capacity(L.TABLE_PACKETIN) * L.PACKET_STRIDE;
	const bytes = engine.saveGlobals(engine.table(L.TABLE_PACKETIN));
	if (bytes === 0) throw new EngineError("core.wasm was compiled without its transform (asconfig.json): npm run build");
	if (bytes > room) throw new EngineError(`TABLE_PACKETIN has ${room} bytes, an image needs ${bytes}`);
	return new Uint8Array(buffer);
}

/** An engine that goes on where the one of the image was. `module`: the very one of it. Throws EngineError. */
export function engineOf(module: EngineModule, image: Uint8Array): Instance {
	const engine = instantiate(module);
	if (!engine.stretch(image.length))
		throw new EngineError(`no memory of ${image.length} bytes is to be had for a copy of the engine`);
	new Uint8Array(engine.memory.buffer).set(image);
	engine.loadGlobals(engine.table(L.TABLE_PACKETIN));
	return engine;
}
