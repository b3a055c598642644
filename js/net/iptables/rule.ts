// Reads the words of one rule (what follows `-A CHAIN`) into a typed Rule, as iptables' own option loop does:
// options become known when their extension is loaded, may be shortened while unambiguous, `!` stands before an
// option, `-p tcp` loads `-m tcp` when one of its options is used. Checks that need other rules are in `check.ts`.

import { nearestWord, TextError } from "../error.ts";
import type { Extension, Family, Negatable, Option, Prefix, Rule, TableName, Target } from "../ruleset.ts";
import { type Backend, type ExtensionTable, type OptionTable, Refusal, type RuleContext, type ToolVersion } from "./extension.ts";
import { extensionNames, FOREIGN_MATCHES, FOREIGN_TARGETS, findExtension, protocolMatch } from "./extensions/index.ts";
import { finishExtension, type GivenOption } from "./finish.ts";
import { readPrefix } from "./prefixes.ts";
import { protocolNumber, PROTOCOLS } from "./protocols.ts";
import { protectWord, splitRestoreLine, type Word } from "./words.ts";

export interface RuleOptions {
	/** For errors. */
	file?: string;
	/** 1-based; becomes the rule's `line`. */
	line?: number | null;
	/** The chain that the rule stands in, for checks of hooks. */
	chain?: string | null;
	/** The chains of the table; null: not known, every name goes. */
	chains?: ReadonlySet<string> | null;
	/** Names of the ipsets that exist; null: not known. */
	sets?: ReadonlySet<string> | null;
	backend?: Backend;
	version?: ToolVersion;
	/** Refuse extensions without a table instead of carrying them. */
	strict?: boolean;
}

const VERDICTS: readonly string[] = ["ACCEPT", "DROP", "RETURN", "QUEUE"];
const INTERFACE_MAX = 15;

type BaseOption = "source" | "destination" | "protocol" | "in" | "out" | "jump" | "goto" | "match" | "fragment" | "counters" | "family4" | "family6" | "wait" | "refused";

const BASE_LONG: Readonly<Record<string, BaseOption>> = {
	source: "source",
	src: "source",
	destination: "destination",
	dst: "destination",
	protocol: "protocol",
	"in-interface": "in",
	"out-interface": "out",
	jump: "jump",
	goto: "goto",
	match: "match",
	fragments: "fragment",
	"set-counters": "counters",
	ipv4: "family4",
	ipv6: "family6",
	wait: "wait",
	"wait-interval": "wait",
	append: "refused",
	delete: "refused",
	check: "refused",
	insert: "refused",
	replace: "refused",
	list: "refused",
	"list-rules": "refused",
	flush: "refused",
	zero: "refused",
	"new-chain": "refused",
	"delete-chain": "refused",
	"rename-chain": "refused",
	policy: "refused",
	table: "refused",
	numeric: "refused",
	verbose: "refused",
	exact: "refused",
	version: "refused",
	help: "refused",
	"line-numbers": "refused",
	modprobe: "refused",
};

const BASE_SHORT: Readonly<Record<string, BaseOption>> = {
	s: "source",
	d: "destination",
	p: "protocol",
	i: "in",
	o: "out",
	j: "jump",
	g: "goto",
	m: "match",
	f: "fragment",
	c: "counters",
	"4": "family4",
	"6": "family6",
	w: "wait",
	W: "wait",
};

interface Loaded {
	table: ExtensionTable | null;
	name: string;
	word: Word;
	given: GivenOption[];
	carried: Word[];
}

interface Reading {
	words: Word[];
	next: number;
	family: Family;
	options: Required<Pick<RuleOptions, "backend" | "version">> & RuleOptions;
	table: TableName;
	sources: Negatable<Prefix>[];
	destinations: Negatable<Prefix>[];
	in: Negatable<string> | null;
	out: Negatable<string> | null;
	protocol: Negatable<number> | null;
	fragment: Negatable<true> | null;
	counters: Rule["counters"];
	matches: Loaded[];
	target: Loaded | null;
	jump: { name: string; goto: boolean; word: Word } | null;
	seen: Map<BaseOption, Word>;
	not: Word | null;
}

/** One rule; TextError where the words are none, or where several addresses make it several rules (see parseRules). */
export function parseRule(input: string | Word[], table: TableName, family: Family, options: RuleOptions = {}): Rule {
	const rules = parseRules(input, table, family, options);
	const [first, second] = rules;
	if (first === undefined || second !== undefined) {
		throw new TextError({ file: options.file ?? null, line: options.line ?? 1, expected: "one source and one destination address" });
	}
	return first;
}

