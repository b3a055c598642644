// A node's typed ruleset to the engine's rows: chains, rules, matches, interface patterns, and the base chains and flags
// of its netns. Rules are evaluated as the kernel's xtables do (iptables(8)); what is not evaluated is carried: a packet
// that reaches it gets the verdict "unknown". A netns has a ruleset a family, with base chains and flags of its own.

import * as L from "../assembly/layout.ts";
import type { Chain, Counters, Rule, Ruleset, Table, TableName } from "../js/net/ruleset.ts";
import { ALL_HOOKS, netnsFlags } from "./hooks.ts";
import type { Interner } from "./interner.ts";
import { checkJumps } from "./jumps.ts";
import { encodeMatch, isStateful, UNKNOWN_MATCH } from "./match.ts";
import { EncodeError, type MatchContext, type MatchRow } from "./matchrow.ts";
import { recentNames, STAMPS_DEFAULT, setNames, stampsByList } from "./mention.ts";
import { Carried } from "./option.ts";
import { patternRow } from "./pattern.ts";
import { isPrefix6, prefixRows, writeNetwork } from "./prefixes.ts";
import {
	type EncodedChain,
	type EncodedRuleset,
	type EncodedTable,
	holds,
	type RecentList,
	SharedTables,
} from "./tables.ts";
import { encodeTarget, type TargetFields, UNKNOWN_TARGET } from "./target.ts";
import type { Rows } from "./views.ts";

export { EncodeError } from "./matchrow.ts";

const TABLES: Readonly<Record<TableName, number>> = {
	raw: L.XT_RAW,
	mangle: L.XT_MANGLE,
	nat: L.XT_NAT,
	filter: L.XT_FILTER,
	security: L.XT_SECURITY,
};

const HOOKS: Readonly<Record<string, number>> = {
	PREROUTING: L.HOOK_PREROUTING,
	INPUT: L.HOOK_INPUT,
	FORWARD: L.HOOK_FORWARD,
	OUTPUT: L.HOOK_OUTPUT,
	POSTROUTING: L.HOOK_POSTROUTING,
};

const POLICIES = { ACCEPT: L.POLICY_ACCEPT, DROP: L.POLICY_DROP };

/**
 * Writes a ruleset and makes it the netns's. Every device name is interned before, every ipset encoded (`sets`: name to
 * row). Tables that are the very same objects as some netns's in `shared` get its rows, unless they remember packets. With
 * `previous`, the ruleset that the netns has now: tables that are the very same objects keep their rows and so
 * all state; in others `limit` and `nth` start afresh, as a table replaced by the kernel does, while lists of `recent` live on
 * as long as a rule names them. Counters of rules that stay: `keepCounters` (counters.ts). Old rows are not reused.
 * Throws EncodeError (a jump to nowhere, a loop, an unknown ipset …), CapacityError.
 */
export function encodeRuleset(
	rows: Rows,
	strings: Interner,
	netns: number,
	ruleset: Ruleset,
	sets: ReadonlyMap<string, number>,
	previous: EncodedRuleset | null = null,
	shared = new SharedTables(),
): EncodedRuleset {
	return new RulesetEncoding(rows, strings, netns, ruleset, sets, previous, shared).encode();
}

class RulesetEncoding {
	readonly #rows: Rows;
	readonly #strings: Interner;
	readonly #netns: number;
	readonly #ruleset: Ruleset;
	readonly #sets: ReadonlyMap<string, number>;
	readonly #previous: EncodedRuleset | null;
	readonly #shared: SharedTables;
	readonly #recent = new Map<string, RecentList>();
	/** Stamps that each list must keep: the most that any of its rules needs. */
	#stamps: ReadonlyMap<string, number> | null = null;
	// Of the table at hand
	#chains: EncodedChain[] = [];
	#initial = new Map<number, Counters>();
	#carried: { row: number; why: string }[] = [];
	#isStateful = false;

	constructor(
		rows: Rows,
		strings: Interner,
		netns: number,
		ruleset: Ruleset,
		sets: ReadonlyMap<string, number>,
		previous: EncodedRuleset | null,
		shared: SharedTables,
	) {
		this.#rows = rows;
		this.#strings = strings;
		this.#netns = netns;
		this.#ruleset = ruleset;
		this.#sets = sets;
		this.#previous = previous;
		this.#shared = shared;
	}

