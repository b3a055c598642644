// The tables of iptables, their built-in chains in hook order, and what a chain may be called.

import { nearestWord, TextError } from "../error.ts";
import type { Chain, Table, TableName } from "../ruleset.ts";
import type { Hook } from "./extension.ts";
import { byteLength } from "./values.ts";

export const BUILT_IN_CHAINS: Readonly<Record<TableName, readonly Hook[]>> = {
	raw: ["PREROUTING", "OUTPUT"],
	mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
	nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
	filter: ["INPUT", "FORWARD", "OUTPUT"],
	security: ["INPUT", "FORWARD", "OUTPUT"],
};

/** The tables in the order in which iptables-nft-save prints them. */
export const NFT_TABLE_ORDER: readonly TableName[] = ["mangle", "security", "raw", "filter", "nat"];

/** Longest name of a chain, in bytes. */
export const CHAIN_NAME_MAX = 28;

const VERDICTS: ReadonlySet<string> = new Set(["ACCEPT", "DROP", "QUEUE", "RETURN"]);

export function isTableName(name: string): name is TableName {
	return Object.hasOwn(BUILT_IN_CHAINS, name);
}

export function isBuiltIn(table: TableName, chain: string): boolean {
	return BUILT_IN_CHAINS[table].some((hook) => hook === chain);
}

export function newChain(table: TableName, name: string): Chain {
	return { name, policy: isBuiltIn(table, name) ? "ACCEPT" : null, counters: { packets: 0n, bytes: 0n }, rules: [] };
}

export interface TextPlace {
	file: string;
	line: number;
	column: number;
}

/** Throws TextError where no user chain may have that name. */
export function checkChainName(name: string, place: TextPlace): void {
	const refuse = (expected: string): TextError => new TextError({ ...place, word: name, expected });
	if (byteLength(name) > CHAIN_NAME_MAX) throw refuse(`a chain's name of at most ${CHAIN_NAME_MAX} bytes`);
	if (name === "" || /^[-!]/.test(name) || /\s/.test(name))
		throw refuse("a chain's name that does not start with - or !");
	if (VERDICTS.has(name)) throw refuse("a chain's name that is no verdict");
}

/** TextError for a chain that is not there. */
export function unknownChain(name: string, known: Iterable<string>, place: TextPlace): TextError {
	return new TextError({ ...place, word: name, expected: "a chain of this table", nearest: nearestWord(name, known) });
}

/** Puts a table's chains, each of another name, into the order of `compareChains`. */
export function sortChains(table: Table): void {
	const isFirst = ({ name }: Chain) => isBuiltIn(table.name, name);
	// Of very many nearly all are users', which are compared by their names alone.
	const users = table.chains.filter((chain) => !isFirst(chain)).sort((a, b) => (a.name < b.name ? -1 : 1));
	table.chains = [...table.chains.filter(isFirst).sort(compareChains(table.name)), ...users];
}

/** Order of chains in a saved table: built-in ones by hook, then user chains by name (bytes). */
export function compareChains(table: TableName): (a: Chain, b: Chain) => number {
	const hooks = BUILT_IN_CHAINS[table];
	const hook = (chain: Chain): number => {
		const index = (hooks as readonly string[]).indexOf(chain.name);
		return index < 0 ? hooks.length : index;
	};
	return (a, b) => hook(a) - hook(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
