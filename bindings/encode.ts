// A chain's rules to the engine's rows. Rules are evaluated as the kernel's xtables do (iptables(8)); what is not evaluated is
// carried: a packet that reaches it gets the verdict "unknown".

import * as L from "../assembly/layout.ts";
import type { Chain, Family, Rule } from "../js/net/ruleset.ts";
import { tracks } from "./hooks.ts";
import type { Held, Interned } from "./interned.ts";
import { encodeMatch, isStateful, UNKNOWN_MATCH } from "./match.ts";
import { EncodeError, type MatchContext, type MatchRow } from "./matchrow.ts";
import { recentNeeds, setNames } from "./mention.ts";
import { Carried } from "./option.ts";
import { isPrefix6, prefixRows, writeNetwork } from "./prefixes.ts";
import { encodeTarget, type TargetFields, UNKNOWN_TARGET } from "./target.ts";
import type { Rows } from "./views.ts";

export { EncodeError } from "./matchrow.ts";

/** What a chain's rules took: rows in one piece each, what they refer to, and what is to be known of them. */
export interface EncodedRules {
	/** `rules` rules, and behind them the policy or implicit return. */
	firstRule: number;
	rules: number;
	firstMatch: number;
	matches: number;
	held: Held;
	/** Rows of TABLE_STATE that `limit` and `nth` have: of one netns, and new with the table. */
	states: readonly number[];
	/** Lists of `recent` and the stamps that they must keep. */
	recent: ReadonlyMap<string, number>;
	/** The ipsets that the rules name. */
	sets: ReadonlySet<string>;
	/** Some rule asks for connection tracking. */
	tracks: boolean;
	/** Rules, by their number from 0, with an extension that is not evaluated, and which. */
	carried: readonly { rule: number; why: string }[];
}

/** What rules may name. */
export interface Names {
	/** Row of TABLE_CHAIN. */
	chain(name: string): number;
	sets: ReadonlyMap<string, number>;
	/** Row of a list of `recent`. */
	recent(name: string): number;
}

interface RuleFields extends TargetFields {
	matches: MatchRow[];
	flags: number;
}

/** Whether rules remember packets, or name what a netns has: then they are of one netns alone. */
export function isPrivate({ states, recent, sets }: EncodedRules): boolean {
	return states.length > 0 || recent.size > 0 || sets.size > 0;
}

const NONE: readonly never[] = [];
const NOTHING_HELD: Held = { words: [], patterns: [] };

export class ChainEncoder {
	readonly #rows: Rows;
	readonly #interned: Interned;
	readonly #family: Family;

	constructor(rows: Rows, interned: Interned, family: Family) {
		this.#rows = rows;
		this.#interned = interned;
		this.#family = family;
	}

	/**
	 * Writes a chain's rules for the chain row `row`. The row itself, and where jumps lead (`compileChain`), are the caller's.
	 * Throws EncodeError (an unknown ipset …), CapacityError; then nothing was taken.
	 */
	encode(chain: Chain, row: number, names: Names): EncodedRules {
		const held = this.#interned.hold();
		const states: number[] = [];
		let taken: [table: number, first: number, rows: number][] = [];
		try {
			const carried: { rule: number; why: string }[] = [];
			const fields = chain.rules.map((rule, index) =>
				this.#fields(rule, names, (why) => carried.push({ rule: index, why })),
			);
			const matches = fields.reduce((sum, own) => sum + own.matches.length, 0);
			const take = (table: number, rows: number) => {
				const first = rows === 0 ? 0 : this.#rows.take(table, rows);
				taken.push([table, first, rows]);
				return first;
			};
			const firstRule = take(L.TABLE_RULE, chain.rules.length + 1);
			const firstMatch = take(L.TABLE_MATCH, matches);
			let nextMatch = firstMatch;
			for (const [index, rule] of chain.rules.entries()) {
				const own = fields[index] as RuleFields;
				this.#writeRule(rule, own, firstRule + index, row, nextMatch);
				for (const match of own.matches) this.#writeMatch(match, nextMatch++, this.#stateOf(match, names, states));
			}
			this.#writePolicy(chain, firstRule + chain.rules.length, row);
			taken = [];
			return {
				firstRule,
				rules: chain.rules.length,
				firstMatch,
				matches,
				held: held.words.length + held.patterns.length === 0 ? NOTHING_HELD : held,
				states: states.length === 0 ? NONE : states,
				recent: recentNeeds(chain.rules),
				sets: setNames(chain.rules),
				tracks: chain.rules.some(tracks),
				carried: carried.length === 0 ? NONE : carried,
			};
		} catch (error) {
			for (const [table, first, rows] of taken) if (rows > 0) this.#rows.give(table, first, rows);
			for (const state of states) this.#rows.give(L.TABLE_STATE, state);
			this.#interned.release(held);
			throw error;
		}
	}

