// The end of reading an extension: which options must or may not stand together, the canonical form, and what the
// kernel checks when a rule is loaded (table, protocol, hook).

import type { TextError } from "../error.ts";
import type { Option } from "../ruleset.ts";
import { type ExtensionTable, Refusal, type RuleContext } from "./extension.ts";
import { inTableOrder } from "./extensions/order.ts";
import { protocolName } from "./protocols.ts";
import type { Word } from "./words.ts";

export interface GivenOption {
	option: Option;
	word: Word;
}

/** The canonical options; throws what `fail` makes of a refusal at a word. */
export function finishExtension(
	table: ExtensionTable,
	word: Word,
	given: GivenOption[],
	context: RuleContext,
	fail: (word: Word, refusal: Refusal) => TextError,
): Option[] {
	const wordOf = (name: string | null): Word => given.find(({ option }) => option.name === name)?.word ?? word;
	try {
		checkCombination(table, given);
		const options = given.map(({ option }) => option);
		checkPlace(table, options, context);
		table.check?.(options, context);
		return table.canonical ? table.canonical(options, context) : inTableOrder(options, table.options);
	} catch (error) {
		if (error instanceof Refusal) throw fail(wordOf(error.option), error);
		throw error;
	}
}

function checkCombination(table: ExtensionTable, given: GivenOption[]): void {
	const names = new Set(given.map(({ option }) => option.name));
	for (const option of table.options) {
		if (option.mandatory && !names.has(option.name)) throw new Refusal(`--${option.name} with ${table.name}`);
		if (!names.has(option.name)) continue;
		const clash = option.excludes?.find((other) => other !== option.name && names.has(other));
		if (clash !== undefined) throw new Refusal(`--${option.name} without --${clash}`, null, 0, option.name);
		const missing = option.requires?.find((other) => !names.has(other));
		if (missing !== undefined) throw new Refusal(`--${missing} beside --${option.name}`, null, 0, option.name);
	}
	for (const group of table.oneOf ?? []) {
		if (!group.some((name) => names.has(name)))
			throw new Refusal(`${group.map((name) => `--${name}`).join(" or ")} with ${table.name}`);
	}
}

const BUILT_IN: readonly string[] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

function checkPlace(table: ExtensionTable, options: Option[], context: RuleContext): void {
	if (table.tables && !table.tables.includes(context.table)) {
		throw new Refusal(`table ${table.tables.join(" or ")} for ${table.name}, not ${context.table}`);
	}
	if (table.protocols && !protocolFits(table.protocols, context)) {
		throw new Refusal(`-p ${table.protocols.map(protocolName).join(" or ")} in a rule with ${table.name}`);
	}
	const hooks = table.hooksOf?.(options) ?? table.hooks;
	if (
		hooks &&
		context.chain !== null &&
		BUILT_IN.includes(context.chain) &&
		!hooks.some((hook) => hook === context.chain)
	) {
		throw new Refusal(`chain ${hooks.join(", ")} for ${table.name}, not ${context.chain}`);
	}
}

/** The legacy kernel interface wants a plain `-p`; nft's looks at the number alone. */
function protocolFits(protocols: number[], context: RuleContext): boolean {
	if (context.protocol === null || !protocols.includes(context.protocol.value)) return false;
	return !context.protocol.not || context.backend === "nft";
}
