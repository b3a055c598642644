// Targets of table nat: DNAT, SNAT, MASQUERADE, REDIRECT, NETMAP.
// An option value `nat` holds addresses, ports and the base port of a shifted range.

import { addressBits, familyOf, parseIpv4 } from "../../address.ts";
import type { Value } from "../../ruleset.ts";
import { type ExtensionTable, Refusal, type RuleContext, type ValueType } from "../extension.ts";
import { expectedAddress, prefix, printAddress, readAddress, readPrefix } from "../prefixes.ts";
import { DCCP, ICMP, SCTP, TCP, UDP } from "../protocols.ts";
import { flag, readPort } from "../values.ts";

type NatValue = Extract<Value, { kind: "nat" }>;

const NO_NAT: NatValue = {
	kind: "nat",
	addressMin: null,
	addressMax: null,
	portMin: null,
	portMax: null,
	baseport: null,
};

/** `80`, `http`, `80-90`, `80-90/1000`: names stand alone. */
function readPorts(text: string, shifted: boolean): Pick<NatValue, "portMin" | "portMax" | "baseport"> {
	const match = /^([0-9]+)-([0-9]+)(?:\/(.+))?$/.exec(text);
	if (match === null) {
		const port = readPort(text, PORTS_EXPECTED);
		return { portMin: port, portMax: port, baseport: null };
	}
	const portMin = readPort(match[1] as string, PORTS_EXPECTED);
	const portMax = readPort(match[2] as string, PORTS_EXPECTED);
	if (portMax < portMin) throw new Refusal("a port range with min ≤ max");
	if (match[3] === undefined) return { portMin, portMax, baseport: null };
	const baseport = readPort(match[3], "a base port 1–65535");
	if (!shifted || baseport === 0)
		throw new Refusal(shifted ? "a base port 1–65535" : "a port range without a base port");
	return { portMin, portMax, baseport };
}

const PORTS_EXPECTED = "a port 0–65535, a service name or a range min-max";

function readAddresses(text: string, context: RuleContext): Pick<NatValue, "addressMin" | "addressMax"> {
	if (text === "") return { addressMin: null, addressMax: null };
	if (context.family === "ipv4" && parseIpv4(text) !== null) return { addressMin: text, addressMax: text };
	const [low = "", high = low, ...more] = text.split("-");
	const min = familyOf(low) === context.family ? readAddress(low, context.family) : null;
	const max = familyOf(high) === context.family ? readAddress(high, context.family) : null;
	if (min === null || max === null || more.length > 0)
		throw new Refusal(`${expectedAddress(context.family)} or a range min-max`);
	return { addressMin: printAddress(min, context.family), addressMax: printAddress(max, context.family) };
}

/** Addresses and ports of `--to-destination`, `--to-source`: `1.2.3.4-1.2.3.9:80-90`, `[2001:db8::1]:80`. */
function splitAddressesAndPorts(word: string, context: RuleContext): [string, string | null] {
	if (context.family === "ipv4") {
		const colon = word.indexOf(":");
		return colon < 0 ? [word, null] : [word.slice(0, colon), word.slice(colon + 1)];
	}
	if (!word.startsWith("[")) return word.startsWith(":") && !word.startsWith("::") ? ["", word.slice(1)] : [word, null];
	const close = word.indexOf("]");
	const rest = word.slice(close + 1);
	if (close < 0 || (rest !== "" && !rest.startsWith(":"))) throw new Refusal("an address in brackets, then :port");
	return [word.slice(1, close), rest === "" ? null : rest.slice(1)];
}

function natType(shifted: boolean): ValueType {
	return {
		wordCount: 1,
		expected: "an address[-address][:port[-port]]",
		parse: ([word = ""], context) => {
			if (word === "") throw new Refusal("an address[-address][:port[-port]]");
			const [addresses, ports] = splitAddressesAndPorts(word, context);
			if (ports !== null) wantPortProtocol(context);
			return { ...NO_NAT, ...readAddresses(addresses, context), ...(ports === null ? {} : readPorts(ports, shifted)) };
		},
		print: (value) => (value.kind === "nat" ? printNat(value) : ""),
	};
}

function printNat(value: NatValue): string {
	const { addressMin, addressMax, portMin, portMax, baseport } = value;
	let text = addressMin === null ? "" : addressMin === addressMax ? addressMin : `${addressMin}-${addressMax}`;
	if (portMin === null) return text;
	if (text.includes(":")) text = `[${text}]`;
	return `${text}:${printPorts(portMin, portMax, baseport)}`;
}

function printPorts(min: number, max: number | null, baseport: number | null): string {
	const range = max === null || max === min ? String(min) : `${min}-${max}`;
	return baseport === null ? range : `${range}/${baseport}`;
}

const PORT_PROTOCOLS = [TCP, UDP, SCTP, DCCP, ICMP];

function wantPortProtocol(context: RuleContext): void {
	const { protocol } = context;
	if (protocol === null || !PORT_PROTOCOLS.includes(protocol.value)) {
		throw new Refusal("-p tcp, udp, sctp or dccp before ports");
	}
}

/** `--to-ports` of MASQUERADE and REDIRECT. */
const toPorts: ValueType = {
	wordCount: 1,
	expected: "a port or a range min-max",
	parse: ([word = ""], context) => {
		wantPortProtocol(context);
		return { ...NO_NAT, ...readPorts(word, false) };
	},
	print: (value) =>
		value.kind === "nat" && value.portMin !== null ? printPorts(value.portMin, value.portMax, null) : "",
};

const dnat: ExtensionTable = {
	name: "DNAT",
	kind: "target",
	tables: ["nat"],
	hooks: ["PREROUTING", "OUTPUT"],
	options: [
		{ name: "to-destination", type: natType(true), mandatory: true },
		{ name: "random", type: flag },
		{ name: "persistent", type: flag },
	],
};

const snat: ExtensionTable = {
	name: "SNAT",
	kind: "target",
	tables: ["nat"],
	hooks: ["POSTROUTING", "INPUT"],
	options: [
		{ name: "to-source", type: natType(false), mandatory: true },
		{ name: "random", type: flag },
		{ name: "random-fully", type: flag },
		{ name: "persistent", type: flag },
	],
};

const masquerade: ExtensionTable = {
	name: "MASQUERADE",
	kind: "target",
	tables: ["nat"],
	hooks: ["POSTROUTING"],
	options: [
		{ name: "to-ports", type: toPorts },
		{ name: "random", type: flag },
		{ name: "random-fully", type: flag },
	],
};

const redirect: ExtensionTable = {
	name: "REDIRECT",
	kind: "target",
	tables: ["nat"],
	hooks: ["PREROUTING", "OUTPUT"],
	options: [
		{ name: "to-ports", type: toPorts },
		{ name: "random", type: flag },
	],
};

const netmap: ExtensionTable = {
	name: "NETMAP",
	kind: "target",
	tables: ["nat"],
	hooks: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
	options: [{ name: "to", type: prefix({ keepHost: true }), mandatory: true }],
	// A mask with holes cannot be mapped: the tool takes the address alone.
	canonical: (options, context) =>
		options.map((option) => {
			if (option.value.kind !== "prefix") return option;
			const { address, mask } = option.value.prefix;
			const prefix =
				typeof mask === "number"
					? readPrefix(`${address}/${mask}`, context.family)
					: { address, mask: addressBits(context.family) };
			return { ...option, value: { kind: "prefix", prefix } };
		}),
};

export const natTargets: ExtensionTable[] = [dnat, snat, masquerade, redirect, netmap];
