// Matches on connection tracking: conntrack, state, connmark, connbytes, connlabel, connlimit, helper.

import { maskLength } from "../../address.ts";
import { nearestWord } from "../../error.ts";
import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, optionOf, Refusal, type ValueType } from "../extension.ts";
import { prefix, readMask } from "../prefixes.ts";
import { choice, flag, masked, portRange, protocol, range, readNumber, text, uint } from "../values.ts";
import { quoteWord } from "../words.ts";
import { inTableOrder } from "./order.ts";

/** A comma list whose words may be shortened (`EST`), any case. */
function shortenedList(words: readonly string[], none: string | null = null): ValueType {
	const known = none === null ? words : [...words, none];
	const expected = `a comma list of ${known.join(" ")}`;
	return {
		wordCount: 1,
		expected,
		parse: ([word = ""]) => {
			const found = new Set<string>();
			for (const part of word.split(",")) {
				const match = known.find((w) => part !== "" && w.startsWith(part.toUpperCase()));
				if (match === undefined) throw new Refusal(expected, nearestWord(part.toUpperCase(), known));
				found.add(match);
			}
			const listed = words.filter((w) => found.has(w));
			return { kind: "words", words: listed.length === 0 && none !== null ? [none] : listed };
		},
		print: (value) => (value.kind === "words" ? value.words.join(",") : ""),
	};
}

const CT_STATES = ["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT"];
const CT_STATUSES = ["EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED"];

const ctAddress = prefix({ bareHost: true, keepHost: true });
const ctExpire = range(0xffffffff);

const conntrack: ExtensionTable = {
	name: "conntrack",
	kind: "match",
	options: [
		{ name: "ctstate", type: shortenedList(CT_STATES), negatable: true },
		{ name: "ctproto", type: protocol, negatable: true },
		{ name: "ctorigsrc", type: ctAddress, negatable: true },
		{ name: "ctorigdst", type: ctAddress, negatable: true },
		{ name: "ctreplsrc", type: ctAddress, negatable: true },
		{ name: "ctrepldst", type: ctAddress, negatable: true },
		{ name: "ctorigsrcport", type: portRange, negatable: true },
		{ name: "ctorigdstport", type: portRange, negatable: true },
		{ name: "ctreplsrcport", type: portRange, negatable: true },
		{ name: "ctrepldstport", type: portRange, negatable: true },
		{ name: "ctstatus", type: shortenedList(CT_STATUSES, "NONE"), negatable: true },
		{ name: "ctexpire", type: ctExpire, negatable: true },
		{ name: "ctdir", type: choice(["ORIGINAL", "REPLY"], { fold: true }) },
	],
	canonical: (options, context) => {
		if (options.length === 0) throw new Refusal("at least one option of conntrack");
		const proto = optionOf(options, "ctproto");
		if (context.version !== "1.8.9" && proto?.value.kind === "uint" && proto.value.value === 0) {
			throw new Refusal("a protocol other than 0", null, 0, "ctproto");
		}
		return inTableOrder(options, conntrack.options);
	},
};

const state: ExtensionTable = {
	name: "state",
	kind: "match",
	options: [
		{
			name: "state",
			type: shortenedList(["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED"]),
			negatable: true,
			mandatory: true,
		},
	],
};

const connmark: ExtensionTable = {
	name: "connmark",
	kind: "match",
	options: [{ name: "mark", type: masked(), negatable: true, mandatory: true }],
};

const UINT64_MAX = (1n << 64n) - 1n;

