// Targets that hand packets, or news of them, to someone else: NFLOG, NFQUEUE, AUDIT, TEE, IDLETIMER, LED, SET, SYNPROXY.

import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, type OptionTable, optionOf, Refusal, type ValueType } from "../extension.ts";
import { address } from "../prefixes.ts";
import { TCP } from "../protocols.ts";
import { choice, flag, readUint, text, uint } from "../values.ts";
import { quoteWord } from "../words.ts";
import { inTableOrder } from "./order.ts";
import { setReference } from "./packet.ts";

const isZero = ({ value }: Option): boolean => value.kind === "uint" && value.value === 0;

/** Longest prefix that the legacy interface keeps, in bytes. */
const NFLOG_PREFIX_MAX = 63;

const nflogPrefix: ValueType = {
	...text({ min: 1, print: quoteWord }),
	expected: "a text of at least one byte",
	parse: ([word = ""], context) => {
		if (word === "") throw new Refusal("a text of at least one byte");
		return { kind: "string", value: context.backend === "legacy" ? word.slice(0, NFLOG_PREFIX_MAX) : word };
	},
};

const nflog: ExtensionTable = {
	name: "NFLOG",
	kind: "target",
	options: [
		{ name: "nflog-prefix", type: nflogPrefix },
		{ name: "nflog-group", type: uint({ max: 0xffff }), silent: isZero },
		{ name: "nflog-size", type: uint(), excludes: ["nflog-range"] },
		{ name: "nflog-range", type: uint(), silent: isZero, excludes: ["nflog-size"] },
		{ name: "nflog-threshold", type: uint({ max: 0xffff }), silent: isZero },
	],
	canonical: (options, context) =>
		inTableOrder(
			options.filter(({ name }) => name !== "nflog-range" || context.backend === "legacy"),
			nflog.options,
		),
};

/** Most queues of a balanced range. */
const QUEUES_MAX = 65535;

const queueRange: ValueType = {
	wordCount: 1,
	expected: "a range of queues min:max",
	parse: ([word = ""]) => {
		const [low = "", high = "", ...more] = word.split(":");
		const min = readUint(low, 0, 0xffff, queueRange.expected);
		const max = readUint(high, 0, 0xffff, queueRange.expected);
		if (more.length > 0 || min > max || max - min + 1 > QUEUES_MAX) throw new Refusal(queueRange.expected);
		return { kind: "range", min, max };
	},
	print: (value) => (value.kind === "range" ? `${value.min}:${value.max}` : ""),
};

const nfqueue: ExtensionTable = {
	name: "NFQUEUE",
	kind: "target",
	options: [
		{ name: "queue-num", type: uint({ max: 0xffff }), excludes: ["queue-balance"] },
		{ name: "queue-balance", type: queueRange, excludes: ["queue-num"] },
		{ name: "queue-bypass", type: flag },
		{ name: "queue-cpu-fanout", type: flag, requires: ["queue-balance"] },
	],
	canonical: (options) => {
		const which = optionOf(options, "queue-num") ?? optionOf(options, "queue-balance");
		const first: Option[] = which ? [] : [{ name: "queue-num", not: false, value: { kind: "uint", value: 0 } }];
		return inTableOrder([...first, ...options], nfqueue.options);
	},
};

const audit: ExtensionTable = {
	name: "AUDIT",
	kind: "target",
	options: [{ name: "type", type: choice(["accept", "drop", "reject"], { fold: true }), mandatory: true }],
};

const tee: ExtensionTable = {
	name: "TEE",
	kind: "target",
	options: [
		{ name: "gateway", type: address, mandatory: true },
		{ name: "oif", type: text({ max: 15, min: 1 }) },
	],
	check: (options) => {
		const gateway = optionOf(options, "gateway")?.value;
		if (gateway?.kind === "string" && (gateway.value === "0.0.0.0" || gateway.value === "::"))
			throw new Refusal("a gateway's address", null, 0, "gateway");
	},
};

const idletimer: ExtensionTable = {
	name: "IDLETIMER",
	kind: "target",
	options: [
		{ name: "timeout", type: uint({ min: 1 }), mandatory: true },
		{ name: "label", type: text({ max: 27, min: 1, cut: true }), mandatory: true },
		{ name: "alarm", type: flag },
	],
};

const ledDelay: ValueType = {
	wordCount: 1,
	expected: "a number of milliseconds or inf",
	parse: ([word = ""]) =>
		word.toLowerCase() === "inf"
			? { kind: "string", value: "inf" }
			: { kind: "uint", value: readUint(word, 0, 0x7fffffff, ledDelay.expected) },
	print: (value) => (value.kind === "uint" ? String(value.value) : value.kind === "string" ? value.value : ""),
};

const led: ExtensionTable = {
	name: "LED",
	kind: "target",
	options: [
		{ name: "led-trigger-id", type: text({ max: 16, print: (name) => `"${name}"` }), mandatory: true },
		{ name: "led-delay", type: ledDelay, silent: isZero },
		{ name: "led-always-blink", type: flag },
	],
};

const SET_ACTIONS = ["add-set", "del-set", "map-set"];

const setOptions: OptionTable[] = [
	{ name: "add-set", type: setReference },
	{ name: "exist", type: flag, requires: ["add-set"] },
	{ name: "timeout", type: uint({ max: 0xfffffffe }), requires: ["add-set"] },
	{ name: "del-set", type: setReference },
	{ name: "map-set", type: setReference, excludes: ["add-set", "del-set"] },
	{ name: "map-mark", type: flag, requires: ["map-set"] },
	{ name: "map-prio", type: flag, requires: ["map-set"] },
	{ name: "map-queue", type: flag, requires: ["map-set"] },
];

const set: ExtensionTable = { name: "SET", kind: "target", options: setOptions, oneOf: [SET_ACTIONS] };

const synproxy: ExtensionTable = {
	name: "SYNPROXY",
	kind: "target",
	hooks: ["INPUT", "FORWARD"],
	protocols: [TCP],
	options: [
		{ name: "sack-perm", type: flag },
		{ name: "timestamp", type: flag },
		{ name: "wscale", type: uint({ max: 255 }) },
		{ name: "mss", type: uint({ max: 0xffff }) },
		{ name: "ecn", type: flag },
	],
};

export const reportTargets: ExtensionTable[] = [nflog, nfqueue, audit, tee, idletimer, led, set, synproxy];
