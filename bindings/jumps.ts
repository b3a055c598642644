// Jumps and gotos of chains are checked before they are encoded, so that the engine's walk needs no checks of its own.

import type { Chain, Rule, TableName } from "../js/net/ruleset.ts";
import { EncodeError } from "./matchrow.ts";

/** A chain as it will be, and what it was before; null: it is new. */
export interface ChangedChain {
	before: Chain | null;
	now: Chain;
}

/** The chain of a name as it will be; null: there will be none. */
export type FindChain = (name: string) => Chain | null;

/**
 * Every jump leads to a user chain of the table, and none leads back (the kernel's "Too many levels of symbolic links").
 * A loop goes through some jump that is new, so only what new jumps lead to is looked at.
 */
export function checkJumps(table: TableName, changed: readonly ChangedChain[], find: FindChain): void {
	const done = new Set<Chain>();
	for (const { before, now } of changed) {
		const rules = newRules(before, now);
		for (const rule of rules) targetOf(table, now, rule, find);
		walk(table, now, rules, find, done);
	}
}

/** The chain that a rule goes to; null: to none. */
function targetOf(table: TableName, chain: Chain, { target, line }: Rule, find: FindChain): Chain | null {
	if (target?.kind !== "chain") return null;
	const place = `table ${table}, chain ${chain.name}`;
	const next = find(target.name);
	if (next === null) throw new EncodeError(`${place}: no chain ${JSON.stringify(target.name)} to go to`, line);
	if (next.policy !== null)
		throw new EncodeError(`${place}: a rule cannot go to the built-in chain ${target.name}`, line);
	return next;
}

/** Depth-first, without recursion: chains may lead to one another as often as there are chains. */
function walk(table: TableName, start: Chain, rules: readonly Rule[], find: FindChain, done: Set<Chain>): void {
	const above = new Set([start]);
	const stack = [{ chain: start, rules, next: 0 }];
	for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
		const rule = top.rules[top.next++];
		if (rule === undefined) {
			above.delete(top.chain);
			if (top.rules === top.chain.rules) done.add(top.chain);
			stack.pop();
			continue;
		}
		const next = targetOf(table, top.chain, rule, find);
		if (next === null || done.has(next)) continue;
		if (above.has(next))
			throw new EncodeError(`table ${table}, chain ${top.chain.name}: going to ${next.name} makes a loop`, rule.line);
		above.add(next);
		stack.push({ chain: next, rules: next.rules, next: 0 });
	}
}

/** Rules between those that both begin and end with. */
function newRules(before: Chain | null, { rules }: Chain): readonly Rule[] {
	if (before === null) return rules;
	const old = before.rules;
	if (old === rules) return [];
	let first = 0;
	while (first < rules.length && first < old.length && rules[first] === old[first]) first++;
	let end = 0;
	const least = Math.min(rules.length, old.length) - first;
	while (end < least && rules[rules.length - 1 - end] === old[old.length - 1 - end]) end++;
	return rules.slice(first, rules.length - end);
}