/** The rules that the words make: one for each pair of a source and a destination address. Throws TextError. */
export function parseRules(input: string | Word[], table: TableName, family: Family, options: RuleOptions = {}): Rule[] {
	const words = typeof input === "string" ? splitRestoreLine(input, { file: options.file ?? "-", line: options.line ?? 1 }) : input;
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

function refuse(reading: Reading, word: Word | null, expected: string, nearest: string | null = null): TextError {
	const last = reading.words.at(-1);
	const column = word?.column ?? (last === undefined ? 1 : last.column + last.text.length);
	return new TextError({ file: reading.options.file ?? null, line: reading.options.line ?? 1, column, word: word?.text ?? null, expected, nearest });
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
	if (base === undefined) throw refuse(reading, word, "an option of a rule", nearestWord(word.text, Object.keys(BASE_SHORT).map((s) => `-${s}`)));
	reading.next++;
	const glued = word.text.slice(2);
	const argument = glued === "" ? null : { text: glued, column: word.column + 2, quoted: word.quoted };
	readBase(reading, base, word, argument);
}

function readLong(reading: Reading, word: Word): void {
	const equals = word.text.indexOf("=");
	const name = equals < 0 ? word.text.slice(2) : word.text.slice(2, equals);
	const argument = equals < 0 ? null : { text: word.text.slice(equals + 1), column: word.column + equals + 1, quoted: word.quoted };
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

interface ExtensionOption {
	loaded: Loaded;
	option: OptionTable;
}

/** What a long option's name stands for among the options known so far: exact, or an unambiguous beginning. */
function resolveLong(reading: Reading, name: string, retry = true): BaseOption | ExtensionOption | null {
	if (!retry) return null;
	const exactBase = BASE_LONG[name];
	if (exactBase !== undefined) return exactBase;
	const scopes = [...(reading.target === null ? [] : [reading.target]), ...reading.matches.toReversed()];
	const spelled: { name: string; value: ExtensionOption }[] = [];
	for (const loaded of scopes) {
		for (const option of loaded.table?.options ?? []) {
			for (const spelling of [option.name, ...(option.aliases ?? [])]) {
				if (spelling === name) return { loaded, option };
				spelled.push({ name: spelling, value: { loaded, option } });
			}
		}
	}
	const begun = spelled.filter((candidate) => candidate.name.startsWith(name)).map(({ value }) => value);
	const base = Object.entries(BASE_LONG).filter(([spelling]) => spelling.startsWith(name)).map(([, value]) => value);
	const options = new Set<OptionTable>(begun.map(({ option }) => option));
	if (options.size + new Set(base).size !== 1) return null;
	return begun[0] ?? base[0] ?? null;
}

/** Loads the match of `-p` when an option is not known yet; true where it did. */
function loadProtocolMatch(reading: Reading, word: Word): boolean {
	if (reading.protocol === null) return false;
	const table = protocolMatch(reading.protocol.value, reading.family);
	if (table === null || reading.matches.some((loaded) => loaded.table === table)) return false;
	const name = word.text.replace(/^--|=.*$/g, "");
	const known = table.options.some((option) => [option.name, ...(option.aliases ?? [])].some((spelling) => spelling.startsWith(name)));
	if (!known) return false;
	reading.matches.push({ table, name: table.name, word, given: [], carried: [] });
	return true;
}

function unknownOption(reading: Reading, word: Word, name: string): TextError {
	const scopes = [...reading.matches, ...(reading.target === null ? [] : [reading.target])];
	const protocolTable = reading.protocol === null ? null : protocolMatch(reading.protocol.value, reading.family);
	const names = [...scopes.flatMap((loaded) => loaded.table?.options ?? []), ...(protocolTable?.options ?? [])].flatMap((option) => [option.name, ...(option.aliases ?? [])]);
	const candidates = [...names, ...Object.keys(BASE_LONG).filter((spelling) => BASE_LONG[spelling] !== "refused")];
	const nearest = nearestWord(name, candidates);
	const needsProtocol = ["dport", "sport", "destination-port", "source-port"].includes(name) && reading.protocol === null;
	const expected = needsProtocol ? "-p tcp, udp, sctp or dccp before a port" : "an option of a loaded match or target";
	return refuse(reading, word, expected, nearest === null ? null : `--${nearest}`);
}

function takeArgument(reading: Reading, option: Word, what: string): Word {
	const word = reading.words[reading.next];
	if (word === undefined) throw refuse(reading, option, `${what} after ${option.text}`);
	reading.next++;
	return word;
}

function once(reading: Reading, base: BaseOption, word: Word): void {
	if (reading.seen.has(base)) throw refuse(reading, word, `${word.text} once`);
	reading.seen.set(base, word);
}

function readBase(reading: Reading, base: BaseOption, option: Word, glued: Word | null): void {
	const argument = (what: string): Word => glued ?? takeArgument(reading, option, what);
	const not = reading.not !== null;
	switch (base) {
		case "source":
		case "destination": {
			once(reading, base, option);
			const list = base === "source" ? reading.sources : reading.destinations;
			list.push(...readAddresses(reading, argument("an address"), not));
			return;
		}
		case "protocol":
			once(reading, base, option);
			readProtocol(reading, argument("a protocol"), not);
			return;
		case "in":
		case "out":
			once(reading, base, option);
			reading[base] = { not, value: readInterface(reading, argument("a device's name")) };
			return;
		case "fragment":
			if (reading.family === "ipv6") throw refuse(reading, option, "-f with IPv4 only");
			once(reading, base, option);
			reading.fragment = { not, value: true };
			return;
		case "refused":
			throw refuse(reading, option, "an option of a rule");
		default:
	}
	if (not) throw refuse(reading, reading.not, `no ! before ${option.text}`);
	if (base === "match") loadMatch(reading, argument("a match"));
	else if (base === "jump" || base === "goto") readJump(reading, option, argument("a target"), base === "goto");
	else if (base === "counters") readCounters(reading, option, argument("packets and bytes"));
	else if (base === "wait") skipWait(reading, glued);
	else if ((base === "family4") !== (reading.family === "ipv4")) throw refuse(reading, option, `a rule of ${reading.family}`);
}

function skipWait(reading: Reading, glued: Word | null): void {
	const word = reading.words[reading.next];
	if (glued === null && word !== undefined && /^[0-9]+$/.test(word.text)) reading.next++;
}

function located<T>(reading: Reading, words: Word[], read: () => T): T {
	try {
		return read();
	} catch (error) {
		if (!(error instanceof Refusal)) throw error;
		throw refuse(reading, words[Math.min(error.wordIndex, words.length - 1)] ?? null, error.expected, error.nearest);
	}
}

function readAddresses(reading: Reading, word: Word, not: boolean): Negatable<Prefix>[] {
	const parts = word.text.split(",");
	if (not && parts.length > 1) throw refuse(reading, word, "one address after !");
	const prefixes = parts.map((part) => located(reading, [word], () => ({ not, value: readPrefix(part, reading.family) })));
	if (not && reading.options.backend === "nft" && prefixes[0]?.value.mask === 0) throw refuse(reading, word, "a narrower prefix after !");
	return prefixes;
}

function readProtocol(reading: Reading, word: Word, not: boolean): void {
	const number = protocolNumber(word.text);
	if (number === null) throw refuse(reading, word, "a protocol's name or number 0–255", nearestWord(word.text, PROTOCOLS.keys()));
	if (number === 0 && not) throw refuse(reading, word, "a protocol other than all after !");
	reading.protocol = { not, value: number };
}

function readInterface(reading: Reading, word: Word): string {
	if (word.text === "" || word.text.length > INTERFACE_MAX) {
		throw refuse(reading, word, `a device's name of 1–${INTERFACE_MAX} bytes, + at its end for any`);
	}
	return word.text;
}

function readCounters(reading: Reading, option: Word, word: Word): void {
	once(reading, "counters", option);
	const comma = word.text.indexOf(",");
	const packets = comma < 0 ? word.text : word.text.slice(0, comma);
	const following = reading.words[reading.next];
	const bytes = comma >= 0 ? word.text.slice(comma + 1) : (following?.text ?? "");
	if (comma < 0 && following !== undefined) reading.next++;
	if (!/^[0-9]+$/.test(packets) || !/^[0-9]+$/.test(bytes)) throw refuse(reading, word, "two numbers: packets and bytes");
	reading.counters = { packets: BigInt(packets), bytes: BigInt(bytes) };
}

function loadMatch(reading: Reading, word: Word): void {
	const table = findExtension("match", word.text, reading.family);
	if (table === null) {
		const names = extensionNames("match", reading.family);
		const nearest = nearestWord(word.text, names);
		const foreign = FOREIGN_MATCHES.has(word.text);
		const wrongFamily = findExtension("match", word.text, reading.family === "ipv4" ? "ipv6" : "ipv4") !== null;
		const notAName = !/^[A-Za-z][A-Za-z0-9_.-]*$/.test(word.text);
		if (reading.options.strict || notAName || wrongFamily || (!foreign && nearest !== null)) {
			throw refuse(reading, word, wrongFamily ? `a match of ${reading.family}` : "a match", nearest);
		}
	}
	reading.matches.push({ table, name: table?.name ?? word.text, word, given: [], carried: [] });
}

function readJump(reading: Reading, option: Word, word: Word, isGoto: boolean): void {
	if (reading.jump !== null) throw refuse(reading, option, "one -j or -g");
	reading.jump = { name: word.text, goto: isGoto, word };
	const isChain = reading.options.chains?.has(word.text) ?? false;
	const table = isChain ? null : findExtension("target", word.text, reading.family);
	if (isGoto && (table !== null || VERDICTS.includes(word.text))) throw refuse(reading, word, "a chain after -g");
	if (table === null && (isChain || VERDICTS.includes(word.text))) return;
	if (table === null && !isCarriedTarget(reading, word)) return;
	reading.target = { table, name: word.text, word, given: [], carried: [] };
}

/** A name that is neither a verdict, a table nor a chain: a foreign extension, an error, or (chains unknown) a chain. */
function isCarriedTarget(reading: Reading, word: Word): boolean {
	const wrongFamily = findExtension("target", word.text, reading.family === "ipv4" ? "ipv6" : "ipv4") !== null;
	if (wrongFamily) throw refuse(reading, word, `a target of ${reading.family}`);
	if (FOREIGN_TARGETS.has(word.text) && !reading.options.strict) return true;
	const { chains } = reading.options;
	if (chains === null || chains === undefined) return false;
	const names = [...chains, ...VERDICTS, ...extensionNames("target", reading.family)];
	throw refuse(reading, word, "a target, or a chain defined before", nearestWord(word.text, names));
}

function readExtensionOption(reading: Reading, found: ExtensionOption, word: Word, glued: Word | null): void {
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
	const value = located(reading, words, () => option.type.parse(words.map(({ text }) => text), contextOf(reading)));
	const given: GivenOption = { option: { name: option.name, not: reading.not !== null, value }, word };
	if (same >= 0 && option.replace) loaded.given.splice(same, 1);
	loaded.given.push(given);
}

function contextOf(reading: Reading): RuleContext {
	return {
		family: reading.family,
		table: reading.table,
		chain: reading.options.chain ?? null,
		backend: reading.options.backend,
		version: reading.options.version,
		protocol: reading.protocol,
		hasInInterface: reading.in !== null,
		hasOutInterface: reading.out !== null,
		matches: reading.matches.map((loaded) => ({ name: loaded.name, options: loaded.given.map(({ option }) => option) })),
		sets: reading.options.sets ?? null,
		strict: reading.options.strict ?? false,
	};
}

function lastCarrier(reading: Reading): Loaded | null {
	if (reading.target !== null && reading.target.table === null) return reading.target;
	return reading.matches.findLast((loaded) => loaded.table === null) ?? null;
}

/** The option and what follows it up to the next option or `!` belong to an extension that is carried. */
function carryOption(reading: Reading, carrier: Loaded, word: Word): void {
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

function buildRules(reading: Reading): Rule[] {
	checkInterfaces(reading);
	const context = contextOf(reading);
	const fail = (word: Word, refusal: Refusal): TextError => refuse(reading, word, refusal.expected, refusal.nearest);
	const matches = reading.matches.map((loaded): Extension => {
		const options = loaded.table === null ? [] : finishExtension(loaded.table, loaded.word, loaded.given, context, fail);
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
		destinations.map((destination) => ({ ...rule, source: meaningfulPrefix(source), destination: meaningfulPrefix(destination) })),
	);
}

function carriedText(loaded: Loaded): string | null {
	return loaded.table === null ? loaded.carried.map(({ text }) => protectWord(text)).join(" ") : null;
}

function buildTarget(reading: Reading, context: RuleContext, fail: (word: Word, refusal: Refusal) => TextError): Target | null {
	const { jump, target } = reading;
	if (jump === null) return null;
	const goto = jump.goto;
	if (target !== null) {
		const options: Option[] = target.table === null ? [] : finishExtension(target.table, target.word, target.given, context, fail);
		return { name: jump.name, kind: "extension", goto, options, carried: carriedText(target) };
	}
	const isChain = reading.options.chains?.has(jump.name) ?? false;
	if (!isChain && VERDICTS.includes(jump.name)) {
		if (reading.table === "nat" && jump.name === "DROP") throw refuse(reading, jump.word, "a target other than DROP in table nat");
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
