// Changes of a table's chains while a text is read onto it: chains of the ruleset given are copied before they change.

import { TextError } from "../error.ts";
import type { Chain, Table } from "../ruleset.ts";
import { BUILT_IN_CHAINS, checkChainName, isBuiltIn, newChain, unknownChain } from "./chains.ts";
import type { Backend } from "./extension.ts";
import type { Word } from "./words.ts";

export interface OpenTable {
	table: Table;
	chains: Map<string, Chain>;
	names: Set<string>;
	/** Chains that this text may change in place. */
	owned: Set<Chain>;
	line: number;
}

export class TableEditing {
	readonly file: string;
	readonly backend: Backend;
	/** 1-based line that is being read. */
	line = 0;

	constructor(file: string, backend: Backend) {
		this.file = file;
		this.backend = backend;
	}

	refuse(
		line: number,
		column: number,
		word: string | null,
		expected: string,
		nearest: string | null = null,
	): TextError {
		return new TextError({ file: this.file, line, column, word, expected, nearest });
	}

	place(word: Word): { file: string; line: number; column: number } {
		return { file: this.file, line: this.line, column: word.column };
	}

	/** A `:CHAIN` line: makes the chain, or empties a user chain that was there before. */
	declare(open: OpenTable, word: Word): Chain {
		if (!isBuiltIn(open.table.name, word.text)) checkChainName(word.text, this.place(word));
		const old = open.chains.get(word.text);
		if (old === undefined) return this.addChain(open, newChain(open.table.name, word.text));
		return old.policy === null ? this.own(open, emptied(old), old) : this.writable(open, old);
	}

	setPolicy(open: OpenTable, chain: Chain, word: Word): void {
		if (word.text === "-") return;
		if (word.text !== "ACCEPT" && word.text !== "DROP")
			throw this.refuse(this.line, word.column, word.text, "the policy ACCEPT, DROP or -");
		if (isBuiltIn(open.table.name, chain.name)) chain.policy = word.text;
		else if (this.backend !== "nft")
			throw this.refuse(this.line, word.column, word.text, "- for a user chain, which has no policy");
	}

	addChain(open: OpenTable, chain: Chain): Chain {
		open.table.chains.push(chain);
		open.chains.set(chain.name, chain);
		open.names.add(chain.name);
		open.owned.add(chain);
		return chain;
	}

	own(open: OpenTable, chain: Chain, old: Chain): Chain {
		open.table.chains[open.table.chains.indexOf(old)] = chain;
		open.chains.set(chain.name, chain);
		open.owned.add(chain);
		return chain;
	}

	/** The chain, copied first where it belongs to the ruleset given. */
	writable(open: OpenTable, chain: Chain): Chain {
		return open.owned.has(chain) ? chain : this.own(open, { ...chain, rules: [...chain.rules] }, chain);
	}

	chainNamed(open: OpenTable, word: Word | undefined, command: Word): Chain {
		if (word === undefined)
			throw this.refuse(this.line, command.column + command.text.length, null, `a chain after ${command.text}`);
		const chain = open.chains.get(word.text);
		if (chain !== undefined) return this.writable(open, chain);
		if (isBuiltIn(open.table.name, word.text)) return this.addChain(open, newChain(open.table.name, word.text));
		throw unknownChain(word.text, [...BUILT_IN_CHAINS[open.table.name], ...open.chains.keys()], this.place(word));
	}

	rename(open: OpenTable, command: Word, from: Word | undefined, to: Word | undefined): void {
		const chain = this.chainNamed(open, from, command);
		if (to === undefined || chain.policy !== null)
			throw this.refuse(this.line, command.column, command.text, "a user chain and its new name");
		checkChainName(to.text, this.place(to));
		if (open.chains.has(to.text)) throw this.refuse(this.line, to.column, to.text, "a name that no chain has");
		open.chains.delete(chain.name);
		open.names.delete(chain.name);
		for (const other of [...open.table.chains]) {
			if (!other.rules.some((rule) => rule.target?.kind === "chain" && rule.target.name === chain.name)) continue;
			const owned = this.writable(open, other);
			owned.rules = owned.rules.map((rule) =>
				rule.target?.kind === "chain" && rule.target.name === chain.name
					? { ...rule, target: { ...rule.target, name: to.text }, written: null }
					: rule,
			);
		}
		chain.name = to.text;
		open.chains.set(to.text, chain);
		open.names.add(to.text);
	}

	deleteChains(open: OpenTable, command: Word, word: Word | undefined): void {
		const chosen =
			word === undefined
				? open.table.chains.filter((chain) => chain.policy === null)
				: [this.chainNamed(open, word, command)];
		const gone = new Set(chosen.map(({ name }) => name));
		for (const chain of chosen) {
			const place = word ?? command;
			if (chain.policy !== null) throw this.refuse(this.line, place.column, place.text, "a user chain to delete");
			if (chain.rules.length > 0) throw this.refuse(this.line, place.column, chain.name, "an empty chain to delete");
		}
		for (const chain of open.table.chains) {
			const jump = chain.rules.find((rule) => rule.target?.kind === "chain" && gone.has(rule.target.name));
			if (jump === undefined) continue;
			throw this.refuse(
				this.line,
				(word ?? command).column,
				jump.target?.name ?? null,
				`a chain that no rule jumps to (${chain.name} does)`,
			);
		}
		open.table.chains = open.table.chains.filter((chain) => !gone.has(chain.name));
		for (const name of gone) {
			open.chains.delete(name);
			open.names.delete(name);
		}
	}
}

export function emptied(chain: Chain): Chain {
	return { ...chain, counters: chain.policy === null ? { packets: 0n, bytes: 0n } : { ...chain.counters }, rules: [] };
}