	#fields(rule: Rule, names: Names, carry: (why: string) => void): RuleFields {
		const matches = [...prefixRows(this.#interned, rule, this.#family), ...this.#matchRows(rule, names, carry)];
		return { matches, ...this.#targetFields(rule, names, carry) };
	}

	#context(rule: Rule, sets: MatchContext["sets"]): MatchContext {
		return {
			interned: this.#interned,
			addresses: this.#rows.addresses,
			sets,
			family: this.#family,
			protocol: rule.protocol === null || rule.protocol.not ? 0 : rule.protocol.value,
		};
	}

	/**
	 * A rule's matches in the order of evaluation: that of the text, but a carried match is put behind those that have no
	 * state, for where one of them says no the rule does not match whatever the carried one says.
	 */
	#matchRows(rule: Rule, { sets }: Names, carry: (why: string) => void): MatchRow[] {
		if (rule.matches.length === 0) return [];
		const context = this.#context(rule, sets);
		const ordered: MatchRow[] = [];
		let isCarried = false;
		for (const match of rule.matches) {
			const encoded = carrying(() => encodeMatch(match, context), UNKNOWN_MATCH, rule, carry);
			if (encoded === null) continue;
			if (encoded === UNKNOWN_MATCH) isCarried = true;
			else if (isCarried && isStateful(encoded)) break;
			else ordered.push(encoded);
		}
		return isCarried ? [...ordered, UNKNOWN_MATCH] : ordered;
	}

	#targetFields(rule: Rule, names: Names, carry: (why: string) => void): TargetFields & { flags: number } {
		const { target } = rule;
		if (target === null) return { target: L.TARGET_NONE, args: [], flags: 0 };
		if (target.kind === "chain") {
			const args = [names.chain(target.name)];
			return { target: L.TARGET_JUMP, args, flags: target.goto ? L.RULEF_GOTO : 0 };
		}
		const fields = carrying(() => encodeTarget(target, this.#context(rule, names.sets)), UNKNOWN_TARGET, rule, carry);
		const isTail = target.kind === "verdict" && fields.target !== L.TARGET_UNKNOWN && isUnconditional(rule);
		return { ...fields, flags: isTail ? L.RULEF_TAIL : 0 };
	}

	#writeRule(
		rule: Rule,
		{ matches, target, args, flags }: RuleFields,
		row: number,
		chain: number,
		first: number,
	): void {
		const rows = this.#rows;
		const at = rows.at(L.TABLE_RULE, row);
		rows.setU8(at + L.RULE_INVERT, this.#writeHeader(rule, at));
		rows.setU8(at + L.RULE_MATCH_COUNT, matches.length);
		rows.setU32(at + L.RULE_MATCH_FIRST, matches.length === 0 ? 0 : first);
		rows.setU8(at + L.RULE_TARGET, target);
		for (const [index, value] of args.entries()) rows.setU32(at + L.RULE_A + index * 4, value);
		rows.setI32(at + L.RULE_CHAIN, chain);
		rows.setU32(at + L.RULE_FLAGS, flags | (rule.fragment === null ? 0 : L.RULEF_FRAGMENT));
	}

	/** Addresses, protocol and devices; returns the INV_* bits. */
	#writeHeader(rule: Rule, at: number): number {
		const rows = this.#rows;
		const { source, destination, inInterface, outInterface, protocol, fragment } = rule;
		const family = this.#family;
		const pattern = (side: Rule["inInterface"]) => (side === null ? -1 : this.#interned.pattern(side.value));
		writeNetwork(rows, at + L.RULE_SRC, source, family);
		writeNetwork(rows, at + L.RULE_DST, destination, family);
		rows.setI32(at + L.RULE_IIF, pattern(inInterface));
		rows.setI32(at + L.RULE_OIF, pattern(outInterface));
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

	/** The row after a chain's rules: its policy, or a user chain's implicit return. */
	#writePolicy({ policy }: Chain, row: number, chain: number): void {
		const rows = this.#rows;
		const at = rows.at(L.TABLE_RULE, row);
		const target = { ACCEPT: L.TARGET_ACCEPT, DROP: L.TARGET_DROP, RETURN: L.TARGET_RETURN }[policy ?? "RETURN"];
		rows.setI32(at + L.RULE_IIF, -1);
		rows.setI32(at + L.RULE_OIF, -1);
		rows.setU8(at + L.RULE_TARGET, target);
		rows.setI32(at + L.RULE_CHAIN, chain);
		rows.setU32(at + L.RULE_FLAGS, L.RULEF_POLICY | L.RULEF_TAIL | (policy === null ? L.RULEF_UNCOUNTED : 0));
	}

	#writeMatch({ kind, invert, args }: MatchRow, row: number, state: number): void {
		const rows = this.#rows;
		const at = rows.at(L.TABLE_MATCH, row);
		rows.setU16(at + L.MATCH_KIND, kind);
		rows.setU16(at + L.MATCH_INVERT, invert);
		for (const [arg, value] of args.entries()) rows.setU32(at + L.MATCH_A + arg * 4, value);
		rows.setI32(at + L.MATCH_STATE, state);
	}

	#stateOf({ state }: MatchRow, names: Names, states: number[]): number {
		if (state === null) return -1;
		if ("list" in state) return names.recent(state.list);
		const row = this.#rows.take(L.TABLE_STATE);
		states.push(row);
		const at = this.#rows.at(L.TABLE_STATE, row);
		this.#rows.view.setBigUint64(at + L.STATE_A, state.initial[0], true);
		this.#rows.view.setBigUint64(at + L.STATE_B, state.initial[1], true);
		return row;
	}
}

/** What `encode` gives; `instead` and a note where the extension is carried. Errors get the rule's line. */
function carrying<T>(encode: () => T, instead: T, rule: Rule, carry: (why: string) => void): T {
	try {
		return encode();
	} catch (error) {
		if (error instanceof EncodeError && error.line === null) throw new EncodeError(error.message, rule.line);
		if (!(error instanceof Carried)) throw error;
		carry(error.message);
		return instead;
	}
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