	encode(): EncodedRuleset {
		const { tables } = this.#ruleset;
		for (const table of tables) if (this.#known(table) === null) checkJumps(table);
		const encoded = tables.map((table) => this.#known(table) ?? this.#encodeTable(table));
		for (const table of encoded) this.#keepLists(table);
		for (const table of encoded) table.users++;
		for (const table of this.#previous?.tables ?? []) this.#leave(table);
		const initial = new Map<number, Counters>();
		for (const [row, counters] of this.#previous?.initial ?? []) {
			if (encoded.some((table) => holds(table, row))) initial.set(row, counters);
		}
		this.#writeNetns(encoded);
		const { recent } = this;
		return { netns: this.#netns, ruleset: this.#ruleset, tables: encoded, sets: this.#sets, recent, initial };
	}

	get recent(): ReadonlyMap<string, RecentList> {
		return this.#recent;
	}

	/** The rows that a table has already: here, or where nothing in it is of one netns alone. */
	#known(table: Table): EncodedTable | null {
		const here = this.#previous?.tables.find((known) => known.table === table && this.#hasSets(known));
		return here ?? this.#shared.of(table).find((known) => !known.isStateful && this.#hasSets(known)) ?? null;
	}

	#hasSets({ sets }: EncodedTable): boolean {
		return [...sets].every(([name, row]) => this.#sets.get(name) === row);
	}

	/** Lists that a table named before go on. */
	#keepLists({ recent }: EncodedTable): void {
		for (const name of recent) {
			const list = this.#recent.get(name) ?? this.#previous?.recent.get(name);
			if (list !== undefined) this.#recent.set(name, list);
		}
	}

	/** Chains that nothing leads to any more lose their indexes. */
	#leave(table: EncodedTable): void {
		if (--table.users > 0) return;
		this.#shared.forget(table);
		for (const { row } of table.chains) {
			this.#rows.setU32(this.#rows.at(L.TABLE_CHAIN, row) + L.CHAIN_FLAGS, L.CHAINF_FREE);
		}
	}

	#encodeTable(table: Table): EncodedTable {
		this.#chains = [];
		this.#initial = new Map();
		this.#carried = [];
		this.#isStateful = false;
		const first = this.#rows.append(L.TABLE_CHAIN, table.chains.length);
		const ids = new Map(table.chains.map((chain, index): [string, number] => [chain.name, first + index]));
		for (const [index, chain] of table.chains.entries()) this.#encodeChain(table, chain, first + index, ids);
		const rules = table.chains.flatMap((chain) => chain.rules);
		const encoded: EncodedTable = {
			table,
			chains: this.#chains,
			bases: basesOf(this.#chains),
			sets: new Map(rules.flatMap(setNames).map((name) => [name, this.#sets.get(name) ?? -1])),
			recent: new Set(rules.flatMap(recentNames)),
			isStateful: this.#isStateful,
			initial: this.#initial,
			carried: this.#carried,
			flags: netnsFlags({ ...this.#ruleset, tables: [table] }),
			users: 0,
		};
		this.#shared.add(encoded);
		return encoded;
	}

	#encodeChain(table: Table, chain: Chain, row: number, ids: ReadonlyMap<string, number>): void {
		const rows = this.#rows;
		const firstRule = rows.append(L.TABLE_RULE, chain.rules.length + 1);
		const at = rows.at(L.TABLE_CHAIN, row);
		rows.setU32(at + L.CHAIN_RULE_FIRST, firstRule);
		rows.setU32(at + L.CHAIN_RULE_COUNT, chain.rules.length);
		rows.setU32(at + L.CHAIN_POLICY, chain.policy === null ? L.POLICY_RETURN : POLICIES[chain.policy]);
		rows.setU32(at + L.CHAIN_TABLE, TABLES[table.name]);
		rows.setI32(at + L.CHAIN_NAME, this.#strings.intern(chain.name));
		this.#chains.push({ row, firstRule, chain });
		for (const [index, rule] of chain.rules.entries()) {
			const ruleRow = firstRule + index;
			this.#encodeRule(rule, ruleRow, ids);
			this.#place(ruleRow, row);
			if (rule.counters !== null) this.#initial.set(ruleRow, rule.counters);
		}
		this.#encodePolicy(chain, firstRule + chain.rules.length);
		this.#place(firstRule + chain.rules.length, row);
	}

	#place(ruleRow: number, chainRow: number): void {
		this.#rows.setI32(this.#rows.at(L.TABLE_RULE, ruleRow) + L.RULE_CHAIN, chainRow);
	}

	/** The row after a chain's rules: its policy, or a user chain's implicit return. */
	#encodePolicy(chain: Chain, row: number): void {
		const rows = this.#rows;
		const at = rows.at(L.TABLE_RULE, row);
		const target = { ACCEPT: L.TARGET_ACCEPT, DROP: L.TARGET_DROP, RETURN: L.TARGET_RETURN }[chain.policy ?? "RETURN"];
		rows.setI32(at + L.RULE_IIF, -1);
		rows.setI32(at + L.RULE_OIF, -1);
		rows.setU8(at + L.RULE_TARGET, target);
		rows.setU32(at + L.RULE_FLAGS, L.RULEF_POLICY | L.RULEF_TAIL | (chain.policy === null ? L.RULEF_UNCOUNTED : 0));
		if (chain.policy !== null) this.#initial.set(row, chain.counters);
	}

	#encodeRule(rule: Rule, row: number, ids: ReadonlyMap<string, number>): void {
		const rows = this.#rows;
		const at = rows.at(L.TABLE_RULE, row);
		const invert = this.#writeHeader(rule, at);
		rows.setU8(at + L.RULE_INVERT, invert);
		const matches = [...prefixRows(rows, rule, this.#ruleset.family), ...this.#matchRows(rule, row)];
		this.#writeMatches(matches, at);
		const { target, args, flags } = this.#targetFields(rule, row, ids);
		rows.setU8(at + L.RULE_TARGET, target);
		for (const [index, value] of args.entries()) rows.setU32(at + L.RULE_A + index * 4, value);
		const isTail = rule.target?.kind === "verdict" && target !== L.TARGET_UNKNOWN && isUnconditional(rule);
		rows.setU32(
			at + L.RULE_FLAGS,
			flags | (isTail ? L.RULEF_TAIL : 0) | (rule.fragment === null ? 0 : L.RULEF_FRAGMENT),
		);
	}

	/** Addresses, protocol and devices; returns the INV_* bits. */
	#writeHeader(rule: Rule, at: number): number {
		const rows = this.#rows;
		const { source, destination, inInterface, outInterface, protocol, fragment } = rule;
		const { family } = this.#ruleset;
		writeNetwork(rows, at + L.RULE_SRC, source, family);
		writeNetwork(rows, at + L.RULE_DST, destination, family);
		rows.setI32(at + L.RULE_IIF, inInterface === null ? -1 : patternRow(rows, this.#strings, inInterface.value));
		rows.setI32(at + L.RULE_OIF, outInterface === null ? -1 : patternRow(rows, this.#strings, outInterface.value));
		rows.setU8(at + L.RULE_PROTO, protocol?.value ?? 0);
		return (
			(source?.not && !isPrefix6(source, family) ? L.INV_SRC : 0) |
			(destination?.not && !isPrefix6(destination, family) ? L.INV_DST : 0) |
			(inInterface?.not ? L.INV_IIF : 0) |
			(outInterface?.not ? L.INV_OIF : 0) |
			(protocol?.not ? L.INV_PROTO : 0) |
			(fragment?.not ? L.INV_FRAGMENT : 0)
		);
	}

	/**
	 * A rule's matches in the order of evaluation: that of the text, but a carried match is put behind those that have no
	 * state, for where one of them says no the rule does not match whatever the carried one says.
	 */
	#matchRows(rule: Rule, row: number): MatchRow[] {
		const context: MatchContext = {
			rows: this.#rows,
			strings: this.#strings,
			sets: this.#sets,
			family: this.#ruleset.family,
			protocol: rule.protocol === null || rule.protocol.not ? 0 : rule.protocol.value,
		};
		const ordered: MatchRow[] = [];
		let isCarried = false;
		for (const match of rule.matches) {
			const encoded = this.#carrying(row, () => encodeMatch(match, context), UNKNOWN_MATCH, rule);
			if (encoded === null) continue;
			if (encoded === UNKNOWN_MATCH) isCarried = true;
			else if (isCarried && isStateful(encoded)) break;
			else ordered.push(encoded);
		}
		return isCarried ? [...ordered, UNKNOWN_MATCH] : ordered;
	}

	#targetFields(rule: Rule, row: number, ids: ReadonlyMap<string, number>): TargetFields & { flags: number } {
		const { target } = rule;
		if (target === null) return { target: L.TARGET_NONE, args: [], flags: 0 };
		if (target.kind !== "chain")
			return {
				...this.#carrying(
					row,
					() => encodeTarget(target, { rows: this.#rows, family: this.#ruleset.family }),
					UNKNOWN_TARGET,
					rule,
				),
				flags: 0,
			};
		// checkJumps has seen that the chain exists.
		const chain = ids.get(target.name) ?? -1;
		return { target: L.TARGET_JUMP, args: [chain], flags: target.goto ? L.RULEF_GOTO : 0 };
	}

	/** What `encode` gives; `instead` and a note where the extension is carried. Errors get the rule's line. */
	#carrying<T>(row: number, encode: () => T, instead: T, rule: Rule): T {
		try {
			return encode();
		} catch (error) {
			if (error instanceof EncodeError && error.line === null) throw new EncodeError(error.message, rule.line);
			if (!(error instanceof Carried)) throw error;
			this.#carried.push({ row, why: error.message });
			return instead;
		}
	}

	#writeMatches(matches: readonly MatchRow[], ruleAt: number): void {
		const rows = this.#rows;
		if (matches.length === 0) return;
		const first = rows.append(L.TABLE_MATCH, matches.length);
		rows.setU8(ruleAt + L.RULE_MATCH_COUNT, matches.length);
		rows.setU32(ruleAt + L.RULE_MATCH_FIRST, first);
		for (const [index, match] of matches.entries()) {
			const at = rows.at(L.TABLE_MATCH, first + index);
			rows.setU16(at + L.MATCH_KIND, match.kind);
			rows.setU16(at + L.MATCH_INVERT, match.invert);
			for (const [arg, value] of match.args.entries()) rows.setU32(at + L.MATCH_A + arg * 4, value);
			rows.setI32(at + L.MATCH_STATE, this.#stateOf(match));
		}
	}

	#stateOf({ state }: MatchRow): number {
		if (state === null) return -1;
		this.#isStateful = true;
		if ("list" in state) return this.#recentList(state.list);
		const row = this.#rows.append(L.TABLE_STATE);
		const at = this.#rows.at(L.TABLE_STATE, row);
		this.#rows.view.setBigUint64(at + L.STATE_A, state.initial[0], true);
		this.#rows.view.setBigUint64(at + L.STATE_B, state.initial[1], true);
		return row;
	}

	/** The list's row. A list that must keep more stamps than before is emptied, as xt_recent does: it gets a new row. */
	#recentList(name: string): number {
		const known = this.#recent.get(name);
		if (known !== undefined) return known.row;
		this.#stamps ??= stampsByList(this.#ruleset);
		const stamps = this.#stamps.get(name) ?? STAMPS_DEFAULT;
		const old = this.#previous?.recent.get(name);
		const list = old !== undefined && old.stamps >= stamps ? old : { row: this.#rows.append(L.TABLE_STATE), stamps };
		this.#rows.setU32(this.#rows.at(L.TABLE_STATE, list.row) + L.LIST_STAMP_MASK, list.stamps - 1);
		this.#recent.set(name, list);
		return list.row;
	}

	#writeNetns(tables: readonly EncodedTable[]): void {
		const rows = this.#rows;
		const at = rows.at(L.TABLE_NETNS, this.#netns);
		const { family } = this.#ruleset;
		const chains = at + (family === "ipv6" ? L.NETNS_CHAINS6 : L.NETNS_CHAINS);
		for (let slot = 0; slot < L.HOOK_COUNT * L.XT_COUNT; slot++) rows.setI32(chains + slot * 4, -1);
		for (const { table, bases } of tables) {
			for (const { hook, row } of bases) {
				rows.setI32(chains + (hook * L.XT_COUNT + TABLES[table.name]) * 4, row);
			}
		}
		const flags = rows.view.getUint32(at + L.NETNS_FLAGS, true) & ~ALL_HOOKS[family];
		rows.setU32(at + L.NETNS_FLAGS, flags | tables.reduce((bits, table) => bits | table.flags, 0));
	}
}

function basesOf(chains: readonly EncodedChain[]): EncodedTable["bases"] {
	return chains.flatMap(({ row, chain }) => {
		const hook = HOOKS[chain.name];
		return chain.policy === null || hook === undefined ? [] : [{ hook, row }];
	});
}

/** No header condition and no match: what the kernel's trace takes for the end of a chain. */
function isUnconditional(rule: Rule): boolean {
	const { source, destination, inInterface, outInterface, protocol, fragment, matches } = rule;
	const anywhere = (side: Rule["source"]) => side === null || (!side.not && side.value.mask === 0);
	const none = inInterface === null && outInterface === null && fragment === null && matches.length === 0;
	return (
		none && anywhere(source) && anywhere(destination) && (protocol === null || (protocol.value === 0 && !protocol.not))
	);
}
