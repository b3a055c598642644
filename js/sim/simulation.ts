// A running cluster: components that look at what changed, on a clock that moves only when nothing is left to do now.
// The same components, store and seed give the same steps in the same order.

import { reasonOf } from "../api/reason.ts";
import type { Clock, Component, Later, Store, StoreChange, World } from "../ports.ts";
import { Agenda, type AgendaState, type Pending } from "./agenda.ts";
import { checkFault, type Fault, Faults } from "./faults.ts";
import { Hearing, type HearingState, netOf } from "./hearing.ts";

/** Where changes come from: the API's storage. */
export interface Changes {
	readonly revision: number;
	/** After a revision, oldest first; null where that is kept no more. */
	since(revision: number): Iterable<StoreChange> | null;
	/** Every object, as a list after a watch that broke tells them. */
	everything(): Iterable<StoreChange>;
}

export interface SettleOptions {
	/** Most virtual time that may pass; default ten minutes. */
	withinMs?: number;
	/** Most steps; default ten million. A component that never rests ends there, not the process. */
	steps?: number;
}

/** A simulation as plain values, beside its clock. */
export interface SimulationState {
	agenda: AgendaState;
	hearing: HearingState;
	/** How often in a row each key has failed, by component and key. */
	failures: Map<string, number>;
	/** Up to which revision changes have become keys. */
	revision: number;
	/** Of components that have any, by name. */
	components: Map<string, unknown>;
}

/** A component goes on and on at one moment: it, and its key. */
export class NeverSettles extends Error {
	override readonly name = "NeverSettles";

	constructor(pending: Pending, steps: number) {
		super(`${pending.component} ${pending.key} has work left after ${steps} steps`);
	}
}

const MS = 1_000_000;
// workqueue.DefaultTypedControllerRateLimiter (client-go util/workqueue/default_rate_limiters.go): a failing key waits
// 5 ms, then twice as long each time.
const BASE_MS = 5;
const MOST_MS = 1_000_000;
const WITHIN_MS = 600_000;
const STEPS = 10_000_000;
/** In the agenda, beside the components: what is on its way to one. Keys are `COMPONENT REVISION`. */
const WATCH = "watch";

export class VirtualClock implements Clock {
	#now: bigint;

	/** Nanoseconds since the epoch. */
	constructor(now: bigint) {
		this.#now = now;
	}

	now(): bigint {
		return this.#now;
	}

	/** Time never goes back: an earlier one changes nothing. */
	moveTo(at: bigint): void {
		if (at > this.#now) this.#now = at;
	}
}

export class Simulation {
	readonly clock: VirtualClock;
	readonly #worldOf: (component: string) => World;
	readonly #store: Store;
	readonly #changes: Changes;
	readonly #components: ReadonlyMap<string, Component>;
	/** By resource, in the components' order. */
	readonly #watchers = new Map<string, Component[]>();
	readonly #faults: Faults | null;
	#hearing = new Hearing();
	#agenda = new Agenda();
	#failures = new Map<string, number>();
	#revision: number;

	/**
	 * `world`: what components work with, or each one's own; its clock is `clock`. `known`: changes up to this revision are no
	 * news; 0: everything that is in the store counts as added.
	 */
	constructor(
		components: readonly Component[],
		world: World | ((component: string) => World),
		changes: Changes,
		clock: VirtualClock,
		known = 0,
	) {
		this.clock = clock;
		this.#worldOf = typeof world === "function" ? world : () => world;
		this.#store = this.#worldOf(components[0]?.name ?? "").store;
		this.#revision = known;
		this.#changes = changes;
		this.#components = new Map(components.map((component) => [component.name, component]));
		this.#faults = components.find((component) => component instanceof Faults) ?? null;
		for (const component of components) {
			for (const resource of Object.keys(component.watches)) {
				const watchers = this.#watchers.get(resource);
				if (watchers === undefined) this.#watchers.set(resource, [component]);
				else watchers.push(component);
			}
		}
	}

	/** One of its components by name. */
	component(name: string): Component | undefined {
		return this.#components.get(name);
	}

