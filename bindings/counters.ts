// Counters of rules: the engine counts paths (the rules that one walk touched); here they are expanded to rule rows.
// Exact in every case: what a full path table could not hold was counted beside it, rule by rule.

import * as L from "../assembly/layout.ts";
import type { Counters } from "../js/net/ruleset.ts";
import type { EncodedRuleset } from "./encode.ts";
import type { CoreExports, Rows } from "./views.ts";

/** Packets and bytes by rule row, since the engine started. */
export interface RuleCounters {
	packets: BigUint64Array;
	bytes: BigUint64Array;
}

/** Expands paths to rules. Throws where TABLE_COUNTER was too small for what it had to hold (its rows = TABLE_RULE's). */
export function ruleCounters(rows: Rows, exports: CoreExports): RuleCounters {
	const count = rows.count(L.TABLE_RULE);
	const counters = { packets: new BigUint64Array(count), bytes: new BigUint64Array(count) };
	const { view } = rows;
	const head = exports.table(L.TABLE_PATH);
	if (exports.capacity(L.TABLE_PATH) > 0) {
		const lost = view.getBigUint64(head + L.PATH_LOST, true);
		if (lost > 0n)
			throw new RangeError(`${lost} rule hits were not counted: the tables of paths and of counters are full`);
		addPaths(counters, view, exports);
	}
	addSpilled(counters, view, exports);
	return counters;
}

function addPaths({ packets, bytes }: RuleCounters, view: DataView, exports: CoreExports): void {
	const paths = exports.table(L.TABLE_PATH);
	const rules = exports.table(L.TABLE_PATHRULE);
	for (let slot = 1; slot < exports.capacity(L.TABLE_PATH); slot++) {
		const path = paths + slot * L.PATH_STRIDE;
		const length = view.getUint32(path + L.PATH_COUNT, true);
		if (length === 0) continue;
		const packetCount = view.getBigUint64(path + L.PATH_PACKETS, true);
		const byteCount = view.getBigUint64(path + L.PATH_BYTES, true);
		const first = rules + view.getUint32(path + L.PATH_FIRST, true) * 4;
		for (let at = first; at < first + length * 4; at += 4) {
			const row = view.getUint32(at, true);
			packets[row] = (packets[row] ?? 0n) + packetCount;
			bytes[row] = (bytes[row] ?? 0n) + byteCount;
		}
	}
}

function addSpilled({ packets, bytes }: RuleCounters, view: DataView, exports: CoreExports): void {
	const counters = exports.table(L.TABLE_COUNTER);
	const count = Math.min(packets.length, exports.capacity(L.TABLE_COUNTER));
	for (let row = 0; row < count; row++) {
		const at = counters + row * L.COUNTER_STRIDE;
		packets[row] = (packets[row] ?? 0n) + view.getBigUint64(at + L.COUNTER_PACKETS, true);
		bytes[row] = (bytes[row] ?? 0n) + view.getBigUint64(at + L.COUNTER_BYTES, true);
	}
}

/** `[packets:bytes]` of a rule row of a ruleset, as iptables-save -c prints it: what it was loaded with plus what came since. */
export function countersOf(encoded: EncodedRuleset, counts: RuleCounters, row: number): Counters {
	const initial = encoded.initial.get(row);
	return {
		packets: (initial?.packets ?? 0n) + (counts.packets[row] ?? 0n),
		bytes: (initial?.bytes ?? 0n) + (counts.bytes[row] ?? 0n),
	};
}

/**
 * Gives the rules of a ruleset that replaced another one the counters they had: a rule stays the same one where it is the
 * same object in the chain of the same name (`applyRestore` with noflush keeps what the text does not touch), a policy
 * where the chain is the same object. `counts` are those at the time of replacement.
 */
export function keepCounters(previous: EncodedRuleset, next: EncodedRuleset, counts: RuleCounters): void {
	const before = new Map(previous.chains.map((chain) => [`${chain.table.name} ${chain.chain.name}`, chain]));
	for (const now of next.chains) {
		const old = before.get(`${now.table.name} ${now.chain.name}`);
		if (old === undefined || old.row === now.row) continue;
		const oldRows = new Map(old.chain.rules.map((rule, index) => [rule, old.firstRule + index]));
		for (const [index, rule] of now.chain.rules.entries()) {
			const row = oldRows.get(rule);
			if (row !== undefined) next.initial.set(now.firstRule + index, countersOf(previous, counts, row));
		}
		if (old.chain.policy === null || old.chain !== now.chain) continue;
		const policy = countersOf(previous, counts, old.firstRule + old.chain.rules.length);
		next.initial.set(now.firstRule + now.chain.rules.length, policy);
	}
}
