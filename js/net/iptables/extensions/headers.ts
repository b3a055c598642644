// Matches on IP header fields and small packet facts: length, ttl, hl, tos, dscp, ecn, pkttype, mac, ah, esp, ipcomp,
// tcpmss, realm, cpu, quota. A full SPI range is no condition and is not printed (1.8.9 forgets its `!` too).

import { nearestWord } from "../../error.ts";
import type { Option } from "../../ruleset.ts";
import {
	type ExtensionTable,
	type Hook,
	type OptionTable,
	optionOf,
	Refusal,
	type RuleContext,
	type ValueType,
} from "../extension.ts";
import { AH, ESP, IPCOMP, TCP } from "../protocols.ts";
import { bigUint, choice, flag, hex, masked, range, readUint, uint } from "../values.ts";
import { inTableOrder } from "./order.ts";

const SPI_MAX = 0xffffffff;

/** Drops ranges over all values; newer tools keep a negated one. */
export function withoutFullRanges(options: Option[], max: number, context: RuleContext): Option[] {
	return options.filter(({ not, value }) => {
		const full = value.kind === "range" && value.min === 0 && value.max === max;
		return !full || (not && context.version !== "1.8.9");
	});
}

function spiMatch(table: Omit<ExtensionTable, "kind" | "canonical">, max = SPI_MAX): ExtensionTable {
	return {
		...table,
		kind: "match",
		canonical: (options, context) => inTableOrder(withoutFullRanges(options, max, context), table.options),
	};
}

const spi = (name: string): OptionTable => ({ name, type: range(SPI_MAX), negatable: true });
const ah4 = spiMatch({ name: "ah", families: ["ipv4"], protocols: [AH], options: [spi("ahspi")] });
const ah6 = spiMatch({
	name: "ah",
	families: ["ipv6"],
	options: [
		spi("ahspi"),
		{
			name: "ahlen",
			type: uint(),
			negatable: true,
			silent: ({ not, value }) => !not && value.kind === "uint" && value.value === 0,
		},
		{ name: "ahres", type: flag },
	],
});
const esp = spiMatch({ name: "esp", protocols: [ESP], options: [spi("espspi")] });

const ipcompOptions: OptionTable[] = [spi("ipcompspi"), { name: "compres", type: flag }];

const ipcomp: ExtensionTable = {
	name: "ipcomp",
	kind: "match",
	protocols: [IPCOMP],
	options: ipcompOptions,
	canonical: (options) => {
		const given = optionOf(options, "ipcompspi");
		const all: Option[] = given
			? options
			: [{ name: "ipcompspi", not: false, value: { kind: "range", min: 0, max: 0 } }, ...options];
		const isFull = ({ value }: Option): boolean => value.kind === "range" && value.min === 0 && value.max === SPI_MAX;
		return inTableOrder(
			all.filter((option) => !isFull(option)),
			ipcompOptions,
		);
	},
};

/** A range that every version refuses where min > max. */
function orderedRange(max: number): ValueType {
	const type = range(max);
	return {
		...type,
		parse: (words, context) => {
			const value = type.parse(words, context);
			if (value.kind === "range" && value.min > value.max) throw new Refusal(`${type.expected} with min ≤ max`);
			return value;
		},
	};
}

const length: ExtensionTable = {
	name: "length",
	kind: "match",
	options: [{ name: "length", type: range(0xffff), negatable: true, mandatory: true }],
};

const tcpmss: ExtensionTable = {
	name: "tcpmss",
	kind: "match",
	protocols: [TCP],
	options: [{ name: "mss", type: orderedRange(0xffff), negatable: true, mandatory: true }],
};

const byte = uint({ max: 255 });

/** ttl and hl: one of three comparisons; only the equal one may be negated. */
function hopLimit(name: "ttl" | "hl", family: "ipv4" | "ipv6"): ExtensionTable {
	const names = [`${name}-eq`, `${name}-lt`, `${name}-gt`];
	const [eq = "", lt = "", gt = ""] = names;
	return {
		name,
		kind: "match",
		families: [family],
		options: [
			{ name: eq, aliases: [name], type: byte, negatable: true, excludes: names },
			{ name: lt, type: byte, excludes: names },
			{ name: gt, type: byte, excludes: names },
		],
		oneOf: [names],
	};
}

function twoDigits(number: number): string {
	return `0x${number.toString(16).padStart(2, "0")}`;
}

const TOS_NAMES: Readonly<Record<string, number>> = {
	"Minimize-Delay": 0x10,
	"Maximize-Throughput": 0x08,
	"Maximize-Reliability": 0x04,
	"Minimize-Cost": 0x02,
	"Normal-Service": 0x00,
};
/** The bits that a symbolic name speaks of. */
const TOS_NAME_MASK = 0x3f;

export const tosValue: ValueType = {
	wordCount: 1,
	expected: "value[/mask], each a number 0–255, or the name of a TOS",
	parse: ([word = ""]) => {
		const named = Object.entries(TOS_NAMES).find(([name]) => name.toLowerCase() === word.toLowerCase());
		if (named !== undefined) return { kind: "masked", value: named[1], mask: TOS_NAME_MASK };
		const [value = "", mask, ...more] = word.split("/");
		if (more.length > 0 || !/^[0-9]/.test(value)) {
			throw new Refusal(tosValue.expected, nearestWord(word, Object.keys(TOS_NAMES)));
		}
		return {
			kind: "masked",
			value: readUint(value, 0, 255, tosValue.expected),
			mask: mask === undefined ? 255 : readUint(mask, 0, 255, tosValue.expected),
		};
	},
	print: (value) => (value.kind === "masked" ? `${twoDigits(value.value)}/${twoDigits(value.mask)}` : ""),
};

