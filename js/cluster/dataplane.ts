// The data plane of a cluster: the plan that it was loaded with, the engine that carries packets, and the wire that they are sent on.

import * as L from "../../assembly/layout.ts";
import type { Capacities, EngineModule } from "../../bindings/core.ts";
import { Machine, type MachineState } from "../../bindings/machine.ts";
import { connectionSizes } from "../../bindings/sizes.ts";
import { CapacityError } from "../../bindings/views.ts";
import { type NetworkChange, networkChange } from "../net/change.ts";
import type { Netns, Network } from "../net/network.ts";
import { Wire } from "../wire/wire.ts";
import { forkOfPlan, networkOfPlan, type Plan } from "./build.ts";
import { NotModelledError } from "./errors.ts";
import { follow } from "./live/follow.ts";
import type { EditedRules, Followed, NetnsOf } from "./live/network.ts";
import { cleanStale } from "./live/stale.ts";
import type { ClusterOptions } from "./options.ts";

/** An engine's own room for connections. */
const CONNECTIONS = 16384;
/** Of which an engine has room at most for probes. */
const CONNECTIONS_MAX = 1 << 21;

/** What an engine is opened with beside the cluster's own options. */
export interface Opening {
	/** Virtual time that it begins at, ns. */
	now?: bigint | undefined;
	capacities?: Capacities;
	/** TCP window tracking. */
	windows?: boolean;
	module?: EngineModule;
}

interface Loaded {
	plan: Plan;
	machine: Machine;
	wire: Wire;
	/** Of real nodes' texts. */
	assumed: readonly string[];
	/** What it was opened with, to be opened so again; null: another network is in it by now. */
	opened: Opened | null;
	/** Of `hold`. */
	holders: number;
	/** The machine's, when its nodes' rules were last known to be the plan's. */
	rulesRevision: number | null;
}

interface Opened {
	opening: Opening;
	/** Machines outside come to a plan on their own. */
	hosts: number;
}

export interface DataPlaneState {
	plan: Plan | null;
	machine: MachineState;
	/** ns since the epoch. */
	now: bigint;
	ephemeral: ReadonlyMap<number, number>;
	assumed: readonly string[];
	/** Of `makeRoom`. */
	connections: number;
}

export class DataPlane {
	readonly #module: EngineModule;
	readonly #options: ClusterOptions;
	#loaded: Loaded | null = null;
	/** Connections that fresh engines have room for beside those of traces and replays. */
	#connections = 0;

	constructor(module: EngineModule, options: ClusterOptions) {
		this.#module = module;
		this.#options = options;
	}

	/** null: nothing is loaded. */
	get loaded(): Readonly<Loaded> | null {
		return this.#loaded;
	}

