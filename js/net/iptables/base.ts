// The options that every rule has: addresses, protocol, devices, `-m`, `-j`, `-g`, counters (iptables(8), "PARAMETERS").

import { nearestWord } from "../error.ts";
import type { Negatable, Prefix } from "../ruleset.ts";
import { extensionNames, FOREIGN_MATCHES, FOREIGN_TARGETS, findExtension } from "./extensions/index.ts";
import { readPrefix } from "./prefixes.ts";
import { PROTOCOLS, protocolNumber } from "./protocols.ts";
import { type BaseOption, located, type Reading, refuse, takeArgument, VERDICTS } from "./reading.ts";
import type { Word } from "./words.ts";

const INTERFACE_MAX = 15;

export const BASE_LONG: Readonly<Record<string, BaseOption>> = {
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

export const BASE_SHORT: Readonly<Record<string, BaseOption>> = {
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

export function readBase(reading: Reading, base: BaseOption, option: Word, glued: Word | null): void {
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
	else if ((base === "family4") !== (reading.family === "ipv4"))
		throw refuse(reading, option, `a rule of ${reading.family}`);
}

function once(reading: Reading, base: BaseOption, word: Word): void {
	if (reading.seen.has(base)) throw refuse(reading, word, `${word.text} once`);
	reading.seen.set(base, word);
}

function skipWait(reading: Reading, glued: Word | null): void {
	const word = reading.words[reading.next];
	if (glued === null && word !== undefined && /^[0-9]+$/.test(word.text)) reading.next++;
}

function readAddresses(reading: Reading, word: Word, not: boolean): Negatable<Prefix>[] {
	const parts = word.text.split(",");
	if (not && parts.length > 1) throw refuse(reading, word, "one address after !");
	const prefixes = parts.map((part) =>
		located(reading, [word], () => ({ not, value: readPrefix(part, reading.family) })),
	);
	if (not && reading.options.backend === "nft" && prefixes[0]?.value.mask === 0)
		throw refuse(reading, word, "a narrower prefix after !");
	return prefixes;
}

function readProtocol(reading: Reading, word: Word, not: boolean): void {
	const number = protocolNumber(word.text);
	if (number === null)
		throw refuse(reading, word, "a protocol's name or number 0–255", nearestWord(word.text, PROTOCOLS.keys()));
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
	if (!/^[0-9]+$/.test(packets) || !/^[0-9]+$/.test(bytes))
		throw refuse(reading, word, "two numbers: packets and bytes");
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
