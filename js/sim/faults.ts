// What goes wrong between components, the API and time, on purpose and by a script: watches that are late or break, writes that
// are refused or time out, nodes that are lost, clocks that stand or jump. Plain values: a fork goes on with them.

import type { KubernetesObject } from "../api/meta.ts";
import type { Component, Random, World } from "../ports.ts";

interface During {
	/** Virtual time from now until it begins, ms; default 0. */
	afterMs?: number;
	/** How long it lasts, ms. */
	forMs: number;
}

interface OfComponent extends During {
	/** Name of a component, as `deployment`, `endpoint-slice`, `kubelet`; without: every one. */
	component?: string;
}

export type Fault =
	/** Changes are told that much later, in their order. What a component reads is the API as it is. */
	| ({ fault: "lag"; lagMs: number } & OfComponent)
	/** The watches are broken: at the end the component lists again and hears of what is different, not of what happened. */
	| ({ fault: "watch" } & OfComponent)
	/** That share of the updates is refused as conflicts (409), 0 to 1. */
	| ({ fault: "conflict"; share: number } & OfComponent)
	/** That share of the writes times out (504), 0 to 1: half of them were done all the same. */
	| ({ fault: "timeout"; share: number } & OfComponent)
	/** The node's kubelet is silent. */
	| ({ fault: "node"; node: string } & During)
	/** The component's clock stands, and at the end jumps to what it is. */
	| ({ fault: "clock" } & OfComponent)
	/** Everybody's clock jumps forward: what was due by then is late. */
	| { fault: "jump"; afterMs?: number; byMs: number };

/** What becomes of a write. */
export type Failing = "conflict" | "lost" | "unanswered";

interface Injected {
	fault: Fault;
	/** ns. */
	from: bigint;
	until: bigint;
}

interface FaultsState {
	all: Injected[];
	writes: Map<string, number>;
}

const MS = 1_000_000;
const STOPPED = "podwire.dev/kubelet";
const THOUSANDTHS = 1000;

const ns = (ms: number) => BigInt(Math.round(ms * MS));

/** Keys are `begin N` and `end N`, of faults that somebody has to do something for. */
export class Faults implements Component {
	readonly name = "faults";
	readonly watches = {};
	#all: Injected[] = [];
	/** Writes of each component while any fault was there. */
	#writes = new Map<string, number>();

	get state(): FaultsState {
		return { all: [...this.#all], writes: new Map(this.#writes) };
	}

	of({ all, writes }: FaultsState): Faults {
		const copy = new Faults();
		copy.#all = all;
		copy.#writes = writes;
		return copy;
	}

	/** Returns when to look at which key, ms from now. */
	add(fault: Fault, now: bigint): { key: string; afterMs: number }[] {
		const { afterMs = 0 } = fault;
		const forMs = fault.fault === "jump" ? 0 : fault.forMs;
		const index = this.#all.length;
		this.#all.push({ fault, from: now + ns(afterMs), until: now + ns(afterMs + forMs) });
		if (fault.fault === "jump") return [{ key: `begin ${index}`, afterMs }];
		if (fault.fault !== "node") return [];
		return [
			{ key: `begin ${index}`, afterMs },
			{ key: `end ${index}`, afterMs: afterMs + forMs },
		];
	}

	/** Whether none is under way or to come. */
	isOver(now: bigint): boolean {
		return this.#all.every(({ until }) => until <= now);
	}

	reconcile(key: string, { store }: World): undefined {
		const [when, index = ""] = key.split(" ");
		const fault = this.#all[Number(index)]?.fault;
		if (fault?.fault !== "node") return undefined;
		const node = store.get<KubernetesObject>("nodes", "", fault.node);
		if (node === undefined) return undefined;
		const { [STOPPED]: _, ...others } = node.metadata.annotations ?? {};
		const annotations = when === "begin" ? { ...others, [STOPPED]: "stopped" } : others;
		store.update("nodes", { ...node, metadata: { ...node.metadata, annotations } });
		return undefined;
	}

	/** How far everybody's clock jumps at a key, ns. */
	jumpOf(key: string): bigint {
		const fault = this.#all[Number(key.split(" ")[1])]?.fault;
		return fault?.fault === "jump" ? ns(fault.byMs) : 0n;
	}

	/** When a component hears of what happens now, ns, and whether one by one; null: at once. */
	hears(component: string, now: bigint): { at: bigint; net: boolean } | null {
		let [lag, broken] = [0n, 0n];
		for (const { fault, until } of this.#of(component, now)) {
			if (fault.fault === "lag") lag = greater(lag, now + ns(fault.lagMs));
			if (fault.fault === "watch") broken = greater(broken, until);
		}
		if (lag === 0n && broken === 0n) return null;
		return { at: greater(lag, broken), net: broken > 0n };
	}

	/** What becomes of a component's next write; null: it is done. */
	failing(component: string, now: bigint, random: Random, updates: boolean): Failing | null {
		for (const { fault } of this.#of(component, now)) {
			if (fault.fault !== "conflict" && fault.fault !== "timeout") continue;
			if (fault.fault === "conflict" && !updates) continue;
			const count = this.#writes.get(component) ?? 0;
			this.#writes.set(component, count + 1);
			if (random.integer(THOUSANDTHS, "fault", component, count) >= fault.share * THOUSANDTHS) continue;
			if (fault.fault === "conflict") return "conflict";
			return random.integer(2, "unanswered", component, count) === 0 ? "lost" : "unanswered";
		}
		return null;
	}

	/** What a component's clock says, ns. */
	timeOf(component: string, now: bigint): bigint {
		let time = now;
		for (const { fault, from } of this.#of(component, now)) if (fault.fault === "clock" && from < time) time = from;
		return time;
	}

	#of(component: string, now: bigint): Injected[] {
		if (this.#all.length === 0 || component === this.name) return [];
		return this.#all.filter(({ fault, from, until }) => {
			if (from > now || until <= now) return false;
			return !("component" in fault) || fault.component === undefined || fault.component === component;
		});
	}
}

const greater = (a: bigint, b: bigint) => (a > b ? a : b);

/** Throws RangeError where a number is none, or out of its range. */
export function checkFault(fault: Fault): void {
	const numbers: [string, number | undefined, number][] = [
		["afterMs", fault.afterMs, Number.MAX_SAFE_INTEGER],
		["forMs", "forMs" in fault ? fault.forMs : undefined, Number.MAX_SAFE_INTEGER],
		["lagMs", "lagMs" in fault ? fault.lagMs : undefined, Number.MAX_SAFE_INTEGER],
		["byMs", "byMs" in fault ? fault.byMs : undefined, Number.MAX_SAFE_INTEGER],
		["share", "share" in fault ? fault.share : undefined, 1],
	];
	for (const [name, value, most] of numbers) {
		if (value === undefined || (value >= 0 && value <= most)) continue;
		throw new RangeError(`fault ${fault.fault}: ${name}: expected a number from 0 to ${most}, got ${value}`);
	}
}
