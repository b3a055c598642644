// What the kernel checks over a whole table: jumps go to user chains that exist, no chain that a built-in chain
// reaches can reach itself, and every extension is met only on hooks that it works on.

import { nearestWord, TextError } from "../error.ts";
import type { Chain, Family, Rule, Table } from "../ruleset.ts";
import { BUILT_IN_CHAINS } from "./chains.ts";
import type { ExtensionTable, Hook } from "./extension.ts";
import { findExtension } from "./extensions/index.ts";
import { isSound } from "./sound.ts";

export interface CheckOptions {
	file?: string;
	family: Family;
}

/** Throws TextError at the line of the first rule that the kernel would refuse in this table. */
export function checkTable(table: Table, options: CheckOptions): void {
	if (isSound(table, options.family)) return;
	const chains = new Map(table.chains.map((chain): [string, Chain] => [chain.name, chain]));
	for (const chain of table.chains) for (const rule of chain.rules) checkJump(table, chains, rule, options);
	for (const hook of BUILT_IN_CHAINS[table.name]) {
		const start = chains.get(hook);
		if (start !== undefined) walk(start, hook, chains, options);
	}
}

function refuse(
	rule: Rule,
	options: CheckOptions,
	word: string,
	expected: string,
	nearest: string | null = null,
): TextError {
	return new TextError({ file: options.file ?? null, line: rule.line, word, expected, nearest });
}

function checkJump(table: Table, chains: Map<string, Chain>, rule: Rule, options: CheckOptions): void {
	const { target } = rule;
	if (target === null || target.kind !== "chain") return;
	const chain = chains.get(target.name);
	if (chain === undefined)
		throw refuse(rule, options, target.name, `a chain of table ${table.name}`, nearestWord(target.name, chains.keys()));
	if (chain.policy !== null) throw refuse(rule, options, target.name, "a user chain, not a built-in one");
}

/** Depth-first from a built-in chain, without recursion: rules may nest as deep as there are chains. */
function walk(start: Chain, hook: Hook, chains: Map<string, Chain>, options: CheckOptions): void {
	const open = new Set<string>([start.name]);
	const done = new Set<string>();
	const stack: { chain: Chain; next: number }[] = [{ chain: start, next: 0 }];
	while (stack.length > 0) {
		const top = stack[stack.length - 1] as { chain: Chain; next: number };
		const rule = top.chain.rules[top.next++];
		if (rule === undefined) {
			open.delete(top.chain.name);
			done.add(top.chain.name);
			stack.pop();
			continue;
		}
		checkHooks(rule, hook, options);
		const next = rule.target?.kind === "chain" ? chains.get(rule.target.name) : undefined;
		if (next === undefined || done.has(next.name)) continue;
		if (open.has(next.name)) throw refuse(rule, options, next.name, "a jump that makes no loop");
		open.add(next.name);
		stack.push({ chain: next, next: 0 });
	}
}

function checkHooks(rule: Rule, hook: Hook, options: CheckOptions): void {
	for (const match of rule.matches) {
		if (match.carried === null)
			checkHook(findExtension("match", match.name, options.family), match.options, rule, hook, options);
	}
	const { target } = rule;
	if (target?.kind === "extension" && target.carried === null) {
		checkHook(findExtension("target", target.name, options.family), target.options, rule, hook, options);
	}
}

function checkHook(
	table: ExtensionTable | null,
	given: Rule["matches"][number]["options"],
	rule: Rule,
	hook: Hook,
	options: CheckOptions,
): void {
	const hooks = table?.hooksOf?.(given) ?? table?.hooks;
	if (table === null || !hooks || hooks.includes(hook)) return;
	throw refuse(
		rule,
		options,
		table.name,
		`only chains reached from ${hooks.join(", ")} for ${table.name}, not from ${hook}`,
	);
}