	/** A netns as the engine has it. Throws RangeError. */
	readonly netnsOf: NetnsOf = (name) => (this.#loaded as Loaded).machine.netnsOf(name);

	/** Fresh engines have room for so many connections more than without; it never falls. */
	makeRoom(connections: number): void {
		this.#connections = Math.max(this.#connections, connections);
	}

	/**
	 * Probes have more connections than the engine has room for: it gets twice as much, and those that it has live on. Throws
	 * NotModelledError where it has as much as it may.
	 */
	outgrow(): void {
		const loaded = this.#loaded as Loaded;
		const { machine } = loaded;
		const before = machine.core.engine.capacity(L.TABLE_CT);
		const isGiven = this.#options.capacities?.[L.TABLE_CT] !== undefined;
		if (!isGiven && before < CONNECTIONS_MAX && machine.expectConnections(2 * before)) {
			this.makeRoom(before);
			loaded.opened = null;
			return;
		}
		throw new NotModelledError(
			`probes with more than ${before} connections`,
			'give it `capacities`, or `probes: "app"`',
		);
	}

	/** Loads a plan into a fresh engine; only where that succeeds it takes the place of the one before. Throws CapacityError, EncodeError … */
	open(plan: Plan, { now, capacities = {}, windows = false, module = this.#module }: Opening = {}): void {
		const { network, assumed } = this.#networkOf(plan);
		const { index = true, capacities: own, seed = 1 } = this.#options;
		const sizes = { ...capacities, ...this.#more(capacities), ...own };
		const options = { seed: BigInt(seed), index, windows, capacities: sizes };
		const machine = new Machine(module, network, options);
		const opened = { opening: { capacities, windows, module }, hosts: plan.topology.hosts.length };
		this.#loaded = { plan, machine, wire: new Wire(machine, now), assumed, opened, holders: 0, rulesRevision: null };
	}

	/**
	 * As `open`, for a replay: where the engine was opened so before, with this plan, and its network is still that, it is emptied and
	 * used again. Throws as `open` does.
	 */
	openAgain(plan: Plan, opening: Opening = {}): void {
		const loaded = this.#loaded;
		if (loaded !== null && loaded.plan === plan && this.#isAsOpened(loaded, opening) && loaded.machine.empty()) {
			loaded.wire = new Wire(loaded.machine, opening.now);
			return;
		}
		this.open(plan, opening);
		this.#loaded?.machine.remember();
	}

	#isAsOpened(
		{ plan, opened, holders }: Loaded,
		{ capacities = {}, windows = false, module = this.#module }: Opening,
	): boolean {
		if (opened === null || holders > 0 || opened.hosts !== plan.topology.hosts.length) return false;
		const { opening } = opened;
		const tables = Object.keys({ ...capacities, ...opening.capacities }).map(Number);
		return (
			opening.module === module &&
			opening.windows === windows &&
			tables.every((table) => capacities[table] === opening.capacities?.[table])
		);
	}

	/** Until what it returns is called the engine is not emptied: it is at work, or somebody reads what it has carried. */
	hold(): () => void {
		const loaded = this.#loaded as Loaded;
		loaded.holders++;
		return () => {
			loaded.holders--;
		};
	}

	/**
	 * Brings the network that is running up to a plan; returns what was different. null: the engine has no room for it, and is not to
	 * be used any more. Throws EncodeError.
	 */
	follow(plan: Plan, followed: Followed): NetworkChange | null {
		const loaded = this.#loaded as Loaded;
		loaded.opened = null;
		try {
			const { machine } = loaded;
			const change = follow(
				machine,
				followed,
				(name) => this.#isGiven(name),
				() => {
					const { network, assumed } = this.#networkOf(plan);
					loaded.assumed = assumed;
					for (const netns of network.netns) if (this.#isGiven(netns.name)) keepRules(machine, netns);
					return network;
				},
			);
			loaded.plan = plan;
			loaded.rulesRevision = machine.rulesRevision;
			cleanStale(loaded.machine, followed.frontends, loaded.wire.now);
			return change;
		} catch (error) {
			if (error instanceof CapacityError) return null;
			throw error;
		}
	}

	/** Machines outside that the plan has by now come to the network that is running. Throws as `open` does. */
	meet(): void {
		const loaded = this.#loaded as Loaded;
		const { plan, machine, wire } = loaded;
		loaded.opened = null;
		const { network, assumed } = this.#networkOf(plan);
		for (const netns of network.netns) keepRules(machine, netns);
		try {
			machine.update(networkChange(machine.network, network));
			loaded.assumed = assumed;
		} catch (error) {
			if (!(error instanceof CapacityError)) throw error;
			this.open(plan, { now: wire.now });
		}
	}

	/** Rules of nodes that somebody else has changed since this was last asked, by node name: they are others than those of the plan. */
	takeEdits(): ReadonlyMap<string, EditedRules> {
		const edits = new Map<string, EditedRules>();
		const loaded = this.#loaded;
		if (loaded === null || loaded.rulesRevision === loaded.machine.rulesRevision) return edits;
		const { machine, plan } = loaded;
		const { rulesets, rulesets6 } = plan;
		for (const [name, planned] of rulesets) {
			if (this.#isGiven(name) || !machine.encoded.netns.has(name)) continue;
			const planned6 = rulesets6.get(name) ?? null;
			const { ruleset, ruleset6 } = machine.netnsOf(name);
			const edit = {
				...(ruleset === null || ruleset === planned ? {} : { ipv4: ruleset }),
				...(ruleset6 === null || ruleset6 === planned6 ? {} : { ipv6: ruleset6 }),
			};
			if (Object.keys(edit).length > 0) edits.set(name.slice("node:".length), edit);
		}
		loaded.rulesRevision = machine.rulesRevision;
		return edits;
	}

	/** Whether a netns has the rules of a real node's text, which no agent of ours writes. */
	#isGiven(netns: string): boolean {
		return this.#options.nodeState?.get(netns.replace(/^node:/, ""))?.iptables !== undefined;
	}

	/** Packets live in the time that components do. */
	catchUp(now: bigint): void {
		const wire = this.#loaded?.wire;
		if (wire !== undefined && now > wire.now) wire.advance(now - wire.now);
	}

	/** `plan`: that which it follows and somebody else keeps, else null. Throws EngineError after a replay on several threads. */
	stateBeside(plan: Plan | null): DataPlaneState | null {
		if (this.#loaded === null) return null;
		const { plan: own, machine, wire, assumed } = this.#loaded;
		const ephemeral = new Map(wire.ephemeral);
		const { topology, rulesets, rulesets6 } = forkOfPlan(own);
		const kept = plan === null ? { topology: { ...topology }, rulesets, rulesets6 } : null;
		const connections = this.#connections;
		return { plan: kept, machine: machine.state, now: wire.now, ephemeral, assumed: [...assumed], connections };
	}

	/**
	 * Goes on where another one was, whose state it takes. `plan`: that which somebody else kept. `anew`: in a fresh engine, without
	 * what the other one had of packets. Throws CapacityError, EncodeError, EngineError.
	 */
	static of(
		{ plan: own, machine: state, now, ephemeral, assumed, connections }: DataPlaneState,
		module: EngineModule,
		options: ClusterOptions,
		{ plan, anew }: { plan: Plan | null; anew: boolean },
	): DataPlane {
		const plane = new DataPlane(module, options);
		plane.#connections = connections;
		const followed = plan ?? (own as Plan);
		if (anew) plane.open(followed, { now });
		else {
			const machine = new Machine(module, null, {}, state);
			const wire = new Wire(machine, now, ephemeral);
			plane.#loaded = { plan: followed, machine, wire, assumed, opened: null, holders: 0, rulesRevision: null };
		}
		return plane;
	}

	/** The same with a future of its own. `plan`: what it follows; null: its own. Throws EngineError after a replay on several threads. */
	fork(plan: Plan | null): DataPlane {
		const copy = new DataPlane(this.#module, this.#options);
		copy.#connections = this.#connections;
		if (this.#loaded === null) return copy;
		const { plan: own, wire, assumed } = this.#loaded;
		const fork = wire.fork(this.#module);
		const at = { machine: fork.machine, wire: fork, opened: null, holders: 0, rulesRevision: null };
		copy.#loaded = { plan: plan ?? forkOfPlan(own), assumed, ...at };
		return copy;
	}

	/** Gives the engine's memory up. */
	close(): void {
		this.#loaded = null;
	}

	#more({ [L.TABLE_CT]: without = CONNECTIONS }: Capacities): Capacities {
		return this.#connections === 0 ? {} : connectionSizes(without + this.#connections);
	}

	#networkOf(plan: Plan): { network: Network; assumed: string[] } {
		return networkOfPlan(plan, this.#options.nodeState ?? new Map());
	}
}

/** A netns that stays keeps the rules that it has. */
function keepRules(machine: Machine, netns: Netns): void {
	if (!machine.encoded.netns.has(netns.name)) return;
	const { ruleset, ruleset6 } = machine.netnsOf(netns.name);
	Object.assign(netns, { ruleset, ruleset6 });
}
