// A network loaded into the engine: its rows, names, rule sets and ipsets, and how to change them while packets flow.

import * as L from "../assembly/layout.ts";
import type { NetworkChange } from "../js/net/change.ts";
import type { Netns, Network } from "../js/net/network.ts";
import type { Family, Ruleset } from "../js/net/ruleset.ts";
import { checkChange } from "./changecheck.ts";
import { type Capacities, Core, type EngineModule } from "./core.ts";
import type { RuleCounters } from "./counters.ts";
import { engineOf, imageOf } from "./image.ts";
import { Interner, type InternerState } from "./interner.ts";
import { NetnsSets, type NetnsSetsState } from "./netnssets.ts";
import { type EncodedNetwork, NetworkRows, type NetworkState } from "./network.ts";
import { Origin } from "./origin.ts";
import { Rulesets, type RulesetsState } from "./rulesets.ts";
import { connectionSizes, sizesOf } from "./sizes.ts";
import type { RulePlace } from "./tables.ts";
import { Rows, type RowsState } from "./views.ts";

export interface MachineOptions {
	seed?: bigint;
	capacities?: Capacities;
	/** Whether walks use the indexes of chains; nothing but speed depends on it. Default true. */
	index?: boolean;
	/** TCP window tracking (INVALID by sequence): on for captures with sequence numbers. Default false. */
	windows?: boolean;
}

/** A machine as values: what is known of the engine's rows, and the engine itself. */
export interface MachineState {
	/** `imageOf` its engine. */
	image: Uint8Array;
	network: NetworkState;
	rows: RowsState;
	names: InternerState;
	sets: NetnsSetsState;
	rulesets: RulesetsState;
	rulesRevision: number;
	windows: boolean;
	silenced: ReadonlySet<string>;
}

/** The engine with one network in it. */
export class Machine {
	readonly core: Core;
	readonly #rows: NetworkRows;
	readonly #names: Interner;
	readonly #sets: NetnsSets;
	readonly #rulesets: Rulesets;
	/** Rows of the netns that have a ruleset, and the ruleset of each row. */
	readonly #having = new Map<Ruleset, Set<number>>();
	readonly #loaded: Readonly<Record<Family, (Ruleset | undefined)[]>> = { ipv4: [], ipv6: [] };
	readonly #windows: boolean;
	/** Names of netns that are silent whatever the network says. */
	readonly #silenced: Set<string>;
	#network: Network | null;
	#rulesRevision: number;
	/** The engine before its first packet, while the network is still the one of then. */
	#origin: Origin | null = null;

	/**
	 * Throws CapacityError, EncodeError, EngineError. `state`: of a machine that this one goes on from, with its network, and
	 * whose values it takes.
	 */
	constructor(
		module: EngineModule,
		network: Network | null,
		options: MachineOptions = {},
		state: MachineState | null = null,
	) {
		this.#network = network;
		this.#names = new Interner(state?.names);
		this.#windows = state?.windows ?? options.windows ?? false;
		this.#silenced = new Set(state?.silenced);
		this.#rulesRevision = state?.rulesRevision ?? 0;
		this.core = state === null ? created(module, network ?? { netns: [] }, options) : restored(module, state);
		const { rows, engine } = this.core;
		this.#rows = new NetworkRows(this.core, this.#names, state?.network);
		this.#sets = new NetnsSets(rows, engine, state?.sets);
		this.#rulesets = new Rulesets(rows, engine, this.#names, this.#sets, state?.rulesets);
		if (state === null) this.#open(options.index ?? true);
		else this.#haveAll();
	}