const tos: ExtensionTable = {
	name: "tos",
	kind: "match",
	options: [{ name: "tos", type: tosValue, negatable: true, mandatory: true }],
};

const DSCP_CLASSES: Readonly<Record<string, number>> = {
	CS0: 0x00,
	CS1: 0x08,
	CS2: 0x10,
	CS3: 0x18,
	CS4: 0x20,
	CS5: 0x28,
	CS6: 0x30,
	CS7: 0x38,
	BE: 0x00,
	AF11: 0x0a,
	AF12: 0x0c,
	AF13: 0x0e,
	AF21: 0x12,
	AF22: 0x14,
	AF23: 0x16,
	AF31: 0x1a,
	AF32: 0x1c,
	AF33: 0x1e,
	AF41: 0x22,
	AF42: 0x24,
	AF43: 0x26,
	EF: 0x2e,
};

export const dscpValue = uint({ max: 63, print: twoDigits });

export const dscpClass: ValueType = {
	wordCount: 1,
	expected: `a DSCP class: ${Object.keys(DSCP_CLASSES).join(" ")}`,
	parse: ([word = ""]) => {
		const value = DSCP_CLASSES[word.toUpperCase()];
		if (value === undefined)
			throw new Refusal(dscpClass.expected, nearestWord(word.toUpperCase(), Object.keys(DSCP_CLASSES)));
		return { kind: "uint", value };
	},
	print: (value) => (value.kind === "uint" ? twoDigits(value.value) : ""),
};

/** A class is another spelling of its number. */
export function classAsNumber(numberName: string, className: string): (options: Option[]) => Option[] {
	return (options) => options.map((option) => (option.name === className ? { ...option, name: numberName } : option));
}

const dscp: ExtensionTable = {
	name: "dscp",
	kind: "match",
	options: [
		{ name: "dscp", type: dscpValue, negatable: true, excludes: ["dscp-class"] },
		{ name: "dscp-class", type: dscpClass, negatable: true, excludes: ["dscp"] },
	],
	oneOf: [["dscp", "dscp-class"]],
	canonical: classAsNumber("dscp", "dscp-class"),
};

const ecn: ExtensionTable = {
	name: "ecn",
	kind: "match",
	options: [
		{ name: "ecn-tcp-ece", type: flag, negatable: true },
		{ name: "ecn-tcp-cwr", type: flag, negatable: true },
		{ name: "ecn-ip-ect", type: uint({ max: 3 }), negatable: true },
	],
	oneOf: [["ecn-tcp-ece", "ecn-tcp-cwr", "ecn-ip-ect"]],
	check: (options, context) => {
		const tcp = optionOf(options, "ecn-tcp-ece") ?? optionOf(options, "ecn-tcp-cwr");
		if (tcp && !isPlainTcp(context)) throw new Refusal(`-p tcp beside --${tcp.name}`, null, 0, tcp.name);
	},
};

export function isPlainTcp(context: RuleContext): boolean {
	return context.protocol !== null && !context.protocol.not && context.protocol.value === TCP;
}

const PACKET_TYPE_ALIASES = { host: "unicast", bcast: "broadcast", mcast: "multicast" };

const pkttype: ExtensionTable = {
	name: "pkttype",
	kind: "match",
	options: [
		{
			name: "pkt-type",
			type: choice(["unicast", "broadcast", "multicast", "otherhost"], { fold: true, aliases: PACKET_TYPE_ALIASES }),
			negatable: true,
			mandatory: true,
		},
	],
};

const macAddress: ValueType = {
	wordCount: 1,
	expected: "an Ethernet address of six bytes",
	parse: ([word = ""]) => {
		if (!/^([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}$/.test(word)) throw new Refusal("an Ethernet address of six bytes");
		const bytes = word.toLowerCase().split(":");
		return { kind: "string", value: bytes.map((part) => part.padStart(2, "0")).join(":") };
	},
	print: (value) => (value.kind === "string" ? value.value : ""),
};

/** Where a packet still has the Ethernet header that it came with. */
export const RECEIVING_HOOKS: Hook[] = ["PREROUTING", "INPUT", "FORWARD"];

const mac: ExtensionTable = {
	name: "mac",
	kind: "match",
	hooks: RECEIVING_HOOKS,
	options: [{ name: "mac-source", type: macAddress, negatable: true, mandatory: true }],
};

const realm: ExtensionTable = {
	name: "realm",
	kind: "match",
	families: ["ipv4"],
	hooks: ["INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
	options: [{ name: "realm", type: masked(), negatable: true, mandatory: true }],
};

const cpu: ExtensionTable = {
	name: "cpu",
	kind: "match",
	options: [{ name: "cpu", type: uint(), negatable: true, mandatory: true }],
};

const quota: ExtensionTable = {
	name: "quota",
	kind: "match",
	options: [{ name: "quota", type: bigUint(), negatable: true, mandatory: true }],
};

export const hexByte = uint({ max: 255, print: hex });

export const headerMatches: ExtensionTable[] = [
	ah4,
	ah6,
	esp,
	ipcomp,
	length,
	tcpmss,
	hopLimit("ttl", "ipv4"),
	hopLimit("hl", "ipv6"),
	tos,
	dscp,
	ecn,
	pkttype,
	mac,
	realm,
	cpu,
	quota,
];
