// Engines of recordings that were read, emptied for the next ones: memory that a process has had before costs it nothing.

import type { EngineModule } from "./core.ts";
import { Recording, type TakeRecording } from "./recording.ts";

interface Spare {
	module: EngineModule;
	recording: Recording;
}

/** Spares that are kept, and bytes of each: of more rows than a replay keeps (`js/replay/survey`) no engine is kept. */
const SPARES_MAX = 2;
const SPARE_BYTES_MAX = 128 << 20;

export class SpareRecordings {
	#spares: Spare[] = [];

	/** Whoever `use` takes engines for is done with them when it is; where it fails they are given up as they are. */
	async lend<T>(use: (take: TakeRecording) => Promise<T>): Promise<T> {
		const lent: Spare[] = [];
		const result = await use((module) => {
			const recording = this.#take(module);
			lent.push({ module, recording });
			return recording;
		});
		for (const one of lent) this.#keep(one);
		return result;
	}

	#take(module: EngineModule): Recording {
		const at = this.#spares.findIndex((spare) => spare.module === module);
		const [spare] = at < 0 ? [] : this.#spares.splice(at, 1);
		return spare?.recording ?? new Recording(module);
	}

	#keep(one: Spare): void {
		if (this.#spares.length >= SPARES_MAX || one.recording.bytesHeld > SPARE_BYTES_MAX) return;
		if (one.recording.makeEmpty()) this.#spares.push(one);
	}

	/** Gives all spares up. */
	clear(): void {
		this.#spares = [];
	}
}
