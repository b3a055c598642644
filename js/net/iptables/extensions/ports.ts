// Matches on transport headers: tcp, udp, sctp, dccp, multiport (iptables-extensions(8)).
// A full port range is no condition: it is not printed, and 1.8.9 forgets its `!` too.

import { nearestWord } from "../../error.ts";
import type { Option, Value } from "../../ruleset.ts";
import {
	type ExtensionTable,
	type OptionTable,
	optionOf,
	Refusal,
	type RuleContext,
	type ValueType,
} from "../extension.ts";
import { DCCP, SCTP, TCP, UDP, UDPLITE } from "../protocols.ts";
import { orderedPortRange, portRange, readPort, uint, wordList } from "../values.ts";
import { inTableOrder } from "./order.ts";

const TCP_FLAGS = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];
const ALL_FLAGS = 0x3f;

function readFlags(word: string, wordIndex: number): number {
	let mask = 0;
	for (const part of word.split(",")) {
		const upper = part.toUpperCase();
		const bit = TCP_FLAGS.indexOf(upper);
		if (bit >= 0) mask |= 1 << bit;
		else if (upper === "ALL") mask |= ALL_FLAGS;
		else if (upper !== "NONE") {
			throw new Refusal(
				`a comma list of ${TCP_FLAGS.join(" ")}, ALL or NONE`,
				nearestWord(upper, TCP_FLAGS),
				wordIndex,
			);
		}
	}
	return mask;
}

function printFlags(mask: number): string {
	return mask === 0 ? "NONE" : TCP_FLAGS.filter((_, bit) => (mask >> bit) & 1).join(",");
}

const tcpFlags: ValueType = {
	wordCount: 2,
	expected: "two comma lists of TCP flags: those to look at, those that must be set",
	parse: ([mask = "", comp = ""]) => ({ kind: "tcpflags", mask: readFlags(mask, 0), comp: readFlags(comp, 1) }),
	print: (value) => (value.kind === "tcpflags" ? `${printFlags(value.mask)} ${printFlags(value.comp)}` : ""),
};

/** Reads `--syn` as the flags it stands for; it takes no word. */
const synFlags: ValueType = {
	wordCount: 0,
	expected: "nothing",
	parse: () => ({ kind: "tcpflags", mask: 0x17, comp: 0x02 }),
	print: () => "",
};

function isFullRange(value: Value): boolean {
	return value.kind === "range" && value.min === 0 && value.max === 0xffff;
}

/** Drops full port ranges, which are no condition. */
function withoutFullPorts(options: Option[], context: RuleContext): Option[] {
	return options.filter((option) => !isFullRange(option.value) || (option.not && context.version !== "1.8.9"));
}

function portOptions(type: ValueType): OptionTable[] {
	return [
		{ name: "sport", aliases: ["source-port"], type, negatable: true },
		{ name: "dport", aliases: ["destination-port"], type, negatable: true },
	];
}

const tcpOptions: OptionTable[] = [
	...portOptions(orderedPortRange),
	{ name: "tcp-option", type: uint({ min: 1, max: 255 }), negatable: true },
	{ name: "tcp-flags", type: tcpFlags, negatable: true, excludes: ["syn"] },
	{ name: "syn", type: synFlags, negatable: true, excludes: ["tcp-flags"] },
];

const tcp: ExtensionTable = {
	name: "tcp",
	kind: "match",
	protocols: [TCP],
	options: tcpOptions,
	canonical: (options, context) => {
		const renamed = options.map((option) => (option.name === "syn" ? { ...option, name: "tcp-flags" } : option));
		const meaningful = renamed.filter(
			({ not, value }) => not || value.kind !== "tcpflags" || value.mask !== 0 || value.comp !== 0,
		);
		return inTableOrder(withoutFullPorts(meaningful, context), tcpOptions);
	},
};

const udp: ExtensionTable = {
	name: "udp",
	kind: "match",
	protocols: [UDP],
	options: portOptions(portRange),
	canonical: (options, context) => inTableOrder(withoutFullPorts(options, context), udp.options),
};

export const CHUNK_TYPES: [string, number][] = [
	["DATA", 0],
	["INIT", 1],
	["INIT_ACK", 2],
	["SACK", 3],
	["HEARTBEAT", 4],
	["HEARTBEAT_ACK", 5],
	["ABORT", 6],
	["SHUTDOWN", 7],
	["SHUTDOWN_ACK", 8],
	["ERROR", 9],
	["COOKIE_ECHO", 10],
	["COOKIE_ACK", 11],
	["ECN_ECNE", 12],
	["ECN_CWR", 13],
	["SHUTDOWN_COMPLETE", 14],
	["I_DATA", 64],
	["RE_CONFIG", 130],
	["PAD", 132],
	["ASCONF", 193],
	["ASCONF_ACK", 128],
	["FORWARD_TSN", 192],
	["I_FORWARD_TSN", 194],
];

/** Flag letters of the chunk types that have flags, by bit. */
const CHUNK_FLAGS: Record<string, string> = {
	DATA: "----IUBE",
	I_DATA: "----IUBE",
	ABORT: "-------T",
	SHUTDOWN_COMPLETE: "-------T",
};
const CHUNK_MODES = ["all", "any", "only"];

