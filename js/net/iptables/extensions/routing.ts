// Matches on where a packet comes from or belongs to: rpfilter, socket, owner, cgroup, devgroup, policy (IPsec), ipvs,
// cluster, osf, nfacct.

import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, optionOf, Refusal, type ValueType } from "../extension.ts";
import { prefix } from "../prefixes.ts";
import { AH, ESP, IPCOMP, protocolName, protocolNumber, TCP } from "../protocols.ts";
import { choice, flag, hex, port, protocol, readUint, text, uint } from "../values.ts";
import { quoteWord } from "../words.ts";
import { RECEIVING_HOOKS } from "./headers.ts";
import { inTableOrder } from "./order.ts";

const rpfilter: ExtensionTable = {
	name: "rpfilter",
	kind: "match",
	tables: ["raw", "mangle"],
	hooks: ["PREROUTING"],
	options: ["loose", "validmark", "accept-local", "invert"].map((name) => ({ name, type: flag })),
};

const socket: ExtensionTable = {
	name: "socket",
	kind: "match",
	hooks: ["PREROUTING", "INPUT"],
	options: ["transparent", "nowildcard", "restore-skmark"].map((name) => ({ name, type: flag })),
};

const ID_MAX = 0xfffffffe;

/** A user or group: a number, a range, or the one name that every Linux has. */
function ownerId(names: Readonly<Record<string, number>>): ValueType {
	const expected = `an id or a range min-max of ids (names known here: ${Object.keys(names).join(" ")})`;
	return {
		wordCount: 1,
		expected,
		parse: ([word = ""]) => {
			const named = names[word];
			if (named !== undefined) return { kind: "range", min: named, max: named };
			const [low = "", high = low, ...more] = word.split("-");
			const min = readUint(low, 0, ID_MAX, expected);
			const max = readUint(high, 0, ID_MAX, expected);
			if (more.length > 0 || min > max) throw new Refusal(expected);
			return { kind: "range", min, max };
		},
		print: (value) =>
			value.kind !== "range" ? "" : value.min === value.max ? String(value.min) : `${value.min}-${value.max}`,
	};
}

const owner: ExtensionTable = {
	name: "owner",
	kind: "match",
	hooks: ["OUTPUT", "POSTROUTING"],
	options: [
		{ name: "socket-exists", type: flag, negatable: true },
		{ name: "uid-owner", type: ownerId({ root: 0, nobody: 65534 }), negatable: true },
		{ name: "gid-owner", type: ownerId({ root: 0, nogroup: 65534 }), negatable: true },
		{ name: "suppl-groups", type: flag },
	],
	oneOf: [["socket-exists", "uid-owner", "gid-owner"]],
};

const cgroup: ExtensionTable = {
	name: "cgroup",
	kind: "match",
	options: [
		{ name: "path", type: text({ max: 511, cut: true, print: quoteWord }), negatable: true, excludes: ["cgroup"] },
		{ name: "cgroup", type: uint(), negatable: true, excludes: ["path"] },
	],
	oneOf: [["path", "cgroup"]],
};

const deviceGroup: ValueType = {
	wordCount: 1,
	expected: "a device group value[/mask], or default",
	parse: ([word = ""]) => {
		if (word === "default") return { kind: "masked", value: 0, mask: 0xffffffff };
		const [value = "", mask, ...more] = word.split("/");
		if (more.length > 0) throw new Refusal(deviceGroup.expected);
		return {
			kind: "masked",
			value: readUint(value, 0, 0xffffffff, deviceGroup.expected),
			mask: mask === undefined ? 0xffffffff : readUint(mask, 0, 0xffffffff, deviceGroup.expected),
		};
	},
	print: (value) => {
		if (value.kind !== "masked") return "";
		if (value.mask !== 0xffffffff) return `${hex(value.value)}/${hex(value.mask)}`;
		return value.value === 0 ? "default" : hex(value.value);
	},
};

