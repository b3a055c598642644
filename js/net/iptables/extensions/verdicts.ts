// Targets that decide or report: REJECT, LOG, TRACE, NOTRACK, CT.

import { nearestWord } from "../../error.ts";
import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, optionOf, Refusal, type ValueType } from "../extension.ts";
import { TCP } from "../protocols.ts";
import { flag, text, uint, wordList } from "../values.ts";
import { quoteWord } from "../words.ts";
import { inTableOrder } from "./order.ts";

type RejectName = [name: string, alias: string];

const REJECT_V4: RejectName[] = [
	["icmp-net-unreachable", "net-unreach"],
	["icmp-host-unreachable", "host-unreach"],
	["icmp-proto-unreachable", "proto-unreach"],
	["icmp-port-unreachable", "port-unreach"],
	["icmp-net-prohibited", "net-prohib"],
	["icmp-host-prohibited", "host-prohib"],
	["tcp-reset", "tcp-rst"],
	["icmp-admin-prohibited", "admin-prohib"],
];

const REJECT_V6: RejectName[] = [
	["icmp6-no-route", "no-route"],
	["icmp6-adm-prohibited", "adm-prohibited"],
	["icmp6-addr-unreachable", "addr-unreach"],
	["icmp6-port-unreachable", "port-unreach"],
	["tcp-reset", "tcp-reset"],
	["icmp6-policy-fail", "policy-fail"],
	["icmp6-reject-route", "reject-route"],
];

function rejectType(names: RejectName[]): ValueType {
	const expected = `one of ${names.map(([name]) => name).join(" ")}`;
	return {
		wordCount: 1,
		expected,
		parse: ([word = ""]) => {
			const lower = word.toLowerCase();
			const found = names.find((spellings) => lower !== "" && spellings.some((spelling) => spelling.startsWith(lower)));
			if (found === undefined) throw new Refusal(expected, nearestWord(word, names.flat()));
			return { kind: "string", value: found[0] };
		},
		print: (value) => (value.kind === "string" ? value.value : ""),
	};
}

function reject(family: "ipv4" | "ipv6", names: RejectName[], fallback: string): ExtensionTable {
	return {
		name: "REJECT",
		kind: "target",
		families: [family],
		tables: ["filter"],
		hooks: ["INPUT", "FORWARD", "OUTPUT"],
		options: [{ name: "reject-with", type: rejectType(names) }],
		canonical: (options) =>
			options.length > 0 ? options : [{ name: "reject-with", not: false, value: { kind: "string", value: fallback } }],
		check: (options, context) => {
			const reset = options.some(({ value }) => value.kind === "string" && value.value === "tcp-reset");
			const isTcp = context.protocol !== null && !context.protocol.not && context.protocol.value === TCP;
			if (reset && !isTcp) throw new Refusal("-p tcp in a rule that rejects with tcp-reset", null, 0, "reject-with");
		},
	};
}

const LOG_LEVELS = { emerg: 0, panic: 0, alert: 1, crit: 2, error: 3, warning: 4, notice: 5, info: 6, debug: 7 };
const LOG_DEFAULT_LEVEL = 4;

const log: ExtensionTable = {
	name: "LOG",
	kind: "target",
	options: [
		{ name: "log-prefix", type: text({ max: 29, min: 1, cut: true, print: quoteWord }) },
		{ name: "log-level", type: uint({ max: 7, names: LOG_LEVELS }) },
		{ name: "log-tcp-sequence", type: flag },
		{ name: "log-tcp-options", type: flag },
		{ name: "log-ip-options", type: flag },
		{ name: "log-uid", type: flag },
		{ name: "log-macdecode", type: flag },
	],
	canonical: (options) =>
		inTableOrder(
			options.filter(
				({ name, value }) => !(name === "log-level" && value.kind === "uint" && value.value === LOG_DEFAULT_LEVEL),
			),
			log.options,
		),
};

const trace: ExtensionTable = {
	name: "TRACE",
	kind: "target",
	options: [],
	check: (_, context) => {
		if (context.backend === "legacy" && context.table !== "raw")
			throw new Refusal(`table raw for TRACE, not ${context.table}`);
	},
};
const notrack: ExtensionTable = { name: "NOTRACK", kind: "target", tables: ["raw"], options: [] };

const CT_EVENTS = [
	"new",
	"related",
	"destroy",
	"reply",
	"assured",
	"protoinfo",
	"helper",
	"mark",
	"natseqinfo",
	"secmark",
];

const zone: ValueType = {
	wordCount: 1,
	expected: "mark or a zone 0–65535",
	parse: (words, context) =>
		words[0] === "mark" ? { kind: "string", value: "mark" } : uint({ max: 0xffff }).parse(words, context),
	print: (value) => (value.kind === "uint" ? String(value.value) : value.kind === "string" ? value.value : ""),
};

const ct: ExtensionTable = {
	name: "CT",
	kind: "target",
	tables: ["raw"],
	hooks: ["PREROUTING", "OUTPUT"],
	options: [
		{ name: "notrack", type: flag },
		{ name: "helper", type: text({ max: 15, min: 1 }) },
		{ name: "timeout", type: text({ max: 31, min: 1 }) },
		{ name: "ctevents", type: wordList(CT_EVENTS) },
		{ name: "expevents", type: wordList(["new"]) },
		{ name: "zone-orig", type: zone },
		{ name: "zone-reply", type: zone },
		{ name: "zone", type: zone },
	],
	canonical: (options, context) => {
		const helper = optionOf(options, "helper");
		if (helper && context.protocol === null)
			throw new Refusal("-p in a rule that attaches a helper", null, 0, "helper");
		return inTableOrder(withOneZone(options), ct.options);
	},
};

/** The target holds one zone: the last one given, for both directions where both were; zone 0 is none. */
function withOneZone(options: Option[]): Option[] {
	const zones = options.filter(({ name }) => name.startsWith("zone"));
	const rest = options.filter(({ name }) => !name.startsWith("zone"));
	const last = zones.at(-1);
	if (last === undefined || (last.value.kind === "uint" && last.value.value === 0)) return rest;
	const name = zones.every((option) => option.name === last.name) ? last.name : "zone";
	return [...rest, { ...last, name }];
}

export function isReset(options: Option[]): boolean {
	const how = optionOf(options, "reject-with");
	return how?.value.kind === "string" && how.value.value === "tcp-reset";
}

export const verdictTargets: ExtensionTable[] = [
	reject("ipv4", REJECT_V4, "icmp-port-unreachable"),
	reject("ipv6", REJECT_V6, "icmp6-port-unreachable"),
	log,
	trace,
	notrack,
	ct,
];