function readChunk(part: string): { text: string; type: number } {
	const [name = "", flags] = part.split(":");
	const found = CHUNK_TYPES.find(([known]) => known === name.toUpperCase());
	const names = CHUNK_TYPES.map(([known]) => known);
	if (found === undefined)
		throw new Refusal(`SCTP chunk types: ${names.join(" ")}`, nearestWord(name.toUpperCase(), names), 1);
	if (flags === undefined) return { text: found[0], type: found[1] };
	const letters = CHUNK_FLAGS[found[0]] ?? "";
	for (const letter of flags) {
		if (letter === "-" || !letters.toUpperCase().includes(letter.toUpperCase())) {
			throw new Refusal(
				letters === "" ? "a chunk type without flags" : `chunk flags of ${letters.replace(/-/g, "")}`,
				null,
				1,
			);
		}
	}
	const sorted = [...letters]
		.map((letter) =>
			flags.includes(letter) ? letter : flags.includes(letter.toLowerCase()) ? letter.toLowerCase() : "",
		)
		.join("");
	// The tool reads flags of I_DATA and forgets them.
	return { text: sorted === "" || found[0] === "I_DATA" ? found[0] : `${found[0]}:${sorted}`, type: found[1] };
}

const chunkTypes: ValueType = {
	wordCount: 2,
	expected: "all, any or only, then a comma list of SCTP chunk types",
	parse: ([mode = "", list = ""]) => {
		if (!CHUNK_MODES.includes(mode.toLowerCase()))
			throw new Refusal("all, any or only", nearestWord(mode, CHUNK_MODES));
		if (list.toUpperCase() === "ALL" || list.toUpperCase() === "NONE")
			return { kind: "words", words: [mode.toLowerCase(), list.toUpperCase()] };
		const chunks = list.split(",").map(readChunk);
		chunks.sort((a, b) => a.type - b.type);
		const texts = chunks.map((chunk) => chunk.text).filter((text, index, all) => all.indexOf(text) === index);
		const all = texts.length === CHUNK_TYPES.length;
		return { kind: "words", words: [mode.toLowerCase(), ...(all ? ["ALL"] : texts)] };
	},
	print: (value) => (value.kind === "words" ? `${value.words[0] ?? ""} ${value.words.slice(1).join(",")}` : ""),
};

/** Services have no names for SCTP. */
const sctpPorts: ValueType = {
	...orderedPortRange,
	parse: (words, context) => {
		if (/[a-z]/i.test(words[0] ?? "") && !/^0x/i.test(words[0] ?? ""))
			throw new Refusal("a port 0–65535 or a range min:max");
		return orderedPortRange.parse(words, context);
	},
};

const sctp: ExtensionTable = {
	name: "sctp",
	kind: "match",
	protocols: [SCTP],
	options: [...portOptions(sctpPorts), { name: "chunk-types", type: chunkTypes, negatable: true }],
};

const DCCP_TYPES = [
	"REQUEST",
	"RESPONSE",
	"DATA",
	"ACK",
	"DATAACK",
	"CLOSEREQ",
	"CLOSE",
	"RESET",
	"SYNC",
	"SYNCACK",
	"INVALID",
];

const dccp: ExtensionTable = {
	name: "dccp",
	kind: "match",
	protocols: [DCCP],
	options: [
		...portOptions(portRange),
		{ name: "dccp-types", type: wordList(DCCP_TYPES, { fold: true }), negatable: true },
		{ name: "dccp-option", type: uint({ min: 1, max: 255 }), negatable: true },
	],
};

const PORTS_MAX = 15;

const portList: ValueType = {
	wordCount: 1,
	expected: "a comma list of ports and min:max ranges, at most 15 (a range counts two)",
	parse: ([word = ""], context) => {
		if (context.protocol === null || context.protocol.not || !multiport.protocols?.includes(context.protocol.value)) {
			throw new Refusal("-p tcp, udp, udplite, sctp or dccp before the ports of -m multiport");
		}
		const hasNames = context.protocol.value === TCP || context.protocol.value === UDP;
		if (!hasNames && /[a-z]/i.test(word)) throw new Refusal("ports as numbers: service names are those of tcp and udp");
		const ranges = word.split(",").map(readListedPort);
		const slots = ranges.reduce((count, { min, max }) => count + (min === max ? 1 : 2), 0);
		if (slots > PORTS_MAX) throw new Refusal(`at most ${PORTS_MAX} ports (a range counts two), got ${slots}`);
		return { kind: "ranges", ranges };
	},
	print: (value) =>
		value.kind === "ranges"
			? value.ranges.map(({ min, max }) => (min === max ? String(min) : `${min}:${max}`)).join(",")
			: "",
};

function readListedPort(part: string): { min: number; max: number } {
	const colon = part.indexOf(":");
	const min = readPort(colon < 0 ? part : part.slice(0, colon));
	if (colon < 0) return { min, max: min };
	const max = readPort(part.slice(colon + 1));
	if (min >= max) throw new Refusal("a port range with min < max");
	return { min, max };
}

const multiportNames = ["sports", "dports", "ports"];

const multiport: ExtensionTable = {
	name: "multiport",
	kind: "match",
	protocols: [TCP, UDP, UDPLITE, SCTP, DCCP],
	options: [
		{ name: "sports", aliases: ["source-ports"], type: portList, negatable: true, excludes: multiportNames },
		{ name: "dports", aliases: ["destination-ports"], type: portList, negatable: true, excludes: multiportNames },
		{ name: "ports", type: portList, negatable: true, excludes: multiportNames },
	],
	oneOf: [multiportNames],
};

export const portMatches: ExtensionTable[] = [tcp, udp, sctp, dccp, multiport];

/** Whether the options ask for packets that open a TCP connection (what TCPMSS wants). */
export function matchesSyn(options: Option[]): boolean {
	const flags = optionOf(options, "tcp-flags");
	return (
		flags !== undefined &&
		!flags.not &&
		flags.value.kind === "tcpflags" &&
		(flags.value.mask & 2) !== 0 &&
		(flags.value.comp & 2) !== 0
	);
}
