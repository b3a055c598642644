// Long options as far as they are known at a word: exact names first, then unambiguous beginnings; newest extension
// first. What no loaded extension knows belongs to one that is carried, or is refused.

import { nearestWord, type TextError } from "../error.ts";
import { BASE_LONG } from "./base.ts";
import type { OptionTable } from "./extension.ts";
import { protocolMatch } from "./extensions/index.ts";
import type { GivenOption } from "./finish.ts";
import { type BaseOption, contextOf, type Loaded, located, type Reading, refuse } from "./reading.ts";
import type { Word } from "./words.ts";

export interface ExtensionOption {
	loaded: Loaded;
	option: OptionTable;
}

/** What a long option's name stands for among the options known so far: exact, or an unambiguous beginning. */
export function resolveLong(reading: Reading, name: string, retry = true): BaseOption | ExtensionOption | null {
	if (!retry) return null;
	const exactBase = BASE_LONG[name];
	if (exactBase !== undefined) return exactBase;
	const scopes = [...(reading.target === null ? [] : [reading.target]), ...reading.matches.toReversed()];
	for (const loaded of scopes) {
		const option = loaded.table?.options.find((one) => one.name === name || one.aliases?.includes(name));
		if (option !== undefined) return { loaded, option };
	}
	const spelled = scopes.flatMap((loaded) =>
		(loaded.table?.options ?? []).flatMap((option) =>
			[option.name, ...(option.aliases ?? [])].map((spelling) => ({ name: spelling, value: { loaded, option } })),
		),
	);
	const begun = spelled.filter((candidate) => candidate.name.startsWith(name)).map(({ value }) => value);
	const base = Object.entries(BASE_LONG)
		.filter(([spelling]) => spelling.startsWith(name))
		.map(([, value]) => value);
	const options = new Set<OptionTable>(begun.map(({ option }) => option));
	if (options.size + new Set(base).size !== 1) return null;
	return begun[0] ?? base[0] ?? null;
}

/** Loads the match of `-p` when an option is not known yet; true where it did. */
export function loadProtocolMatch(reading: Reading, word: Word): boolean {
	if (reading.protocol === null) return false;
	const table = protocolMatch(reading.protocol.value, reading.family);
	if (table === null || reading.matches.some((loaded) => loaded.table === table)) return false;
	const name = word.text.replace(/^--|=.*$/g, "");
	const known = table.options.some((option) =>
		[option.name, ...(option.aliases ?? [])].some((spelling) => spelling.startsWith(name)),
	);
	if (!known) return false;
	reading.matches.push({ table, name: table.name, word, given: [], carried: [] });
	return true;
}

export function unknownOption(reading: Reading, word: Word, name: string): TextError {
	const scopes = [...reading.matches, ...(reading.target === null ? [] : [reading.target])];
	const protocolTable = reading.protocol === null ? null : protocolMatch(reading.protocol.value, reading.family);
	const names = [...scopes.flatMap((loaded) => loaded.table?.options ?? []), ...(protocolTable?.options ?? [])].flatMap(
		(option) => [option.name, ...(option.aliases ?? [])],
	);
	const candidates = [...names, ...Object.keys(BASE_LONG).filter((spelling) => BASE_LONG[spelling] !== "refused")];
	const nearest = nearestWord(name, candidates);
	const needsProtocol =
		["dport", "sport", "destination-port", "source-port"].includes(name) && reading.protocol === null;
	const expected = needsProtocol ? "-p tcp, udp, sctp or dccp before a port" : "an option of a loaded match or target";
	return refuse(reading, word, expected, nearest === null ? null : `--${nearest}`);
}

export function readExtensionOption(reading: Reading, found: ExtensionOption, word: Word, glued: Word | null): void {
	const { loaded, option } = found;
	const same = loaded.given.findIndex((given) => given.option.name === option.name);
	if (same >= 0 && !option.multiple && !option.replace) throw refuse(reading, word, `--${option.name} once`);
	if (reading.not !== null && !option.negatable) throw refuse(reading, reading.not, `no ! before --${option.name}`);
	const words: Word[] = glued === null ? [] : [glued];
	if (glued !== null && option.type.wordCount === 0) throw refuse(reading, word, `--${option.name} without a value`);
	while (words.length < option.type.wordCount) {
		const next = reading.words[reading.next];
		if (option.type.optional && (next === undefined || next.text.startsWith("-") || next.text === "!")) break;
		if (next === undefined) throw refuse(reading, word, `${option.type.expected} after --${option.name}`);
		reading.next++;
		words.push(next);
	}
	const value = located(reading, words, () =>
		option.type.parse(
			words.map(({ text }) => text),
			contextOf(reading),
		),
	);
	const given: GivenOption = { option: { name: option.name, not: reading.not !== null, value }, word };
	if (same >= 0 && option.replace) loaded.given.splice(same, 1);
	loaded.given.push(given);
}

export function lastCarrier(reading: Reading): Loaded | null {
	if (reading.target !== null && reading.target.table === null) return reading.target;
	return reading.matches.findLast((loaded) => loaded.table === null) ?? null;
}

/** The option and what follows it up to the next option or `!` belong to an extension that is carried. */
export function carryOption(reading: Reading, carrier: Loaded, word: Word): void {
	if (reading.not !== null) carrier.carried.push(reading.not);
	carrier.carried.push(word);
	reading.next++;
	while (reading.next < reading.words.length) {
		const next = reading.words[reading.next] as Word;
		if (!next.quoted && (/^-[^0-9]/.test(next.text) || next.text === "!")) return;
		carrier.carried.push(next);
		reading.next++;
	}
}
