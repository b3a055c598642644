// What most pods ask of most nodes, as columns by the node's slot: amounts and domains lie side by side, so that hundreds of
// nodes are compared for one pod without a look at their objects.

import type { Node } from "../api/core.ts";
import type { Amounts, Requests } from "./resources.ts";

const AMOUNTS = ["cpu", "memory", "pods", "usedCpu", "usedMemory", "usedPods", "countedCpu", "countedMemory"] as const;
type Name = (typeof AMOUNTS)[number];

/** So many kinds of requests are rated at a time. */
const KINDS = 8;

/** Domain of a node without the label. */
const NOWHERE = -1;

/** Domains of one topology key. */
export interface Domains {
	/** By slot: a number for each value, NOWHERE without one. */
	readonly ids: Int32Array;
	readonly size: number;
	/** Whether every node has the label. */
	readonly isEverywhere: boolean;
}

/** Whether a slot takes a pod, as far as columns tell: not known since it changed, yes, or only a closer look says. */
const [UNKNOWN, TAKES, CLOSER] = [0, 1, 2] as const;

/** What slots are to pods that ask for the same, by slot. */
export interface Rated {
	/** For who asks to fill: NaN where a slot was not rated since it changed. */
	readonly worth: Float64Array;
	/** UNKNOWN, TAKES, CLOSER. */
	readonly taking: Uint8Array;
}

export class Columns {
	/** How many slots there are, free ones too. */
	size = 0;
	/** Of cpu and memory NaN where the node does not say; of pods Infinity. */
	readonly amounts: Record<Name, Float64Array>;
	/** 1 where a node has taints, is cordoned, or has pods with host ports: it takes a closer look. */
	special = new Uint8Array(0);
	/** By what pods ask for. */
	readonly #kinds = new Map<string, Rated>();
	#last: { requests: Requests; rated: Rated } | null = null;
	#domains = new Map<string, Domains>();

	constructor() {
		this.amounts = Object.fromEntries(AMOUNTS.map((name) => [name, new Float64Array(0)])) as Columns["amounts"];
	}

	/** Another node in a slot, empty. `allocatable`: null where it does not say. */
	set(slot: number, allocatable: Readonly<Amounts> | null, special: boolean): void {
		this.#grow(slot + 1);
		const { amounts } = this;
		for (const name of AMOUNTS) amounts[name][slot] = 0;
		amounts.cpu[slot] = allocatable?.["cpu"] ?? Number.NaN;
		amounts.memory[slot] = allocatable?.["memory"] ?? Number.NaN;
		amounts.pods[slot] = allocatable?.["pods"] ?? Number.POSITIVE_INFINITY;
		this.special[slot] = special ? 1 : 0;
		this.#domains.clear();
		this.#unrate(slot);
	}

	/** A pod that came, or went. */
	count(slot: number, { said, counted }: Requests, sign: 1 | -1): void {
		const { amounts } = this;
		const add = (name: Name, by: number) => (amounts[name][slot] = (amounts[name][slot] as number) + sign * by);
		add("usedCpu", said["cpu"] ?? 0);
		add("usedMemory", said["memory"] ?? 0);
		add("usedPods", 1);
		add("countedCpu", counted.cpu);
		add("countedMemory", counted.memory);
		this.#unrate(slot);
	}

	rated(requests: Requests): Rated {
		if (this.#last?.requests === requests) return this.#last.rated;
		const { said, counted } = requests;
		const key = `${said["cpu"]} ${said["memory"]} ${counted.cpu} ${counted.memory}`;
		let rated = this.#kinds.get(key);
		if (rated === undefined) {
			if (this.#kinds.size >= KINDS) this.#kinds.clear();
			const slots = this.special.length;
			rated = { worth: new Float64Array(slots).fill(Number.NaN), taking: new Uint8Array(slots) };
			this.#kinds.set(key, rated);
		}
		this.#last = { requests, rated };
		return rated;
	}

	#unrate(slot: number): void {
		for (const { worth, taking } of this.#kinds.values()) {
			worth[slot] = Number.NaN;
			taking[slot] = UNKNOWN;
		}
	}

	/** Whether there is enough cpu, memory and places for pods that ask for no more; false: or a closer look is needed. */
	takes(slot: number, { taking }: Rated, cpu: number, memory: number): boolean {
		const known = taking[slot];
		if (known !== UNKNOWN) return known === TAKES;
		const takes = this.special[slot] === 0 && this.#fits(slot, cpu, memory);
		taking[slot] = takes ? TAKES : CLOSER;
		return takes;
	}

	#fits(slot: number, cpu: number, memory: number): boolean {
		const { amounts } = this;
		if ((amounts.usedPods[slot] as number) + 1 > (amounts.pods[slot] as number)) return false;
		if (cpu > 0 && (amounts.usedCpu[slot] as number) + cpu > (amounts.cpu[slot] as number)) return false;
		return !(memory > 0 && (amounts.usedMemory[slot] as number) + memory > (amounts.memory[slot] as number));
	}

	/** `nodes`: by slot; undefined: free. */
	domains(topologyKey: string, nodes: () => readonly (Node | undefined)[]): Domains {
		const known = this.#domains.get(topologyKey);
		if (known !== undefined) return known;
		const numbers = new Map<string, number>();
		const ids = new Int32Array(this.size).fill(NOWHERE);
		let isEverywhere = true;
		for (const [slot, node] of nodes().entries()) {
			if (node === undefined) continue;
			const value = node.metadata.labels?.[topologyKey];
			isEverywhere &&= value !== undefined;
			if (value === undefined) continue;
			const id = numbers.get(value) ?? numbers.size;
			numbers.set(value, id);
			ids[slot] = id;
		}
		const found = { ids, size: numbers.size, isEverywhere };
		this.#domains.set(topologyKey, found);
		return found;
	}

	#grow(size: number): void {
		if (size <= this.size) return;
		this.size = size;
		if (size <= this.special.length) return;
		const room = Math.max(16, 2 * size);
		this.#kinds.clear();
		this.#last = null;
		const special = new Uint8Array(room);
		special.set(this.special);
		this.special = special;
		for (const name of AMOUNTS) {
			const column = new Float64Array(room);
			column.set(this.amounts[name]);
			this.amounts[name] = column;
		}
	}
}