const devgroup: ExtensionTable = {
	name: "devgroup",
	kind: "match",
	options: [
		{ name: "src-group", type: deviceGroup, negatable: true },
		{ name: "dst-group", type: deviceGroup, negatable: true },
	],
	oneOf: [["src-group", "dst-group"]],
	hooksOf: (options) => {
		const src = optionOf(options, "src-group");
		const dst = optionOf(options, "dst-group");
		if (src && dst) return ["FORWARD"];
		return src ? RECEIVING_HOOKS : ["FORWARD", "OUTPUT", "POSTROUTING"];
	},
};

const ipsecProtocol: ValueType = {
	wordCount: 1,
	expected: "ah, esp or ipcomp",
	parse: ([word = ""]) => {
		const number = protocolNumber(word);
		if (number === null || ![AH, ESP, IPCOMP].includes(number)) throw new Refusal("ah, esp or ipcomp");
		return { kind: "uint", value: number };
	},
	print: (value) => (value.kind === "uint" ? protocolName(value.value) : ""),
};

const tunnelEnd = prefix({ bareHost: true, keepHost: true });
const ELEMENT_NAMES = ["reqid", "spi", "proto", "mode", "tunnel-dst", "tunnel-src"];
const ELEMENTS_MAX = 4;

const policy: ExtensionTable = {
	name: "policy",
	kind: "match",
	options: [
		{ name: "dir", type: choice(["in", "out"]), mandatory: true },
		{ name: "pol", type: choice(["none", "ipsec"]) },
		{ name: "strict", type: flag },
		{ name: "reqid", type: uint(), negatable: true, multiple: true },
		{ name: "spi", type: uint({ print: hex }), negatable: true, multiple: true },
		{ name: "proto", type: ipsecProtocol, negatable: true, multiple: true },
		{ name: "mode", type: choice(["transport", "tunnel"]), negatable: true, multiple: true },
		{ name: "tunnel-dst", type: tunnelEnd, negatable: true, multiple: true },
		{ name: "tunnel-src", type: tunnelEnd, negatable: true, multiple: true },
		{ name: "next", type: flag, multiple: true, requires: ["strict"] },
	],
	canonical: (options) => {
		const elements = policyElements(options);
		const head = inTableOrder(
			options.filter(({ name }) => name === "dir" || name === "pol" || name === "strict"),
			policy.options,
		);
		if (!optionOf(options, "pol"))
			head.splice(1, 0, { name: "pol", not: false, value: { kind: "string", value: "ipsec" } });
		checkPolicy(head, elements);
		const next: Option = { name: "next", not: false, value: { kind: "flag" } };
		return [
			...head,
			...elements.flatMap((element, index) => [...(index > 0 ? [next] : []), ...inTableOrder(element, policy.options)]),
		];
	},
	hooksOf: (options) => {
		const dir = optionOf(options, "dir");
		const isIn = dir?.value.kind === "string" && dir.value.value === "in";
		return isIn ? RECEIVING_HOOKS : ["FORWARD", "OUTPUT", "POSTROUTING"];
	},
};

/** The options of each policy element: `--next` stands between two. */
function policyElements(options: Option[]): Option[][] {
	const elements: Option[][] = [[]];
	for (const option of options) {
		const element = elements[elements.length - 1] as Option[];
		if (option.name === "next") elements.push([]);
		else if (ELEMENT_NAMES.includes(option.name)) {
			if (optionOf(element, option.name))
				throw new Refusal(`--${option.name} once in a policy element`, null, 0, option.name);
			element.push(option);
		}
	}
	return elements;
}

function checkPolicy(head: Option[], elements: Option[][]): void {
	const isNone = head.some(({ value }) => value.kind === "string" && value.value === "none");
	const isStrict = optionOf(head, "strict") !== undefined;
	if (isNone && (isStrict || (elements[0] ?? []).length > 0))
		throw new Refusal("--pol none without --strict or elements", null, 0, "pol");
	if (elements.length > ELEMENTS_MAX) throw new Refusal(`at most ${ELEMENTS_MAX} policy elements`, null, 0, "next");
	for (const element of elements) {
		if (isStrict && element.length === 0)
			throw new Refusal(
				"at least one of reqid spi proto mode tunnel-src tunnel-dst in each element",
				null,
				0,
				"strict",
			);
		const mode = optionOf(element, "mode");
		const tunnel = optionOf(element, "tunnel-src") ?? optionOf(element, "tunnel-dst");
		const isTunnelMode = mode?.value.kind === "string" && (mode.value.value === "tunnel") !== mode.not;
		if (tunnel && (mode || isStrict) && !isTunnelMode)
			throw new Refusal("--mode tunnel beside a tunnel's end", null, 0, tunnel.name);
	}
}

