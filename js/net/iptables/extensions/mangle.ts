// Targets that change or classify packets: TTL, HL, TOS, DSCP, ECN, TCPMSS, TCPOPTSTRIP, CHECKSUM, CLASSIFY, HMARK,
// SNPT, DNPT, TPROXY, CONNSECMARK, SECMARK.

import { nearestWord } from "../../error.ts";
import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, type Hook, optionOf, Refusal, type RuleContext, type ValueType } from "../extension.ts";
import { address, prefix } from "../prefixes.ts";
import { TCP, UDP } from "../protocols.ts";
import { expectKind, flag, masked, port, readUint, text, uint, wordList } from "../values.ts";
import { classAsNumber, dscpClass, dscpValue, isPlainTcp, tosValue } from "./headers.ts";
import { inTableOrder } from "./order.ts";
import { matchesSyn } from "./ports.ts";

function hopLimit(name: "TTL" | "HL", family: "ipv4" | "ipv6"): ExtensionTable {
	const lower = name.toLowerCase();
	const names = [`${lower}-set`, `${lower}-dec`, `${lower}-inc`];
	const [set = "", dec = "", inc = ""] = names;
	const step = uint({ min: 1, max: 255 });
	return {
		name,
		kind: "target",
		families: [family],
		tables: ["mangle"],
		options: [
			{ name: set, type: uint({ max: 255 }), excludes: names },
			{ name: dec, type: step, excludes: names },
			{ name: inc, type: step, excludes: names },
		],
		oneOf: [names],
	};
}

const TOS_ACTIONS = ["set-tos", "and-tos", "or-tos", "xor-tos"];
const tosBits = uint({ max: 255 });

const tos: ExtensionTable = {
	name: "TOS",
	kind: "target",
	tables: ["mangle"],
	options: [
		{ name: "set-tos", type: tosValue, excludes: TOS_ACTIONS },
		{ name: "and-tos", type: tosBits, excludes: TOS_ACTIONS },
		{ name: "or-tos", type: tosBits, excludes: TOS_ACTIONS },
		{ name: "xor-tos", type: tosBits, excludes: TOS_ACTIONS },
	],
	oneOf: [TOS_ACTIONS],
	canonical: (options) =>
		options.map((option) => {
			if (option.name === "set-tos") return option;
			const number = expectKind(option.value, "uint").value;
			const set = (value: number, mask: number): Option => ({
				name: "set-tos",
				not: false,
				value: { kind: "masked", value, mask },
			});
			if (option.name === "and-tos") return set(0, ~number & 0xff);
			return option.name === "or-tos" ? set(number, number) : set(number, 0);
		}),
};

const dscp: ExtensionTable = {
	name: "DSCP",
	kind: "target",
	tables: ["mangle"],
	options: [
		{ name: "set-dscp", type: dscpValue, excludes: ["set-dscp-class"] },
		{ name: "set-dscp-class", type: dscpClass, excludes: ["set-dscp"] },
	],
	oneOf: [["set-dscp", "set-dscp-class"]],
	canonical: classAsNumber("set-dscp", "set-dscp-class"),
};

const ECN_TCP = ["ecn-tcp-remove", "ecn-tcp-ece", "ecn-tcp-cwr"];
const ecnBit = uint({ max: 1 });

const ecn: ExtensionTable = {
	name: "ECN",
	kind: "target",
	families: ["ipv4"],
	tables: ["mangle"],
	options: [
		{ name: "ecn-tcp-remove", type: flag, excludes: ["ecn-tcp-ece", "ecn-tcp-cwr"] },
		{ name: "ecn-tcp-ece", type: ecnBit, excludes: ["ecn-tcp-remove"] },
		{ name: "ecn-tcp-cwr", type: ecnBit, excludes: ["ecn-tcp-remove"] },
		{ name: "ecn-ip-ect", type: uint({ max: 3 }) },
	],
	oneOf: [[...ECN_TCP, "ecn-ip-ect"]],
	check: (options, context) => {
		const tcp = options.find(({ name }) => ECN_TCP.includes(name));
		if (tcp && !isPlainTcp(context)) throw new Refusal(`-p tcp beside --${tcp.name}`, null, 0, tcp.name);
	},
};

/** Largest segment that leaves room for the headers. */
const mss: ValueType = {
	wordCount: 1,
	expected: "a segment size",
	parse: ([word = ""], context) => {
		const max = context.family === "ipv4" ? 65515 : 65495;
		return { kind: "uint", value: readUint(word, 0, max, `a segment size 0–${max}`) };
	},
	print: (value) => (value.kind === "uint" ? String(value.value) : ""),
};

