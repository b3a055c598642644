// Matches on IPv6 extension headers: dst, hbh, frag, rt, srh, mh, ipv6header, eui64.

import { nearestWord } from "../../error.ts";
import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, optionOf, Refusal, type ValueType } from "../extension.ts";
import { prefix, printAddress, readAddress } from "../prefixes.ts";
import { MOBILITY, protocolNumber } from "../protocols.ts";
import { flag, printRange, range, readUint, uint } from "../values.ts";
import { RECEIVING_HOOKS, withoutFullRanges } from "./headers.ts";
import { inTableOrder } from "./order.ts";

const LIST_MAX = 16;

const headerOptions: ValueType = {
	wordCount: 1,
	expected: `a comma list of at most ${LIST_MAX} type[:length]`,
	parse: ([word = ""]) => {
		const parts = word.split(",");
		if (parts.length > LIST_MAX) throw new Refusal(headerOptions.expected);
		return { kind: "words", words: parts.map(readHeaderOption) };
	},
	print: (value) => (value.kind === "words" ? value.words.join(",") : ""),
};

function readHeaderOption(part: string): string {
	const [typeText = "", lengthText, ...more] = part.split(":");
	const type = readUint(typeText, 0, 255, headerOptions.expected);
	if (more.length > 0 || (type === 0 && lengthText !== undefined)) throw new Refusal(headerOptions.expected);
	return lengthText === undefined ? String(type) : `${type}:${readUint(lengthText, 0, 255, headerOptions.expected)}`;
}

function optionHeader(name: "dst" | "hbh"): ExtensionTable {
	return {
		name,
		kind: "match",
		families: ["ipv6"],
		options: [
			{ name: `${name}-len`, type: uint(), negatable: true },
			{ name: `${name}-opts`, type: headerOptions },
		],
	};
}

const eui64: ExtensionTable = { name: "eui64", kind: "match", families: ["ipv6"], hooks: RECEIVING_HOOKS, options: [] };

const FRAGMENT_ID_MAX = 0xffffffff;

const frag: ExtensionTable = {
	name: "frag",
	kind: "match",
	families: ["ipv6"],
	options: [
		{ name: "fragid", type: range(FRAGMENT_ID_MAX), negatable: true },
		{ name: "fraglen", type: uint(), negatable: true },
		{ name: "fragres", type: flag },
		{ name: "fragfirst", type: flag },
		{ name: "fragmore", type: flag, excludes: ["fraglast"] },
		{ name: "fraglast", type: flag, excludes: ["fragmore"] },
	],
	canonical: (options, context) => inTableOrder(withoutFullRanges(options, FRAGMENT_ID_MAX, context), frag.options),
};

const routeAddresses: ValueType = {
	wordCount: 1,
	expected: `a comma list of at most ${LIST_MAX} IPv6 addresses`,
	parse: ([word = ""]) => {
		const parts = word.split(",");
		const numbers = parts.map((part) => readAddress(part, "ipv6"));
		if (parts.length > LIST_MAX) throw new Refusal(routeAddresses.expected);
		const words = numbers.map((number) => {
			if (number === null) throw new Refusal(routeAddresses.expected);
			return printAddress(number, "ipv6");
		});
		return { kind: "words", words };
	},
	print: (value) => (value.kind === "words" ? value.words.join(",") : ""),
};

const rt: ExtensionTable = {
	name: "rt",
	kind: "match",
	families: ["ipv6"],
	options: [
		{ name: "rt-type", type: uint(), negatable: true },
		{ name: "rt-segsleft", type: range(0xffffffff), negatable: true },
		{ name: "rt-len", type: uint(), negatable: true },
		{ name: "rt-0-res", type: flag },
		{ name: "rt-0-addrs", type: routeAddresses },
		{ name: "rt-0-not-strict", type: flag, requires: ["rt-0-addrs"] },
	],
	canonical: (options, context) => {
		const type = optionOf(options, "rt-type");
		const isType0 = type !== undefined && !type.not && type.value.kind === "uint" && type.value.value === 0;
		const stray = options.find(({ name }) => name.startsWith("rt-0-"));
		if (stray && !isType0) throw new Refusal(`--rt-type 0 before --${stray.name}`, null, 0, stray.name);
		return inTableOrder(withoutFullRanges(options, 0xffffffff, context), rt.options);
	},
};

const byte = uint({ max: 255 });
const segment = prefix({ keepHost: true });
const COMPARED = ["srh-hdr-len", "srh-segs-left", "srh-last-entry"];