	/** When something is to be done next, ns; null: nothing is. */
	get due(): bigint | null {
		this.#listen();
		return this.#agenda.peek()?.at ?? null;
	}

	/** What goes wrong; null: nothing can. */
	get faults(): Faults | null {
		return this.#faults;
	}

	/** What is still to be done, in order. */
	pending(): Pending[] {
		this.#listen();
		return this.#agenda.entries();
	}

	/** Has a component look at a key: what no change of the store tells. `idle`: as `Later.idleMs`. */
	wake(component: string, key: string, afterMs = 0, idle = false): void {
		if (!this.#components.has(component)) throw new RangeError(`there is no component ${component}`);
		this.#agenda.add(component, key, this.#in(afterMs), idle);
	}

	/** Something goes wrong, now or later. All or nothing: throws RangeError. */
	inject(...those: readonly Fault[]): void {
		const faults = this.#faults;
		if (faults === null) throw new RangeError("there is nothing that makes faults among the components");
		for (const fault of those) {
			checkFault(fault);
			const component = "component" in fault ? fault.component : undefined;
			if (component === undefined || this.#components.has(component)) continue;
			throw new RangeError(`there is no component ${component}: ${[...this.#components.keys()].join(", ")}`);
		}
		const due = those.flatMap((fault) => faults.add(fault, this.clock.now()));
		for (const { key, afterMs } of due) this.wake(faults.name, key, afterMs);
	}

	/**
	 * Runs until nothing is on its way: what is left is idle. True where that is reached; false where `withinMs` of virtual time
	 * were not enough. Throws NeverSettles.
	 */
	settle({ withinMs = WITHIN_MS, steps = STEPS }: SettleOptions = {}): boolean {
		const until = this.#in(withinMs);
		for (let step = 0; ; step++) {
			this.#listen();
			const next = this.#agenda.peek();
			if (next === undefined || this.#agenda.progress === 0) return true;
			if (next.at > until) return false;
			if (step === steps) throw new NeverSettles(next, steps);
			this.#step();
		}
	}

	/** Lets virtual time pass, with all that happens in it. Throws NeverSettles after so many `steps` at one moment. */
	advance(ms: number, steps = STEPS): void {
		const until = this.#in(ms);
		this.#runTo(until, () => false, steps);
		this.clock.moveTo(until);
	}

	/** Steps until something holds, at most for `withinMs`; whether it came to hold. Throws NeverSettles. */
	runUntil(holds: () => boolean, withinMs = WITHIN_MS): boolean {
		const until = this.#in(withinMs);
		if (this.#runTo(until, holds)) return true;
		this.clock.moveTo(until);
		return holds();
	}

	get state(): SimulationState {
		const stateful = [...this.#components.values()].filter((component) => component.of !== undefined);
		return {
			agenda: this.#agenda.state,
			hearing: this.#hearing.state,
			failures: new Map(this.#failures),
			revision: this.#revision,
			components: new Map(stateful.map((component) => [component.name, component.state])),
		};
	}

	/**
	 * Goes on where another one was, whose state it takes. `components`: of the same kinds and settings, in whatever state; `world`,
	 * `changes` and `clock`: a copy's, at the same time. Throws RangeError where a component is not among them.
	 */
	static of(
		state: SimulationState,
		components: readonly Component[],
		world: World | ((component: string) => World),
		changes: Changes,
		clock: VirtualClock,
	): Simulation {
		const names = new Set(components.map(({ name }) => name));
		for (const name of state.components.keys())
			if (!names.has(name)) throw new RangeError(`there is no component ${name}`);
		const own = components.map((component) => component.of?.(state.components.get(component.name)) ?? component);
		const simulation = new Simulation(own, world, changes, clock, state.revision);
		simulation.#agenda = Agenda.of(state.agenda);
		simulation.#hearing = new Hearing(state.hearing);
		simulation.#failures = state.failures;
		return simulation;
	}

	/** A future of its own over a copy of the store. `world` and `changes` are those of the copy, `clock` at the same time. */
	fork(world: World | ((component: string) => World), changes: Changes, clock: VirtualClock): Simulation {
		return Simulation.of(this.state, [...this.#components.values()], world, changes, clock);
	}

	#in(ms: number): bigint {
		return this.clock.now() + BigInt(Math.round(ms * MS));
	}

	#runTo(until: bigint, holds: () => boolean, steps = STEPS): boolean {
		for (let left = steps; ; left--) {
			this.#listen();
			if (holds()) return true;
			const next = this.#agenda.peek();
			if (next === undefined || next.at > until) return false;
			if (next.at > this.clock.now()) left = steps;
			if (left === 0) throw new NeverSettles(next, steps);
			this.#step();
		}
	}

	/** Changes since the last step become keys to look at, now. */
	#listen(): void {
		const { revision } = this.#changes;
		if (revision === this.#revision) return;
		const changes = this.#revision === 0 ? null : this.#changes.since(this.#revision);
		if (this.#faults !== null) this.#delay(this.#faults, revision);
		this.#revision = revision;
		for (const change of changes ?? this.#changes.everything()) {
			this.#tell(change, change.resource);
			this.#tell(change, "*");
		}
	}

	/** What happened since is on its way to some, who get it from the agenda. */
	#delay(faults: Faults, revision: number): void {
		const now = this.clock.now();
		if (this.#hearing.isPunctual && faults.isOver(now)) return;
		for (const { name, watches } of this.#components.values()) {
			if (Object.keys(watches).length === 0) continue;
			const arrival = faults.hears(name, now) ?? (this.#hearing.isLate(name) ? { at: now, net: false } : null);
			if (arrival === null) continue;
			const at = this.#hearing.delay(name, this.#revision, arrival);
			this.#agenda.add(WATCH, `${name} ${revision}`, at, false);
		}
	}

	#arrive(key: string): void {
		const [name = "", revision = ""] = key.split(" ");
		const arrived = this.#hearing.arrive(name, Number(revision), this.#revision, this.clock.now());
		if (arrived === null) return;
		const changes = this.#changes.since(arrived.after);
		const known = changes === null ? null : [...changes].slice(0, arrived.upTo - arrived.after);
		const told = known === null ? [...this.#changes.everything()] : arrived.net ? netOf(known) : known;
		const component = this.#components.get(name) as Component;
		for (const change of told) {
			for (const watched of [change.resource, "*"]) this.#tellOne(component, change, watched);
		}
	}

	#tell(change: StoreChange, watched: string): void {
		for (const component of this.#watchers.get(watched) ?? []) {
			if (!this.#hearing.isLate(component.name)) this.#tellOne(component, change, watched);
		}
	}

	#tellOne(component: Component, change: StoreChange, watched: string): void {
		const keys = component.watches[watched]?.(change, this.#store) ?? [];
		for (const key of keys) this.#agenda.add(component.name, key, this.clock.now(), false);
	}

	#step(): void {
		const pending = this.#agenda.next() as Pending;
		this.clock.moveTo(pending.at);
		const { component: name, key } = pending;
		if (name === WATCH) {
			this.#arrive(key);
			return;
		}
		if (name === this.#faults?.name) this.clock.moveTo(this.clock.now() + this.#faults.jumpOf(key));
		const component = this.#components.get(name) as Component;
		// What it leaves for later replaces what it had left before.
		this.#agenda.drop(name, key, true);
		const failed = `${name} ${key}`;
		let later: Later | undefined;
		try {
			later = component.reconcile(key, this.#worldOf(name));
			this.#failures.delete(failed);
		} catch (error) {
			// The API's word may be another one the next time; anything else is a fault of ours.
			if (reasonOf(error) === null) throw error;
			const times = this.#failures.get(failed) ?? 0;
			this.#failures.set(failed, times + 1);
			// One that fails for ever would be waited for, for ever.
			later = times < 15 ? { progressMs: BASE_MS * 2 ** times } : { idleMs: MOST_MS };
		}
		if (later?.progressMs !== undefined) this.#agenda.add(name, key, this.#in(later.progressMs), false);
		if (later?.idleMs !== undefined) this.#agenda.add(name, key, this.#in(later.idleMs), true);
	}
}
