// Counters of rules: the engine counts paths (the rules that one walk touched, in which netns); here they are expanded to
// rule rows. Exact in every case: what a full path table could not hold was counted beside it, rule by rule.

import * as L from "../assembly/layout.ts";
import type { Counters } from "../js/net/ruleset.ts";
import type { EncodedRuleset, EncodedTable } from "./tables.ts";
import type { CoreExports, Rows } from "./views.ts";

/** Packets and bytes by rule row, in one netns; rows that are not there have counted nothing. */
export type RuleCounters = ReadonlyMap<number, Counters>;

type Count = (netns: number, row: number, packets: bigint, bytes: bigint) => void;

/** Since the engine started, by netns: of all, or of one. Throws where TABLE_COUNTER was too small for what it had to hold. */
export function ruleCounters(rows: Rows, exports: CoreExports, only: number | null = null): Map<number, RuleCounters> {
	const { view } = rows;
	const all = new Map<number, Map<number, Counters>>();
	const count: Count = (netns, row, packets, bytes) => {
		if (only !== null && netns !== only) return;
		let own = all.get(netns);
		if (own === undefined) {
			own = new Map();
			all.set(netns, own);
		}
		const before = own.get(row);
		own.set(row, { packets: packets + (before?.packets ?? 0n), bytes: bytes + (before?.bytes ?? 0n) });
	};
	if (exports.capacity(L.TABLE_PATH) > 0) {
		const lost = view.getBigUint64(exports.table(L.TABLE_PATH) + L.PATH_LOST, true);
		if (lost > 0n)
			throw new RangeError(`${lost} rule hits were not counted: the tables of paths and of counters are full`);
		addPaths(count, view, exports);
	}
	addSpilled(count, view, exports);
	return all;
}

function addPaths(count: Count, view: DataView, exports: CoreExports): void {
	const paths = exports.table(L.TABLE_PATH);
	const rules = exports.table(L.TABLE_PATHRULE);
	for (let slot = 1; slot < exports.capacity(L.TABLE_PATH); slot++) {
		const path = paths + slot * L.PATH_STRIDE;
		const length = view.getUint32(path + L.PATH_COUNT, true);
		if (length === 0) continue;
		const netns = view.getInt32(path + L.PATH_NETNS, true);
		const packets = view.getBigUint64(path + L.PATH_PACKETS, true);
		const bytes = view.getBigUint64(path + L.PATH_BYTES, true);
		const isShort = length <= L.PATH_RULES_COUNT;
		const first = isShort ? path + L.PATH_RULES : rules + view.getUint32(path + L.PATH_FIRST, true) * 4;
		for (let at = first; at < first + length * 4; at += 4) count(netns, view.getUint32(at, true), packets, bytes);
	}
}

function addSpilled(count: Count, view: DataView, exports: CoreExports): void {
	const counters = exports.table(L.TABLE_COUNTER);
	for (let slot = 0; slot < exports.capacity(L.TABLE_COUNTER); slot++) {
		const at = counters + slot * L.COUNTER_STRIDE;
		const netns = view.getUint32(at + L.COUNTER_NETNS, true) - 1;
		if (netns < 0) continue;
		const packets = view.getBigUint64(at + L.COUNTER_PACKETS, true);
		count(netns, view.getUint32(at + L.COUNTER_RULE, true), packets, view.getBigUint64(at + L.COUNTER_BYTES, true));
	}
}

const NONE: Counters = { packets: 0n, bytes: 0n };

/** `[packets:bytes]` of a table's rule row in a netns, as iptables-save -c prints it: what it was loaded with plus what came since. */
export function countersOf(encoded: EncodedRuleset, table: EncodedTable, counts: RuleCounters, row: number): Counters {
	const initial = encoded.initial.get(row) ?? table.initial.get(row) ?? NONE;
	const count = counts.get(row) ?? NONE;
	return { packets: initial.packets + count.packets, bytes: initial.bytes + count.bytes };
}

/**
 * Gives the rules of a ruleset that replaced another one the counters they had: a rule stays the same one where it is the
 * same object in the chain of the same name (`applyRestore` with noflush keeps what the text does not touch), a policy
 * where the chain is the same object. Others start from what they were loaded with, also where the netns had counted on
 * the same rows before. `counts` are the netns's at the time of replacement.
 */
export function keepCounters(previous: EncodedRuleset, next: EncodedRuleset, counts: RuleCounters): void {
	for (const table of next.tables) {
		if (previous.tables.includes(table)) continue;
		const old = previous.tables.find(({ table: { name } }) => name === table.table.name);
		const kept = old === undefined ? new Map<number, Counters>() : keptCounters(previous, old, table, counts);
		for (const { firstRule, chain } of table.chains) {
			for (let row = firstRule; row <= firstRule + chain.rules.length; row++) {
				const start = kept.get(row) ?? table.initial.get(row) ?? NONE;
				const count = counts.get(row);
				if (count) next.initial.set(row, { packets: start.packets - count.packets, bytes: start.bytes - count.bytes });
				else if (kept.has(row)) next.initial.set(row, start);
			}
		}
	}
}

/** By row of the new table. */
function keptCounters(
	previous: EncodedRuleset,
	old: EncodedTable,
	table: EncodedTable,
	counts: RuleCounters,
): Map<number, Counters> {
	const kept = new Map<number, Counters>();
	const before = new Map(old.chains.map((chain) => [chain.chain.name, chain]));
	for (const now of table.chains) {
		const was = before.get(now.chain.name);
		if (was === undefined) continue;
		const oldRows = new Map(was.chain.rules.map((rule, index) => [rule, was.firstRule + index]));
		for (const [index, rule] of now.chain.rules.entries()) {
			const row = oldRows.get(rule);
			if (row !== undefined) kept.set(now.firstRule + index, countersOf(previous, old, counts, row));
		}
		if (was.chain.policy === null || was.chain !== now.chain) continue;
		const policy = countersOf(previous, old, counts, was.firstRule + was.chain.rules.length);
		kept.set(now.firstRule + now.chain.rules.length, policy);
	}
	return kept;
}