const srh: ExtensionTable = {
	name: "srh",
	kind: "match",
	families: ["ipv6"],
	options: [
		{ name: "srh-next-hdr", type: byte, negatable: true },
		...COMPARED.flatMap((field) =>
			["eq", "gt", "lt"].map((how) => ({ name: `${field}-${how}`, type: byte, negatable: true })),
		),
		{ name: "srh-tag", type: uint({ max: 0xffff }), negatable: true },
		{ name: "srh-psid", type: segment, negatable: true },
		{ name: "srh-nsid", type: segment, negatable: true },
		{ name: "srh-lsid", type: segment, negatable: true },
	],
	// The match holds one number a field: the last given counts for every comparison of it.
	canonical: (options) => {
		const field = ({ name }: Option): string | undefined => COMPARED.find((known) => name.startsWith(`${known}-`));
		const shared = options.map((option): Option => {
			const known = field(option);
			const last = known === undefined ? undefined : options.filter((other) => field(other) === known).at(-1);
			return last === undefined ? option : { ...option, value: last.value };
		});
		return inTableOrder(shared, srh.options);
	},
};

const MH_TYPES: [string, string][] = [
	["binding-refresh-request", "brr"],
	["home-test-init", "hoti"],
	["careof-test-init", "coti"],
	["home-test", "hot"],
	["careof-test", "cot"],
	["binding-update", "bu"],
	["binding-acknowledgement", "ba"],
	["binding-error", "be"],
];

function readMhType(text: string): number {
	const named = MH_TYPES.findIndex((names) => names.includes(text.toLowerCase()));
	if (named >= 0) return named;
	if (!/^[0-9]/.test(text)) throw new Refusal(mhType.expected, nearestWord(text, MH_TYPES.flat()));
	return readUint(text, 0, 255, mhType.expected);
}

const mhType: ValueType = {
	wordCount: 1,
	expected: "a mobility header type (name or 0–255) or a range min:max",
	parse: ([word = ""]) => {
		const [low = "", high, ...more] = word.split(":");
		if (more.length > 0 || word === "") throw new Refusal(mhType.expected);
		const min = low === "" && high !== undefined ? 0 : readMhType(low);
		const max = high === undefined ? min : high === "" ? 255 : readMhType(high);
		if (min > max) throw new Refusal(`${mhType.expected} with min ≤ max`);
		return { kind: "range", min, max };
	},
	print: (value) => (value.kind === "range" ? printRange(value.min, value.max) : ""),
};

const mh: ExtensionTable = {
	name: "mh",
	kind: "match",
	families: ["ipv6"],
	protocols: [MOBILITY],
	options: [{ name: "mh-type", type: mhType, negatable: true }],
	canonical: (options, context) => withoutFullRanges(options, 255, context),
};

const HEADERS: [name: string, alias: string, protocol: number][] = [
	["hop-by-hop", "hop", 0],
	["ipv6-opts", "dst", 60],
	["ipv6-route", "route", 43],
	["ipv6-frag", "frag", 44],
	["ah", "auth", 51],
	["esp", "esp", 50],
	["ipv6-nonxt", "none", 59],
	["protocol", "prot", 255],
];

const headerList: ValueType = {
	wordCount: 1,
	expected: `a comma list of ${HEADERS.map(([name]) => name).join(" ")}`,
	parse: ([word = ""]) => {
		const found = new Set<string>();
		for (const part of word.split(",")) {
			const lower = part.toLowerCase();
			const header =
				HEADERS.find(([name, alias]) => name === lower || alias === lower) ??
				HEADERS.find(([, , number]) => protocolNumber(lower) === number);
			if (header === undefined)
				throw new Refusal(
					headerList.expected,
					nearestWord(
						lower,
						HEADERS.map(([name]) => name),
					),
				);
			found.add(header[0]);
		}
		return { kind: "words", words: HEADERS.map(([name]) => name).filter((name) => found.has(name)) };
	},
	print: (value) => (value.kind === "words" ? value.words.join(",") : ""),
};

const ipv6header: ExtensionTable = {
	name: "ipv6header",
	kind: "match",
	families: ["ipv6"],
	options: [
		{ name: "header", type: headerList, negatable: true, mandatory: true },
		{ name: "soft", type: flag },
	],
};

export const ipv6Matches: ExtensionTable[] = [
	optionHeader("dst"),
	optionHeader("hbh"),
	eui64,
	frag,
	rt,
	srh,
	mh,
	ipv6header,
];
