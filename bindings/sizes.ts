// How large tables are that fit a network, with room for what a running one may become: its netns, devices, rules and sets take
// more as they need it, but tables that are hashes are laid out once.

import * as L from "../assembly/layout.ts";
import type { Netns, Network } from "../js/net/network.ts";
import type { Extension, Table } from "../js/net/ruleset.ts";
import type { Capacities } from "./core.ts";

/** Table sizes that fit a network, with some room for changes of its rules: their tables grow. */
export function sizesOf(network: Network): Capacities {
	let [devices, addresses, routes, nexthops, listeners, entries] = [0, 0, 0, 0, 0, 0];
	let [chains, rules, matches, words, states, index] = [0, 0, 0, 0, 0, 0];
	let [sets, largest] = [0, 0];
	let [addresses6, routes6, rules6] = [0, 0, 0];
	const tables = new Map<Table, TableSize>();
	for (const netns of network.netns) {
		const needs = routesNeed(netns);
		devices += netns.devices.length;
		addresses += needs.addresses;
		addresses6 += needs.addresses6;
		routes += netns.routes.length;
		routes6 += netns.routes6.length;
		nexthops += needs.nexthops;
		listeners += netns.listen.length;
		sets += netns.sets.length;
		entries += netns.sets.reduce((sum, set) => sum + set.entries.length * 4 + 16, 0);
		largest = Math.max(largest, needs.scratch);
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
		[L.TABLE_PATH]: Math.min(Math.max(room(chains), PATHS_MIN), PATHS_MAX),
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
		[L.TABLE_SCRATCH]: Math.max(1 << 16, largest),
	};
}

/** Rows that a netns's addresses and routes need of both families, and bytes of TABLE_SCRATCH while its FIBs are built. */
export function routesNeed({ devices, routes, routes6 }: Netns): {
	addresses: number;
	addresses6: number;
	nexthops: number;
	scratch: number;
} {
	let [addresses, addresses6, nexthops] = [0, 0, 0];
	for (const device of devices) {
		addresses += device.addresses.length;
		addresses6 += device.addresses6.length;
	}
	for (const route of routes) nexthops += route.nexthops.length;
	for (const route of routes6) nexthops += route.nexthops.length;
	const prefixes = (routes.length + addresses * 3) * 24;
	// As prefix6's scratch6 says.
	const prefixes6 = (routes6.length + addresses6 * 2) * 216 + 3216;
	return { addresses, addresses6, nexthops, scratch: Math.max(prefixes, prefixes6) + 1024 };
}

/** Counters by netns and rule, where the table of paths is full. */
const COUNTERS_MAX = 1 << 20;
/** Ways through the rules, each a row of counters: as many as there are chains, of which most are a Service's or an endpoint's. */
const PATHS_MIN = 8192;
const PATHS_MAX = 1 << 17;
const INDEX_BYTES_MIN = 1 << 18;

/** Tables for so many connections: three to six slots an entry, so that two in three are taken at most. */
export function connectionSizes(entries: number): Capacities {
	return {
		[L.TABLE_CT]: entries,
		[L.TABLE_TUPLE]: connectionSlots(entries),
		[L.TABLE_BYSOURCE]: powerOfTwo(entries),
	};
}

export function connectionSlots(entries: number): number {
	return powerOfTwo(entries * 3);
}

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
