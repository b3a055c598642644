// Matches that look at the packet's marks, addresses, devices and sets, and `comment`.

import { type ExtensionTable, optionOf, Refusal, type ValueType } from "../extension.ts";
import { expectedAddress, printAddress, readAddress } from "../prefixes.ts";
import { bigUint, flag, masked, text, wordList } from "../values.ts";
import { quoteWord } from "../words.ts";
import { inTableOrder } from "./order.ts";

const comment: ExtensionTable = {
	name: "comment",
	kind: "match",
	options: [{ name: "comment", type: text({ max: 255, cut: true, print: quoteWord }), mandatory: true }],
};

const mark: ExtensionTable = {
	name: "mark",
	kind: "match",
	options: [{ name: "mark", type: masked(), negatable: true, mandatory: true }],
};

const ADDRESS_TYPES = [
	"UNSPEC",
	"UNICAST",
	"LOCAL",
	"BROADCAST",
	"ANYCAST",
	"MULTICAST",
	"BLACKHOLE",
	"UNREACHABLE",
	"PROHIBIT",
	"THROW",
	"NAT",
	"XRESOLVE",
];

const addressTypes = wordList(ADDRESS_TYPES, { fold: true });

const addrtype: ExtensionTable = {
	name: "addrtype",
	kind: "match",
	options: [
		{ name: "src-type", type: addressTypes, negatable: true },
		{ name: "dst-type", type: addressTypes, negatable: true },
		{ name: "limit-iface-in", type: flag, excludes: ["limit-iface-out"] },
		{ name: "limit-iface-out", type: flag, excludes: ["limit-iface-in"] },
	],
	oneOf: [["src-type", "dst-type"]],
	hooksOf: (options) => {
		if (optionOf(options, "limit-iface-in")) return ["PREROUTING", "INPUT", "FORWARD"];
		return optionOf(options, "limit-iface-out") ? ["FORWARD", "OUTPUT", "POSTROUTING"] : null;
	},
	check: (options, context) => {
		if (context.family === "ipv4") return;
		for (const { name, value } of options) {
			const wrong = value.kind === "words" ? value.words.find((word) => NOT_IN_IPV6.includes(word)) : undefined;
			if (wrong !== undefined) throw new Refusal(`an address type that IPv6 has, not ${wrong}`, null, 0, name);
		}
	},
};

/** The kernel's IPv6 side does not know these. */
const NOT_IN_IPV6 = ["BROADCAST", "BLACKHOLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE"];

const addressRange: ValueType = {
	wordCount: 1,
	expected: "an address or a range min-max",
	parse: ([word = ""], context) => {
		const [low = "", high = low, ...more] = word.split("-");
		const min = readAddress(low, context.family);
		const max = readAddress(high, context.family);
		if (min === null || max === null || more.length > 0)
			throw new Refusal(`${expectedAddress(context.family)} or a range min-max`);
		return { kind: "addresses", min: printAddress(min, context.family), max: printAddress(max, context.family) };
	},
	print: (value) => (value.kind === "addresses" ? `${value.min}-${value.max}` : ""),
};

const iprange: ExtensionTable = {
	name: "iprange",
	kind: "match",
	options: [
		{ name: "src-range", type: addressRange, negatable: true },
		{ name: "dst-range", type: addressRange, negatable: true },
	],
	oneOf: [["src-range", "dst-range"]],
};

/** Longest set name, in bytes (IPSET_MAXNAMELEN − 1). */
const SET_NAME_MAX = 31;
const DIMENSIONS_MAX = 6;

export const setReference: ValueType = {
	wordCount: 2,
	expected: "the name of a set, then src or dst for each of its dimensions",
	parse: ([name = "", list = ""], context) => {
		if (name.length === 0 || name.length > SET_NAME_MAX)
			throw new Refusal(`the name of a set, at most ${SET_NAME_MAX} bytes`);
		if (context.sets !== null && !context.sets.has(name)) throw new Refusal("the name of a set that exists");
		const dimensions = list.split(",").map((word): "src" | "dst" => {
			if (/^s/.test(word) && "src".startsWith(word)) return "src";
			if (/^d/.test(word) && "dst".startsWith(word)) return "dst";
			throw new Refusal("a comma list of src and dst", null, 1);
		});
		if (dimensions.length > DIMENSIONS_MAX) throw new Refusal(`at most ${DIMENSIONS_MAX} of src and dst`, null, 1);
		return { kind: "set", set: name, dimensions };
	},
	print: (value) => (value.kind === "set" ? `${value.set} ${value.dimensions.join(",")}` : ""),
};

const packetCounts = ["packets-eq", "packets-lt", "packets-gt"];
const byteCounts = ["bytes-eq", "bytes-lt", "bytes-gt"];

const set: ExtensionTable = {
	name: "set",
	kind: "match",
	options: [
		{ name: "match-set", type: setReference, negatable: true, mandatory: true },
		{ name: "return-nomatch", type: flag },
		{ name: "update-counters", type: flag, negatable: true },
		{ name: "update-subcounters", type: flag, negatable: true },
		{ name: "packets-eq", type: bigUint(), negatable: true, excludes: packetCounts },
		{ name: "packets-lt", type: bigUint(), excludes: packetCounts },
		{ name: "packets-gt", type: bigUint(), excludes: packetCounts },
		{ name: "bytes-eq", type: bigUint(), negatable: true, excludes: byteCounts },
		{ name: "bytes-lt", type: bigUint(), excludes: byteCounts },
		{ name: "bytes-gt", type: bigUint(), excludes: byteCounts },
	],
};

const device = text({ max: 15, expected: "a device's name of at most 15 bytes, + at its end for any" });

const physdev: ExtensionTable = {
	name: "physdev",
	kind: "match",
	options: [
		{ name: "physdev-is-in", type: flag, negatable: true },
		{ name: "physdev-in", type: device, negatable: true },
		{ name: "physdev-is-out", type: flag, negatable: true },
		{ name: "physdev-out", type: device, negatable: true },
		{ name: "physdev-is-bridged", type: flag, negatable: true },
	],
	canonical: (options) => {
		if (options.length === 0) throw new Refusal("at least one option of physdev");
		return inTableOrder(options, physdev.options);
	},
	hooksOf: (options) => {
		const out = optionOf(options, "physdev-out") ?? optionOf(options, "physdev-is-out");
		const bridged = optionOf(options, "physdev-is-bridged");
		if (out === undefined || (bridged && !bridged.not)) return null;
		return ["PREROUTING", "INPUT", "FORWARD", "POSTROUTING"];
	},
};

export const packetMatches: ExtensionTable[] = [comment, mark, addrtype, iprange, set, physdev];