const SENDING_HOOKS: Hook[] = ["FORWARD", "OUTPUT", "POSTROUTING"];

const tcpmss: ExtensionTable = {
	name: "TCPMSS",
	kind: "target",
	protocols: [TCP],
	options: [
		{ name: "set-mss", type: mss },
		{ name: "clamp-mss-to-pmtu", type: flag },
	],
	oneOf: [["set-mss", "clamp-mss-to-pmtu"]],
	hooksOf: (options) => (optionOf(options, "clamp-mss-to-pmtu") ? SENDING_HOOKS : null),
	check: (_, context) => {
		const hasSyn = context.matches.some(
			(match) => match.name === "tcp" && (matchesSyn(match.options) || optionOf(match.options, "syn")?.not === false),
		);
		if (context.backend === "legacy" && !hasSyn)
			throw new Refusal("a match of SYN packets (-m tcp --syn) in a rule with TCPMSS");
	},
	canonical: (options) => {
		const clamp = optionOf(options, "clamp-mss-to-pmtu");
		return clamp ? [clamp] : options;
	},
};

const TCP_OPTION_NAMES: Readonly<Record<string, number>> = {
	wscale: 3,
	mss: 2,
	"sack-permitted": 4,
	sack: 5,
	timestamp: 8,
	md5: 19,
};

const tcpOptionList: ValueType = {
	wordCount: 1,
	expected: `a comma list of TCP options 2–255 or ${Object.keys(TCP_OPTION_NAMES).join(" ")}`,
	parse: ([word = ""]) => {
		const numbers = new Set<number>();
		for (const part of word.split(",")) {
			const named = TCP_OPTION_NAMES[part];
			if (named === undefined && !/^[0-9]/.test(part))
				throw new Refusal(tcpOptionList.expected, nearestWord(part, Object.keys(TCP_OPTION_NAMES)));
			numbers.add(named ?? readUint(part, 2, 255, tcpOptionList.expected));
		}
		return { kind: "words", words: [...numbers].sort((a, b) => a - b).map(String) };
	},
	print: (value) => (value.kind === "words" ? value.words.join(",") : ""),
};

const tcpoptstrip: ExtensionTable = {
	name: "TCPOPTSTRIP",
	kind: "target",
	tables: ["mangle"],
	protocols: [TCP],
	options: [{ name: "strip-options", type: tcpOptionList }],
};

const checksum: ExtensionTable = {
	name: "CHECKSUM",
	kind: "target",
	tables: ["mangle"],
	options: [{ name: "checksum-fill", type: flag, mandatory: true }],
};

const trafficClass: ValueType = {
	wordCount: 1,
	expected: "a class MAJOR:MINOR in hexadecimal",
	parse: ([word = ""]) => {
		const match = /^(?:0x)?([0-9a-fA-F]+):(?:0x)?([0-9a-fA-F]+)$/.exec(word);
		if (match === null) throw new Refusal("a class MAJOR:MINOR in hexadecimal");
		const half = (text: string): string => (Number.parseInt(text, 16) & 0xffff).toString(16).padStart(4, "0");
		return { kind: "string", value: `${half(match[1] as string)}:${half(match[2] as string)}` };
	},
	print: (value) => (value.kind === "string" ? value.value : ""),
};

const classify: ExtensionTable = {
	name: "CLASSIFY",
	kind: "target",
	hooks: SENDING_HOOKS,
	options: [{ name: "set-class", type: trafficClass, mandatory: true }],
};

const padded = (digits: number) => (number: number) => `0x${number.toString(16).padStart(digits, "0")}`;
const plainHex = (number: number): string => `0x${number.toString(16)}`;
const half = uint({ max: 0xffff, print: padded(4) });
const word = uint({ print: padded(8) });

const hashPrefix: ValueType = {
	wordCount: 1,
	expected: "a prefix length",
	parse: ([text = ""], context) => {
		const bits = context.family === "ipv4" ? 32 : 128;
		return { kind: "uint", value: readUint(text, 0, bits, `a prefix length 0–${bits}`) };
	},
	print: (value) => (value.kind === "uint" ? String(value.value) : ""),
};

const HMARK_TUPLE = ["src", "dst", "sport", "dport", "spi", "proto", "ct"];