	#open(index: boolean): void {
		this.#rows.load(this.network);
		for (const netns of this.network.netns) {
			const row = this.netnsRow(netns.name);
			this.#sets.write(row, netns.sets);
			if (this.#windows) this.#setFlag(row, L.NS_TCP_WINDOWS);
		}
		this.#haveAll();
		for (const [ruleset, rows] of this.#having) this.#load([...rows], ruleset);
		this.core.engine.indexSwitch(Number(index));
		this.core.compile();
	}

	#haveAll(): void {
		for (const netns of this.network.netns) {
			for (const ruleset of [netns.ruleset, netns.ruleset6])
				if (ruleset) this.#have(ruleset, this.netnsRow(netns.name));
		}
	}

	/** As it is, to be given to another one: but for the image, which is the engine's own memory, copied. Throws EngineError. */
	get state(): MachineState {
		return {
			image: imageOf(this.core.engine),
			network: this.#rows.state,
			rows: this.core.rows.state,
			names: this.#names.state,
			sets: this.#sets.state,
			rulesets: this.#rulesets.state,
			rulesRevision: this.#rulesRevision,
			windows: this.#windows,
			silenced: new Set(this.#silenced),
		};
	}

	/** The same network, connections and counters, with a future of its own. Throws EngineError. */
	fork(module: EngineModule): Machine {
		return new Machine(module, null, {}, this.state);
	}

	/**
	 * Remembers the engine as it is, which has carried nothing yet, for `empty`: a copy of what the network takes in its memory, 32 MiB
	 * at most; of a larger one nothing.
	 */
	remember(): void {
		const { engine } = this.core;
		this.#origin = Origin.of(engine, engine.table(L.TABLE_PACKETIN));
	}

	/**
	 * Makes the engine byte for byte what it was when it was remembered: connections, counters, sockets of programs and all that was
	 * learned are gone. False: nothing was remembered, or the network has changed since; then nothing is done.
	 */
	empty(): boolean {
		if (this.#origin === null) return false;
		this.#origin.restore();
		this.core.rows.addresses.forget();
		// Addresses that were numbered since may get other numbers.
		this.#rulesRevision++;
		return true;
	}

	/** While it is on, `netnsName` knows netns that are no more: their rows are not used again. */
	retainNames(on: boolean): void {
		this.#rows.retain(on);
	}

	/** The network as it is loaded. */
	get network(): Network {
		this.#network ??= { netns: this.#rows.all() };
		return this.#network;
	}

	/** Where its things stand in the tables. */
	get encoded(): EncodedNetwork {
		return this.#rows;
	}

	/**
	 * Makes the network another one, while connections, counters and what was learned live on wherever nothing of it is gone; what it
	 * costs is what is different. A netns that is removed takes its connections and sockets along, a device what was learned of it
	 * and packets that wait for it. Rows of sockets in removed netns name nothing any more;
	 * where there are too few for new listeners all sockets get other rows. Values that differ are other objects;
	 * rulesets are those of `loadRuleset` where they are the same objects. Throws RangeError (a change that does not fit the
	 * network, or itself), EncodeError, CapacityError: then nothing has changed, and a new engine may have room.
	 */
	update(change: NetworkChange): void {
		this.#origin = null;
		checkChange(this.core, this.#rows, change);
		const rules = this.#checkRules(change);
		const { engine } = this.core;
		engine.settleAll();
		for (const name of change.removed) this.#dropRules(this.netnsRow(name), name);
		const touched = this.#rows.change(change);
		for (const name of touched.names) this.#rulesets.named(name);
		for (const row of touched.netns) engine.changed(row);
		for (const netns of [...change.added, ...change.changed]) {
			const row = this.netnsRow(netns.name);
			if (this.#windows) this.#setFlag(row, L.NS_TCP_WINDOWS);
			if (this.#silenced.has(netns.name)) this.#setFlag(row, L.NS_SILENT);
			this.#sets.write(row, netns.sets);
		}
		for (const [ruleset, names] of rules)
			this.#give(
				ruleset,
				names.map((name) => this.netnsRow(name)),
			);
		for (const netns of change.changed) this.#dropFamilies(netns);
		for (const netns of change.changed) this.#sets.forget(this.netnsRow(netns.name), netns.sets);
		this.#network = null;
	}

	/** Names of the netns that get a ruleset, by ruleset. Throws what loading it, or their sets, would throw. */
	#checkRules({ added, changed }: NetworkChange): Map<Ruleset, string[]> {
		const wanted = new Map<Ruleset, string[]>();
		const alike = new Map<Ruleset, number[]>();
		const want = (netns: Netns, row: number | null) => {
			const sets = this.#sets.check(row, netns);
			for (const ruleset of [netns.ruleset, netns.ruleset6]) {
				if (ruleset === null || (row !== null && this.#loaded[ruleset.family][row] === ruleset)) continue;
				wanted.set(ruleset, [...(wanted.get(ruleset) ?? []), netns.name]);
				if (sets.size > 0) this.#rulesets.check(row === null ? [] : [row], ruleset, sets);
				else alike.set(ruleset, [...(alike.get(ruleset) ?? []), ...(row === null ? [] : [row])]);
			}
		};
		for (const netns of added) want(netns, null);
		for (const netns of changed) want(netns, this.netnsRow(netns.name));
		for (const [ruleset, rows] of alike) this.#rulesets.check(rows, ruleset, new Map());
		return wanted;
	}

	#dropRules(row: number, name: string): void {
		for (const family of ["ipv4", "ipv6"] as const) this.#leave(row, family);
		this.#rulesets.unload(row);
		this.#sets.forget(row, []);
		this.#silenced.delete(name);
	}

	/** A netns loses the rules of a family for which it has none any more. */
	#dropFamilies(netns: Netns): void {
		const row = this.netnsRow(netns.name);
		for (const family of ["ipv4", "ipv6"] as const) {
			if (netns[RULES[family]] !== null || this.#loaded[family][row] === undefined) continue;
			this.#leave(row, family);
			this.#rulesets.unload(row, [family]);
			this.#rulesRevision++;
		}
	}

	/**
	 * Room for so many connections in all nodes together, which live on as everything else does. False: there was as much before, or
	 * memory is at its maximum.
	 */
	expectConnections(connections: number): boolean {
		const { engine } = this.core;
		const sizes = connectionSizes(connections);
		const [entries = 0, slots = 0, heads = 0] = [L.TABLE_CT, L.TABLE_TUPLE, L.TABLE_BYSOURCE].map((table) =>
			Math.max(sizes[table] ?? 0, engine.capacity(table)),
		);
		if (entries === engine.capacity(L.TABLE_CT)) return false;
		this.#origin = null;
		engine.settleAll();
		return engine.conntrackRoom(entries, slots, heads) !== 0;
	}

	netnsRow(name: string): number {
		const row = this.#rows.netns.get(name);
		if (row === undefined) throw new RangeError(`there is no netns ${name}`);
		return row;
	}

	netnsName(row: number): string {
		return this.#rows.netnsNames[row] ?? `netns ${row}`;
	}

	netnsOf(name: string): Netns {
		return this.#rows.at(this.netnsRow(name)) as Netns;
	}

	/** Device name without its netns; null for -1. */
	deviceName(row: number): string | null {
		return this.#rows.deviceNames[row]?.device ?? null;
	}

	/**
	 * Makes a ruleset that of its family in a netns, or in several at once; counters of rules that stay are kept, as
	 * `iptables-restore --noflush` does. What it costs is what is different. Throws EncodeError, CapacityError.
	 */
	loadRuleset(netns: string | readonly string[], ruleset: Ruleset): void {
		this.#give(
			ruleset,
			(typeof netns === "string" ? [netns] : netns).map((name) => this.netnsRow(name)),
		);
	}

	#give(ruleset: Ruleset, rows: readonly number[]): void {
		this.#load(rows, ruleset);
		for (const row of rows) {
			this.#have(ruleset, row);
			(this.#rows.at(row) as Netns)[RULES[ruleset.family]] = ruleset;
		}
	}

	/** As `loadRuleset`, for all netns that have the very ruleset `before`. */
	replaceRuleset(before: Ruleset, now: Ruleset): void {
		const having = this.#having.get(before);
		if (having === undefined || before === now) return;
		this.#load([...having], now);
		const others = this.#having.get(now);
		// All that have the one have the other from here on: no netns leaves and comes.
		this.#having.delete(before);
		if (others === undefined) this.#having.set(now, having);
		const loaded = this.#loaded[now.family];
		for (const row of having) {
			others?.add(row);
			loaded[row] = now;
			(this.#rows.at(row) as Netns)[RULES[now.family]] = now;
		}
	}

	#load(rows: readonly number[], ruleset: Ruleset): void {
		this.#origin = null;
		this.#rulesRevision++;
		this.#rulesets.load(rows, ruleset);
	}

	#have(ruleset: Ruleset, row: number): void {
		this.#leave(row, ruleset.family);
		this.#loaded[ruleset.family][row] = ruleset;
		const having = this.#having.get(ruleset);
		if (having === undefined) this.#having.set(ruleset, new Set([row]));
		else having.add(row);
	}

	/** A netns has not any more what it has of a family. */
	#leave(row: number, family: Family): void {
		const ruleset = this.#loaded[family][row];
		if (ruleset === undefined) return;
		this.#loaded[family][row] = undefined;
		const having = this.#having.get(ruleset);
		having?.delete(row);
		if (having?.size === 0) this.#having.delete(ruleset);
	}

	/** Drops what arrives in a netns from now on: the machine has vanished, its neighbours do not know yet. */
	silence(netns: string): void {
		this.#origin = null;
		this.#setFlag(this.netnsRow(netns), L.NS_SILENT);
		this.#silenced.add(netns);
	}

	/** What a netns has loaded of a family, counters as they were loaded; null: nothing. */
	rulesetOf(netns: string, family: Family = "ipv4"): Ruleset | null {
		return this.#rulesets.of(this.netnsRow(netns), family)?.ruleset ?? null;
	}

	/** Rules that are carried, not evaluated, by netns. */
	get carried(): { netns: string; row: number; why: string }[] {
		return this.#rulesets.carried.map((rule) => ({ ...rule, netns: this.netnsName(rule.netns) }));
	}

	/** Another number after every change of rules: until then a row's place stays what it is. */
	get rulesRevision(): number {
		return this.#rulesRevision;
	}

	/** Where a rule row stands, or stood before it was replaced; null for none. Netns with the same chains share their rows. */
	placeOf(rule: number): RulePlace | null {
		return this.#rulesets.placeOf(rule);
	}

	/** Packets and bytes by netns and rule row, since the rules were loaded. */
	counters(): Map<number, RuleCounters> {
		return this.#rulesets.counters();
	}

	/** Is a rule row one of those that a netns has now? */
	hasRule(netns: number, rule: number): boolean {
		return this.#rulesets.hasRule(netns, rule);
	}

	/** A netns's ruleset with its counters as they are now, as `iptables-save -c` shows it; null where nothing is loaded. */
	countedRuleset(netns: string, family: Family = "ipv4"): Ruleset | null {
		return this.#rulesets.counted(this.netnsRow(netns), family);
	}

	#setFlag(netns: number, flag: number): void {
		const at = this.core.rows.at(L.TABLE_NETNS, netns) + L.NETNS_FLAGS;
		this.core.rows.setU32(at, this.core.rows.view.getUint32(at, true) | flag);
		this.core.engine.changed(netns);
	}
}

function created(module: EngineModule, network: Network, { capacities, seed = 1n }: MachineOptions): Core {
	return Core.create(module, { ...sizesOf(network), ...capacities }, seed);
}

function restored(module: EngineModule, { image, rows }: MachineState): Core {
	const engine = engineOf(module, image);
	return new Core(engine, new Rows(engine, rows));
}

const RULES = { ipv4: "ruleset", ipv6: "ruleset6" } as const;
