// A network loaded into the engine: its rows, names, rule sets and ipsets, and how to change them while packets flow.

import * as L from "../assembly/layout.ts";
import type { Netns, Network } from "../js/net/network.ts";
import type { Extension, Family, Ruleset, Table } from "../js/net/ruleset.ts";
import { type Capacities, Core, type EngineModule } from "./core.ts";
import type { RuleCounters } from "./counters.ts";
import { engineOf, imageOf } from "./image.ts";
import { Interner } from "./interner.ts";
import { encodeSets } from "./ipset.ts";
import { type EncodedNetwork, encodeNetwork } from "./network.ts";
import { Rulesets, type RulesetsState } from "./rulesets.ts";
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
	network: Network;
	encoded: EncodedNetwork;
	rows: RowsState;
	names: readonly string[];
	sets: Map<number, ReadonlyMap<string, number>>;
	rulesets: RulesetsState;
	rulesRevision: number;
}

/** The engine with one network in it. */
export class Machine {
	readonly core: Core;
	readonly network: Network;
	readonly encoded: EncodedNetwork;
	readonly #names: Interner;
	readonly #sets: Map<number, ReadonlyMap<string, number>>;
	readonly #rulesets: Rulesets;
	/** Who has a ruleset. */
	readonly #having = new Map<Ruleset, Having>();
	#rulesRevision: number;

	/** Throws CapacityError, EncodeError, EngineError. `state`: of a machine that this one goes on from, and whose values it takes. */
	constructor(module: EngineModule, network: Network, options: MachineOptions = {}, state: MachineState | null = null) {
		this.network = network;
		this.#names = new Interner(state?.names);
		this.#sets = state?.sets ?? new Map();
		this.#rulesRevision = state?.rulesRevision ?? 0;
		if (state !== null) {
			const engine = engineOf(module, state.image);
			this.core = new Core(engine, new Rows(engine, state.rows));
			this.encoded = state.encoded;
			this.#rulesets = new Rulesets(this.core.rows, engine, this.#names, this.#sets, state.rulesets);
			this.#haveAll();
			return;
		}
		this.core = Core.create(module, { ...sizesOf(network), ...options.capacities }, options.seed ?? 1n);
		this.encoded = encodeNetwork(this.core, network, this.#names);
		this.#rulesets = new Rulesets(this.core.rows, this.core.engine, this.#names, this.#sets);
		for (const netns of network.netns) {
			const row = this.netnsRow(netns.name);
			this.#sets.set(row, encodeSets(this.core.rows, row, netns.sets));
			if (options.windows) this.#setFlag(row, L.NS_TCP_WINDOWS);
		}
		this.#haveAll();
		for (const [ruleset, { rows }] of this.#having) this.#load(rows, ruleset);
		this.core.engine.indexSwitch(Number(options.index ?? true));
		this.core.compile();
	}

	/** As it is, to be given to another one: but for the image, which is the engine's own memory, copied. Throws EngineError. */
	get state(): MachineState {
		const { netns, netnsNames, deviceNames, devices } = this.encoded;
		return {
			image: imageOf(this.core.engine),
			network: { netns: this.network.netns.map((one) => ({ ...one })) },
			encoded: {
				netns: new Map(netns),
				netnsNames: [...netnsNames],
				deviceNames: [...deviceNames],
				devices: new Map(devices),
			},
			rows: this.core.rows.state,
			names: this.#names.texts,
			sets: new Map(this.#sets),
			rulesets: this.#rulesets.state,
			rulesRevision: this.#rulesRevision,
		};
	}

	/** The same network, connections and counters, with a future of its own. Throws EngineError. */
	fork(module: EngineModule): Machine {
		const { state } = this;
		return new Machine(module, state.network, {}, state);
	}

	#haveAll(): void {
		for (const netns of this.network.netns) {
			for (const ruleset of [netns.ruleset, netns.ruleset6]) if (ruleset) this.#have(ruleset, netns);
		}
	}

	netnsRow(name: string): number {
		const row = this.encoded.netns.get(name);
		if (row === undefined) throw new RangeError(`there is no netns ${name}`);
		return row;
	}

	netnsName(row: number): string {
		return this.encoded.netnsNames[row] ?? `netns ${row}`;
	}

	netnsOf(name: string): Netns {
		const netns = this.network.netns[this.netnsRow(name)];
		if (netns === undefined) throw new RangeError(`there is no netns ${name}`);
		return netns;
	}

	/** Device name without its netns; null for -1. */
	deviceName(row: number): string | null {
		return this.encoded.deviceNames[row]?.device ?? null;
	}

	/**
	 * Makes a ruleset that of its family in a netns, or in several at once; counters of rules that stay are kept, as
	 * `iptables-restore --noflush` does. What it costs is what is different. Throws EncodeError, CapacityError.
	 */
	loadRuleset(netns: string | readonly string[], ruleset: Ruleset): void {
		const those = (typeof netns === "string" ? [netns] : netns).map((name) => this.netnsOf(name));
		const rows = those.map(({ name }) => this.netnsRow(name));
		this.#load(rows, ruleset);
		const which = ruleset.family === "ipv6" ? "ruleset6" : "ruleset";
		const gone = new Set(those);
		for (const before of new Set(those.map((one) => one[which]))) if (before) this.#leave(before, gone);
		for (const one of those) {
			this.#have(ruleset, one);
			one[which] = ruleset;
		}
	}

	/** As `loadRuleset`, for all netns that have the very ruleset `before`. */
	replaceRuleset(before: Ruleset, now: Ruleset): void {
		const having = this.#having.get(before);
		if (having === undefined || before === now) return;
		this.#load(having.rows, now);
		const others = this.#having.get(now);
		this.#having.delete(before);
		this.#having.set(now, others === undefined ? having : joined(others, having));
		const which = now.family === "ipv6" ? "ruleset6" : "ruleset";
		for (const one of having.netns) one[which] = now;
	}

	#load(rows: readonly number[], ruleset: Ruleset): void {
		this.#rulesRevision++;
		this.#rulesets.load(rows, ruleset);
	}

	#have(ruleset: Ruleset, netns: Netns): void {
		const row = this.netnsRow(netns.name);
		const having = this.#having.get(ruleset);
		if (having === undefined) this.#having.set(ruleset, { netns: [netns], rows: [row] });
		else {
			having.netns.push(netns);
			having.rows.push(row);
		}
	}