const hmark: ExtensionTable = {
	name: "HMARK",
	kind: "target",
	options: [
		{ name: "hmark-src-prefix", type: hashPrefix },
		{ name: "hmark-dst-prefix", type: hashPrefix },
		{ name: "hmark-sport-mask", type: half },
		{ name: "hmark-dport-mask", type: half },
		{ name: "hmark-spi-mask", type: word },
		{ name: "hmark-sport", type: half },
		{ name: "hmark-dport", type: half },
		{ name: "hmark-spi", type: word },
		{ name: "hmark-proto-mask", type: uint({ max: 0xffff, print: plainHex }) },
		{ name: "hmark-rnd", type: word, mandatory: true },
		{ name: "hmark-mod", type: uint({ min: 1 }), mandatory: true },
		{ name: "hmark-offset", type: uint(), silent: ({ value }) => value.kind === "uint" && value.value === 0 },
		{ name: "hmark-tuple", type: wordList(HMARK_TUPLE) },
	],
	canonical: (options, context) => inTableOrder(expandTuple(options, context), hmark.options),
};

/** `--hmark-tuple src,sport` stands for the full masks of its members; only `ct` stays. */
function expandTuple(options: Option[], context: RuleContext): Option[] {
	const tuple = optionOf(options, "hmark-tuple");
	if (tuple?.value.kind !== "words") return options;
	const bits = context.family === "ipv4" ? 32 : 128;
	const masks: Readonly<Record<string, [string, number]>> = {
		src: ["hmark-src-prefix", bits],
		dst: ["hmark-dst-prefix", bits],
		sport: ["hmark-sport-mask", 0xffff],
		dport: ["hmark-dport-mask", 0xffff],
		spi: ["hmark-spi-mask", 0xffffffff],
		proto: ["hmark-proto-mask", 0xffff],
	};
	const out = options.filter((option) => option !== tuple);
	for (const member of tuple.value.words) {
		const mask = masks[member];
		if (mask === undefined) out.push({ ...tuple, value: { kind: "words", words: ["ct"] } });
		else if (optionOf(out, mask[0])) throw new Refusal(`--${mask[0]} once`, null, 0, mask[0]);
		else out.push({ name: mask[0], not: false, value: { kind: "uint", value: mask[1] } });
	}
	return out;
}

function prefixTranslation(name: "SNPT" | "DNPT", hooks: Hook[]): ExtensionTable {
	return {
		name,
		kind: "target",
		families: ["ipv6"],
		tables: ["mangle"],
		hooks,
		options: [
			{ name: "src-pfx", type: prefix(), mandatory: true },
			{ name: "dst-pfx", type: prefix(), mandatory: true },
		],
	};
}

const tproxy: ExtensionTable = {
	name: "TPROXY",
	kind: "target",
	tables: ["mangle"],
	hooks: ["PREROUTING"],
	protocols: [TCP, UDP],
	options: [
		{ name: "on-port", type: port, mandatory: true },
		{ name: "on-ip", type: address },
		{ name: "tproxy-mark", type: masked({ alwaysMask: true }) },
	],
	canonical: (options, context) => {
		const out = [...options];
		const any = context.family === "ipv4" ? "0.0.0.0" : "::";
		if (!optionOf(out, "on-ip")) out.push({ name: "on-ip", not: false, value: { kind: "string", value: any } });
		if (!optionOf(out, "tproxy-mark"))
			out.push({ name: "tproxy-mark", not: false, value: { kind: "masked", value: 0, mask: 0 } });
		return inTableOrder(out, tproxy.options);
	},
};

const connsecmark: ExtensionTable = {
	name: "CONNSECMARK",
	kind: "target",
	tables: ["mangle", "security"],
	options: [
		{ name: "save", type: flag, excludes: ["restore"] },
		{ name: "restore", type: flag, excludes: ["save"] },
	],
	oneOf: [["save", "restore"]],
};

const secmark: ExtensionTable = {
	name: "SECMARK",
	kind: "target",
	tables: ["mangle", "security"],
	options: [{ name: "selctx", type: text({ max: 255, min: 1 }), mandatory: true }],
};

export const mangleTargets: ExtensionTable[] = [
	hopLimit("TTL", "ipv4"),
	hopLimit("HL", "ipv6"),
	tos,
	dscp,
	ecn,
	tcpmss,
	tcpoptstrip,
	checksum,
	classify,
	hmark,
	prefixTranslation("SNPT", ["INPUT", "POSTROUTING"]),
	prefixTranslation("DNPT", ["PREROUTING", "OUTPUT"]),
	tproxy,
	connsecmark,
	secmark,
];
