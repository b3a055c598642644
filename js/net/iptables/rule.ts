// Reads the words of one rule (what follows `-A CHAIN`) into a typed Rule, as iptables' own option loop does:
// options become known when their extension is loaded, may be shortened while unambiguous, `!` stands before an
// option, `-p tcp` loads `-m tcp` when one of its options is used. Checks that need other rules are in `check.ts`.

import { nearestWord, TextError } from "../error.ts";
import type { Extension, Family, Negatable, Option, Prefix, Rule, TableName, Target } from "../ruleset.ts";
import { BASE_SHORT, readBase } from "./base.ts";
import type { Refusal, RuleContext } from "./extension.ts";
import { finishExtension } from "./finish.ts";
import {
	carryOption,
	lastCarrier,
	loadProtocolMatch,
	readExtensionOption,
	resolveLong,
	unknownOption,
} from "./known.ts";
import { contextOf, type Loaded, type Reading, type RuleOptions, refuse, VERDICTS } from "./reading.ts";
import { protectWord, splitRestoreLine, type Word } from "./words.ts";

/** One rule; TextError where the words are none, or where several addresses make it several rules (see parseRules). */
export function parseRule(input: string | Word[], table: TableName, family: Family, options: RuleOptions = {}): Rule {
	const rules = parseRules(input, table, family, options);
	const [first, second] = rules;
	if (first === undefined || second !== undefined) {
		throw new TextError({
			file: options.file ?? null,
			line: options.line ?? 1,
			expected: "one source and one destination address",
		});
	}
	return first;
}

/** The rules that the words make: one for each pair of a source and a destination address. Throws TextError. */
export function parseRules(
	input: string | Word[],
	table: TableName,
	family: Family,
	options: RuleOptions = {},
): Rule[] {
	const words =
		typeof input === "string" ? splitRestoreLine(input, { file: options.file ?? "-", line: options.line ?? 1 }) : input;
	const reading: Reading = {
		words,
		next: 0,
		family,
		table,
		options: { ...options, backend: options.backend ?? "legacy", version: options.version ?? "1.8.9" },
		sources: [],
		destinations: [],
		in: null,
		out: null,
		protocol: null,
		fragment: null,
		counters: null,
		matches: [],
		target: null,
		jump: null,
		seen: new Map(),
		not: null,
	};
	while (reading.next < words.length) readWord(reading);
	if (reading.not !== null) throw refuse(reading, reading.not, "an option after !");
	return buildRules(reading);
}

function readWord(reading: Reading): void {
	const word = reading.words[reading.next] as Word;
	if (word.text === "!" && !word.quoted) {
		if (reading.not !== null) throw refuse(reading, word, "one ! before an option");
		reading.not = word;
		reading.next++;
		return;
	}
	if (word.text.startsWith("--") && word.text.length > 2) readLong(reading, word);
	else if (/^-[^-]/.test(word.text)) readShort(reading, word);
	else throw refuse(reading, word, "an option (-…)");
	reading.not = null;
}

function readShort(reading: Reading, word: Word): void {
	const letter = word.text[1] as string;
	const base = BASE_SHORT[letter];
	if (base === undefined)
		throw refuse(
			reading,
			word,
			"an option of a rule",
			nearestWord(
				word.text,
				Object.keys(BASE_SHORT).map((s) => `-${s}`),
			),
		);
	reading.next++;
	const glued = word.text.slice(2);
	const argument = glued === "" ? null : { text: glued, column: word.column + 2, quoted: word.quoted };
	readBase(reading, base, word, argument);
}

function readLong(reading: Reading, word: Word): void {
	const equals = word.text.indexOf("=");
	const name = equals < 0 ? word.text.slice(2) : word.text.slice(2, equals);
	const argument =
		equals < 0 ? null : { text: word.text.slice(equals + 1), column: word.column + equals + 1, quoted: word.quoted };
	const found = resolveLong(reading, name) ?? resolveLong(reading, name, loadProtocolMatch(reading, word));
	if (found === null) {
		const carrier = lastCarrier(reading);
		if (carrier === null) throw unknownOption(reading, word, name);
		carryOption(reading, carrier, word);
		return;
	}
	reading.next++;
	if (typeof found === "string") readBase(reading, found, word, argument);
	else readExtensionOption(reading, found, word, argument);
}