const connbytesRange: ValueType = {
	wordCount: 1,
	expected: "a number or a range from:[to] of 64-bit numbers",
	parse: ([word = ""]) => {
		const parts = word.split(":");
		const from = parts.length === 2 && parts[0] === "" ? 0n : readNumber(parts[0] ?? "");
		const to = parts.length < 2 || parts[1] === "" ? null : readNumber(parts[1] ?? "");
		const bad = parts.length > 2 || from === null || (parts.length === 2 && parts[1] !== "" && to === null);
		const tooBig = (from ?? 0n) > UINT64_MAX || (to ?? 0n) > UINT64_MAX;
		if (bad || tooBig || (to !== null && from !== null && from > to)) throw new Refusal(connbytesRange.expected);
		return { kind: "string", value: to === null || to === UINT64_MAX ? String(from) : `${from}:${to}` };
	},
	print: (value) => (value.kind === "string" ? value.value : ""),
};

const connbytes: ExtensionTable = {
	name: "connbytes",
	kind: "match",
	options: [
		{ name: "connbytes", type: connbytesRange, negatable: true, mandatory: true },
		{ name: "connbytes-mode", type: choice(["packets", "bytes", "avgpkt"]), mandatory: true },
		{ name: "connbytes-dir", type: choice(["original", "reply", "both"]), mandatory: true },
	],
};

/** Labels by number; names are a node's own (connlabel.conf) and not known here. */
const label: ValueType = uint({ max: 127, print: (number) => `"${number}"` });

const connlabel: ExtensionTable = {
	name: "connlabel",
	kind: "match",
	options: [
		{ name: "label", type: label, negatable: true, mandatory: true },
		{ name: "set", type: flag },
	],
};

/** A prefix length, or a mask; what is longer than the address or has holes counts as the whole address. */
const connlimitMask: ValueType = {
	wordCount: 1,
	expected: "a prefix length or a mask",
	parse: ([word = ""], context) => {
		const bits = context.family === "ipv4" ? 32 : 128;
		if (/^[0-9]+$/.test(word)) {
			if (Number(word) > 128) throw new Refusal(`a prefix length 0–${bits} or a mask`);
			return { kind: "uint", value: Math.min(Number(word), bits) };
		}
		return { kind: "uint", value: maskLength(readMask(word, context.family), bits) ?? bits };
	},
	print: (value) => (value.kind === "uint" ? String(value.value) : ""),
};

const CONNLIMIT_BOUNDS = ["connlimit-upto", "connlimit-above"];

const connlimit: ExtensionTable = {
	name: "connlimit",
	kind: "match",
	options: [
		{ name: "connlimit-upto", type: uint(), negatable: true, excludes: ["connlimit-above"] },
		{ name: "connlimit-above", type: uint(), negatable: true, excludes: ["connlimit-upto"] },
		{ name: "connlimit-mask", type: connlimitMask },
		{ name: "connlimit-saddr", type: flag, excludes: ["connlimit-daddr"] },
		{ name: "connlimit-daddr", type: flag, excludes: ["connlimit-saddr"] },
	],
	oneOf: [CONNLIMIT_BOUNDS],
	canonical: (options, context) => {
		const canonical: Option[] = options.map((option) => {
			if (!option.not || !CONNLIMIT_BOUNDS.includes(option.name)) return option;
			const other = option.name === "connlimit-upto" ? "connlimit-above" : "connlimit-upto";
			return { ...option, name: other, not: false };
		});
		if (!optionOf(options, "connlimit-mask")) {
			canonical.push({
				name: "connlimit-mask",
				not: false,
				value: { kind: "uint", value: context.family === "ipv4" ? 32 : 128 },
			});
		}
		if (!optionOf(options, "connlimit-daddr") && !optionOf(options, "connlimit-saddr")) {
			canonical.push({ name: "connlimit-saddr", not: false, value: { kind: "flag" } });
		}
		return inTableOrder(canonical, connlimit.options);
	},
};

const helper: ExtensionTable = {
	name: "helper",
	kind: "match",
	options: [{ name: "helper", type: text({ max: 29, cut: true, print: quoteWord }), negatable: true, mandatory: true }],
};

export const conntrackMatches: ExtensionTable[] = [conntrack, state, connmark, connbytes, connlabel, connlimit, helper];