const ipvs: ExtensionTable = {
	name: "ipvs",
	kind: "match",
	options: [
		{ name: "ipvs", type: flag, negatable: true },
		{ name: "vproto", type: protocol, negatable: true },
		{ name: "vaddr", type: prefix({ bareHost: true, keepHost: true }), negatable: true },
		{ name: "vport", type: port, negatable: true },
		{ name: "vdir", type: choice(["ORIGINAL", "REPLY"], { fold: true }) },
		{ name: "vmethod", type: choice(["GATE", "IPIP", "MASQ"], { fold: true }), negatable: true },
		{ name: "vportctl", type: port, negatable: true },
	],
	canonical: (options) => {
		if (options.length === 0) throw new Refusal("at least one option of ipvs");
		return inTableOrder(options, ipvs.options);
	},
};

function eightDigits(number: number): string {
	return `0x${number.toString(16).padStart(8, "0")}`;
}

const NODES_MAX = 32;

/** A mask of nodes. The tool itself takes 1–32 only, and so refuses what it prints of later nodes. */
const nodeMask: ValueType = {
	...uint({ min: 1, print: eightDigits }),
	parse: (words, context) => uint({ min: 1, max: context.strict ? NODES_MAX : 0xffffffff }).parse(words, context),
};

const cluster: ExtensionTable = {
	name: "cluster",
	kind: "match",
	options: [
		{
			name: "cluster-local-nodemask",
			type: nodeMask,
			negatable: true,
			excludes: ["cluster-local-node"],
		},
		{
			name: "cluster-local-node",
			type: uint({ min: 1, max: NODES_MAX }),
			negatable: true,
			excludes: ["cluster-local-nodemask"],
		},
		{ name: "cluster-total-nodes", type: uint({ min: 1, max: NODES_MAX }), mandatory: true },
		{ name: "cluster-hash-seed", type: uint({ print: eightDigits }), mandatory: true },
	],
	oneOf: [["cluster-local-node", "cluster-local-nodemask"]],
	canonical: (options) => {
		const total = optionOf(options, "cluster-total-nodes");
		const nodes = total?.value.kind === "uint" ? total.value.value : 0;
		const masked = options.map((option): Option => {
			if (option.name !== "cluster-local-node" || option.value.kind !== "uint") return option;
			if (option.value.value > nodes) throw new Refusal(`a node 1–${nodes}`, null, 0, option.name);
			return {
				...option,
				name: "cluster-local-nodemask",
				value: { kind: "uint", value: (1 << (option.value.value - 1)) >>> 0 },
			};
		});
		const mask = optionOf(masked, "cluster-local-nodemask");
		if (mask?.value.kind === "uint" && mask.value.value >= 2 ** nodes)
			throw new Refusal(`a mask of ${nodes} nodes`, null, 0, "cluster-local-nodemask");
		return inTableOrder(masked, cluster.options);
	},
};

const osf: ExtensionTable = {
	name: "osf",
	kind: "match",
	families: ["ipv4"],
	protocols: [TCP],
	options: [
		{ name: "genre", type: text({ max: 31, cut: true }), negatable: true, mandatory: true },
		{ name: "ttl", type: uint({ max: 2 }) },
		{ name: "log", type: uint({ max: 2 }) },
	],
};

const nfacct: ExtensionTable = {
	name: "nfacct",
	kind: "match",
	options: [{ name: "nfacct-name", type: text({ max: 31, min: 1, cut: true }), mandatory: true }],
};

export const routingMatches: ExtensionTable[] = [
	rpfilter,
	socket,
	owner,
	cgroup,
	devgroup,
	policy,
	ipvs,
	cluster,
	osf,
	nfacct,
];