function buildRules(reading: Reading): Rule[] {
	checkInterfaces(reading);
	const context = contextOf(reading);
	const fail = (word: Word, refusal: Refusal): TextError => refuse(reading, word, refusal.expected, refusal.nearest);
	const matches = reading.matches.map((loaded): Extension => {
		const options =
			loaded.table === null ? [] : finishExtension(loaded.table, loaded.word, loaded.given, context, fail);
		return { name: loaded.name, options, carried: carriedText(loaded) };
	});
	const target = buildTarget(reading, context, fail);
	const rule: Rule = {
		source: null,
		destination: null,
		inInterface: meaningfulInterface(reading, reading.in),
		outInterface: meaningfulInterface(reading, reading.out),
		protocol: reading.protocol !== null && reading.protocol.value === 0 ? null : reading.protocol,
		fragment: reading.fragment,
		matches,
		target,
		counters: reading.counters,
		line: reading.options.line ?? null,
		written: null,
	};
	const sources = reading.sources.length > 0 ? reading.sources : [null];
	const destinations = reading.destinations.length > 0 ? reading.destinations : [null];
	return sources.flatMap((source) =>
		destinations.map((destination) => ({
			...rule,
			source: meaningfulPrefix(source),
			destination: meaningfulPrefix(destination),
		})),
	);
}

function carriedText(loaded: Loaded): string | null {
	return loaded.table === null ? loaded.carried.map(({ text }) => protectWord(text)).join(" ") : null;
}

function buildTarget(
	reading: Reading,
	context: RuleContext,
	fail: (word: Word, refusal: Refusal) => TextError,
): Target | null {
	const { jump, target } = reading;
	if (jump === null) return null;
	const goto = jump.goto;
	if (target !== null) {
		const options: Option[] =
			target.table === null ? [] : finishExtension(target.table, target.word, target.given, context, fail);
		return { name: jump.name, kind: "extension", goto, options, carried: carriedText(target) };
	}
	const isChain = reading.options.chains?.has(jump.name) ?? false;
	if (!isChain && VERDICTS.includes(jump.name)) {
		if (reading.table === "nat" && jump.name === "DROP")
			throw refuse(reading, jump.word, "a target other than DROP in table nat");
		return { name: jump.name, kind: "verdict", goto, options: [], carried: null };
	}
	return { name: jump.name, kind: "chain", goto, options: [], carried: null };
}

function meaningfulPrefix(prefix: Negatable<Prefix> | null): Negatable<Prefix> | null {
	return prefix !== null && prefix.value.mask === 0 && !prefix.not ? null : prefix;
}

/** `-i +` is no condition; 1.8.9's legacy tool forgets `! -i +` too. */
function meaningfulInterface(reading: Reading, name: Negatable<string> | null): Negatable<string> | null {
	if (name === null || name.value !== "+") return name;
	const forgets = reading.options.version === "1.8.9" && reading.options.backend === "legacy";
	return name.not && !forgets ? name : null;
}

const NO_IN: readonly string[] = ["OUTPUT", "POSTROUTING"];
const NO_OUT: readonly string[] = ["INPUT", "PREROUTING"];

function checkInterfaces(reading: Reading): void {
	const chain = reading.options.chain ?? "";
	const inWord = reading.seen.get("in");
	const outWord = reading.seen.get("out");
	if (inWord && NO_IN.includes(chain)) throw refuse(reading, inWord, `no -i in ${chain}`);
	if (outWord && NO_OUT.includes(chain)) throw refuse(reading, outWord, `no -o in ${chain}`);
}