	#leave(ruleset: Ruleset, gone: ReadonlySet<Netns>): void {
		const netns = this.#having.get(ruleset)?.netns.filter((one) => !gone.has(one)) ?? [];
		if (netns.length === 0) this.#having.delete(ruleset);
		else this.#having.set(ruleset, { netns, rows: netns.map(({ name }) => this.netnsRow(name)) });
	}

	/** Drops what arrives in a netns from now on: the machine has vanished, its neighbours do not know yet. */
	silence(netns: string): void {
		this.#setFlag(this.netnsRow(netns), L.NS_SILENT);
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

/** Netns that have a ruleset, and their rows. */
interface Having {
	netns: Netns[];
	rows: number[];
}

function joined(a: Having, b: Having): Having {
	return { netns: [...a.netns, ...b.netns], rows: [...a.rows, ...b.rows] };
}

/** Table sizes that fit a network, with some room for changes of its rules: their tables grow. */
export function sizesOf(network: Network): Capacities {
	let [devices, addresses, routes, nexthops, listeners, entries] = [0, 0, 0, 0, 0, 0];
	let [chains, rules, matches, words, states, index] = [0, 0, 0, 0, 0, 0];
	let [sets, largest] = [0, 0];
	let [addresses6, routes6, rules6] = [0, 0, 0];
	const tables = new Map<Table, TableSize>();
	for (const netns of network.netns) {
		const local = netns.devices.reduce((sum, device) => sum + device.addresses.length, 0);
		devices += netns.devices.length;
		addresses += local;
		routes += netns.routes.length;
		nexthops += netns.routes.reduce((sum, route) => sum + route.nexthops.length, 0);
		const local6 = netns.devices.reduce((sum, device) => sum + device.addresses6.length, 0);
		addresses6 += local6;
		routes6 += netns.routes6.length;
		nexthops += netns.routes6.reduce((sum, route) => sum + route.nexthops.length, 0);
		listeners += netns.listen.length;
		sets += netns.sets.length;
		entries += netns.sets.reduce((sum, set) => sum + set.entries.length * 4 + 16, 0);
		const prefixes = (netns.routes.length + local * 3) * 24;
		// As prefix6's scratch6 says.
		const prefixes6 = (netns.routes6.length + local6 * 2) * 216 + 3216;
		largest = Math.max(largest, prefixes, prefixes6);
		const tables6 = netns.ruleset6?.tables ?? [];
		for (const table of [...(netns.ruleset?.tables ?? []), ...tables6]) {
			const known = tables.get(table);
			const size = known ?? tableSize(table, tables6.includes(table));
			tables.set(table, size);
			if (known !== undefined && size.states === 0) continue;
			chains += size.chains;
			rules += size.rules;
			if (tables6.includes(table)) rules6 += size.rules;
			matches += size.matches;
			words += size.words;
			states += size.states;
			index += size.index;
		}
	}
	const room = (count: number) => Math.ceil(count * 1.25) + 1024;
	return {
		[L.TABLE_NETNS]: room(network.netns.length),
		[L.TABLE_DEVICE]: room(devices),
		[L.TABLE_ADDRESS]: room(addresses + addresses6),
		[L.TABLE_ROUTE]: room(routes + routes6),
		...address6Sizes(addresses6 + routes6 * 3 + rules6 * 3 + entries + ADDRESSES6_MORE),
		[L.TABLE_NEXTHOP]: room(nexthops),
		[L.TABLE_CHAIN]: room(chains),
		[L.TABLE_RULE]: room(rules),
		[L.TABLE_COUNTER]: Math.min(room(rules), COUNTERS_MAX),
		[L.TABLE_MATCH]: room(matches),
		[L.TABLE_WORD]: room(words) + entries,
		[L.TABLE_STATE]: room(states),
		[L.TABLE_SET]: room(sets),
		[L.TABLE_CHAININDEX]: Math.max(index, INDEX_BYTES_MIN),
		[L.TABLE_ENTRY]: powerOfTwo(room(entries)),
		[L.TABLE_SOCKET]: powerOfTwo((listeners + 512) * 2),
		[L.TABLE_FDB]: powerOfTwo(devices * 4 + 256),
		[L.TABLE_NEIGH]: powerOfTwo(devices * 4 + 256),
		[L.TABLE_FIB]: network.netns.length + 64,
		[L.TABLE_SCRATCH]: Math.max(1 << 16, largest + 1024),
	};
}

/** Counters by netns and rule, where the table of paths is full. */
const COUNTERS_MAX = 1 << 20;
const INDEX_BYTES_MIN = 1 << 18;

interface TableSize {
	chains: number;
	rules: number;
	matches: number;
	words: number;
	/** Matches that remember packets: with one, every netns has rows of its own. */
	states: number;
	/** Bytes of indexes. */
	index: number;
}

/** IPv6 addresses that traces may bring beside those of the network itself. */
const ADDRESSES6_MORE = 1024;

/** Tables for so many IPv6 addresses. */
export function address6Sizes(addresses: number): Capacities {
	return { [L.TABLE_ADDRESS6]: addresses, [L.TABLE_ADDRESS6HASH]: powerOfTwo(addresses * 4) };
}

/** Words that a rule's own `-s` and `-d` take in IPv6, and each address of a match. */
const WORDS6 = { rule: 16, conntrack: 32, iprange: 16 } as const;

function tableSize({ chains }: Table, six: boolean): TableSize {
	const size = { chains: chains.length, rules: 0, matches: 0, words: 0, states: 0, index: 0 };
	for (const { rules } of chains) {
		size.rules += rules.length + 1;
		// Prefixes are matches of IPv6.
		if (six) size.matches += rules.length * 2;
		if (six) size.words += rules.length * WORDS6.rule;
		if (rules.length >= INDEXED_MIN) size.index += powerOfTwo(INDEX_HEAD + rules.length * INDEX_BYTES_PER_RULE);
		for (const match of rules.flatMap(({ matches }) => matches)) {
			size.matches++;
			size.words += WORDS[match.name] ?? 0;
			if (six && (match.name === "conntrack" || match.name === "iprange")) size.words += WORDS6[match.name];
			if (remembers(match)) size.states++;
		}
	}
	return size;
}

/** Words of TABLE_WORD that a match takes at most: a block of options, or its ports. */
const WORDS: Readonly<Record<string, number>> = { conntrack: L.CTM_WORDS, state: L.CTM_WORDS, multiport: 15 };

/** Chains of fewer rules have no index (`compile/chains`). Of others: two to four buckets and a link a rule, or three columns. */
const INDEXED_MIN = 6;
const INDEX_HEAD = 128;
const INDEX_BYTES_PER_RULE = 40;

function remembers({ name, options }: Extension): boolean {
	if (name !== "statistic") return name === "limit" || name === "recent";
	return options.some(({ value }) => value.kind === "string" && value.value === "nth");
}

export function powerOfTwo(atLeast: number): number {
	return 2 ** Math.ceil(Math.log2(Math.max(2, atLeast)));
}
