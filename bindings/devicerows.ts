// Rows of devices by netns and name. A netns of few devices is looked through; one of many has an index, made when it is asked for.

import type { Netns } from "../js/net/network.ts";

/** So many names are as soon compared as hashed. */
const FEW = 4;

export class DeviceRows {
	/** As they are written, by row of the netns. */
	readonly #written: readonly (Netns | null)[];
	/** Rows of the devices of each, in their order. */
	readonly #rows: readonly (readonly number[])[];
	/** By row of the netns. */
	readonly #indexes = new Map<number, ReadonlyMap<string, number>>();

	/** Both lists are the caller's, who says what changes in them. */
	constructor(written: readonly (Netns | null)[], rows: readonly (readonly number[])[]) {
		this.#written = written;
		this.#rows = rows;
	}

	/** null: the netns has no device of that name. */
	find(netns: number, name: string): number | null {
		const devices = this.#written[netns]?.devices ?? [];
		const rows = this.#rows[netns] ?? [];
		if (devices.length > FEW) return this.#indexOf(netns).get(name) ?? null;
		for (let i = 0; i < devices.length; i++) if (devices[i]?.name === name) return rows[i] ?? null;
		return null;
	}

	/** A netns has other devices than before. */
	changed(netns: number): void {
		this.#indexes.delete(netns);
	}

	#indexOf(netns: number): ReadonlyMap<string, number> {
		const known = this.#indexes.get(netns);
		if (known !== undefined) return known;
		const index = new Map<string, number>();
		const rows = this.#rows[netns] ?? [];
		for (const [i, { name }] of (this.#written[netns]?.devices ?? []).entries()) index.set(name, rows[i] as number);
		this.#indexes.set(netns, index);
		return index;
	}
}
