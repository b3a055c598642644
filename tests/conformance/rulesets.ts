// Compares two texts of a whole rule set in kube-proxy's words: the same chains, and in each chain the same rules in
// the same order. Chains that hold rules of many Services have no order among these (upstream walks a Go map).

import { compare } from "./judgement.ts";
import type { Result } from "./result.ts";

const SHARED_CHAINS = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL"];

/** `TABLE CHAIN` to rules. */
type Chains = Record<string, string[]>;

function chainsOf(text: string): Chains {
	const chains: Chains = {};
	let table = "";
	for (const line of text.split("\n")) {
		const word = line.split(" ")[1] ?? "";
		if (line.startsWith("*")) table = line.slice(1).trim();
		else if (line.startsWith(":")) chains[`${table} ${line.slice(1).split(" ")[0]}`] ??= [];
		else if (line.startsWith("-A ")) (chains[`${table} ${word}`] ??= []).push(line);
	}
	return chains;
}

/** The jumps to NodePorts stay behind all others; where there is one an address, these have no order either. */
const isTail = (rule: string): boolean => rule.includes("this must be the last rule");

function comparable([name, rules]: [string, string[]]): [string, string[]] {
	if (!SHARED_CHAINS.some((chain) => name.endsWith(` ${chain}`))) return [name, rules];
	const firstTail = rules.findIndex(isTail);
	const end = firstTail < 0 ? rules.length : firstTail;
	return [name, [...rules.slice(0, end).sort(), ...rules.slice(end).sort()]];
}

/** Only what differs is reported. */
export function compareRuleSets(name: string, expected: string, got: string): Result {
	const wanted = Object.fromEntries(Object.entries(chainsOf(expected)).map(comparable));
	const have = Object.fromEntries(Object.entries(chainsOf(got)).map(comparable));
	const names = [...new Set([...Object.keys(wanted), ...Object.keys(have)])];
	const differing = names.filter((chain) => JSON.stringify(wanted[chain]) !== JSON.stringify(have[chain]));
	const pick = (chains: Chains): Chains =>
		Object.fromEntries(differing.map((chain) => [chain, chains[chain] ?? ["no such chain"]]));
	return compare(name, pick(wanted), pick(have));
}
