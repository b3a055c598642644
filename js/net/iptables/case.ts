// What `iptables -t TABLE -A CHAIN RULE` would do and what iptables-save would print, for the conformance runner.

import { TextError } from "../error.ts";
import type { Family } from "../ruleset.ts";
import { BUILT_IN_CHAINS, isTableName, newChain } from "./chains.ts";
import { checkTable } from "./check.ts";
import type { Backend, ToolVersion } from "./extension.ts";
import { printRule } from "./print.ts";
import { parseRules } from "./rule.ts";
import { splitCommandLine } from "./words.ts";

export interface IptablesCase {
	family: Family;
	table: string;
	chain: string;
	/** The words after `-A CHAIN`, quoted as for a shell. */
	rule: string;
	backend?: Backend;
	/** Default 1.8.11, the version that the conformance data come from. */
	version?: ToolVersion;
	/** ipsets that exist; default none. */
	sets?: ReadonlySet<string> | null;
}

export interface IptablesOutcome {
	ok: boolean;
	/** The words after `-A CHAIN`; rules are separated by line feeds where several addresses make several rules. */
	saved?: string;
	error?: TextError;
}

export function checkIptablesCase(given: IptablesCase): IptablesOutcome {
	const backend = given.backend ?? "legacy";
	const version = given.version ?? "1.8.11";
	try {
		const { table, chain, family } = given;
		if (!isTableName(table))
			throw new TextError({ word: table, expected: `one of the tables ${Object.keys(BUILT_IN_CHAINS).join(" ")}` });
		const words = splitCommandLine(given.rule, { file: "rule", line: 1 });
		const chains = new Set<string>([...BUILT_IN_CHAINS[table], chain]);
		const sets = given.sets === undefined ? new Set<string>() : given.sets;
		const rules = parseRules(words, table, family, {
			file: "rule",
			line: 1,
			chain,
			chains,
			sets,
			backend,
			version,
			strict: true,
		});
		const whole = newChain(table, chain);
		whole.rules = rules;
		const others = BUILT_IN_CHAINS[table].filter((name) => name !== chain).map((name) => newChain(table, name));
		checkTable({ name: table, chains: [whole, ...others] }, { file: "rule", family });
		return { ok: true, saved: rules.map((rule) => printRule(rule, { backend, version })).join("\n") };
	} catch (error) {
		if (error instanceof TextError) return { ok: false, error };
		throw error;
	}
}
