// Who hears of changes later than they happen: up to which revision each has heard, and what a watch that broke finds out.

import { keyOf } from "../api/key.ts";
import type { StoreChange } from "../ports.ts";

interface Late {
	/** Heard of everything up to it. */
	revision: number;
	/** ns; when the last of what is under way arrives. */
	at: bigint;
	/** Something on the way is told as what is different. */
	net: boolean;
}

export type HearingState = Map<string, Late>;

interface Arrived {
	after: number;
	upTo: number;
	net: boolean;
}

/** By component. Who is not in it has heard everything. */
export class Hearing {
	readonly #late: Map<string, Late>;

	constructor(state: HearingState = new Map()) {
		this.#late = state;
	}

	/** Copied. */
	get state(): HearingState {
		return new Map(Array.from(this.#late, ([component, late]) => [component, { ...late }]));
	}

	get isPunctual(): boolean {
		return this.#late.size === 0;
	}

	isLate(component: string): boolean {
		return this.#late.has(component);
	}

	/** Changes after `revision` are on their way to a component; when they arrive: never before what came earlier. */
	delay(component: string, revision: number, arrival: { at: bigint; net: boolean }): bigint {
		const known = this.#late.get(component) ?? { revision, at: 0n, net: false };
		const at = arrival.at > known.at ? arrival.at : known.at;
		this.#late.set(component, { ...known, at, net: known.net || arrival.net });
		return at;
	}

	/** What arrives: changes after one revision up to another, and whether as what is different; null: nothing. `latest`: of all. */
	arrive(component: string, revision: number, latest: number, now: bigint): Arrived | null {
		const late = this.#late.get(component);
		if (late === undefined || late.revision >= revision) return null;
		const { revision: after, net, at } = late;
		const isAll = at <= now;
		if (isAll) this.#late.delete(component);
		else late.revision = revision;
		return { after, upTo: isAll ? latest : revision, net };
	}
}

/** What is different after changes, object by object in the order in which they were touched first: what a list says to who listed before. */
export function netOf(changes: Iterable<StoreChange>): StoreChange[] {
	const touched = new Map<string, { previous: StoreChange["previous"]; last: StoreChange }>();
	for (const change of changes) {
		const key = `${change.resource} ${keyOf(change.object)}`;
		const known = touched.get(key);
		touched.set(key, { previous: known === undefined ? change.previous : known.previous, last: change });
	}
	return [...touched.values()].flatMap(({ previous, last }): StoreChange[] => {
		if (last.type === "DELETED") return previous === undefined ? [] : [{ ...last, previous }];
		return [{ ...last, type: previous === undefined ? "ADDED" : "MODIFIED", previous }];
	});
}
