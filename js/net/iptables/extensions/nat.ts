// Targets of table nat: DNAT, SNAT, MASQUERADE, REDIRECT, NETMAP.
// An option value `nat` holds addresses, ports and the base port of a shifted range.

import { type ExtensionTable, Refusal, type RuleContext, type ValueType } from "../extension.ts";
import type { Value } from "../../ruleset.ts";
import { expectedAddress, prefix, printAddress, readAddress } from "../prefixes.ts";
import { DCCP, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE } from "../protocols.ts";
import { flag, readPort } from "../values.ts";

type NatValue = Extract<Value, { kind: "nat" }>;

const NO_NAT: NatValue = { kind: "nat", addressMin: null, addressMax: null, portMin: null, portMax: null, baseport: null };

function readPorts(text: string, shifted: boolean): Pick<NatValue, "portMin" | "portMax" | "baseport"> {
	const [rangeText = "", baseText] = shifted ? text.split("/") : [text];
	const dash = rangeDash(rangeText);
	const portMin = readNatPort(dash < 0 ? rangeText : rangeText.slice(0, dash));
	const portMax = dash < 0 ? portMin : readNatPort(rangeText.slice(dash + 1));
	if (portMax < portMin) throw new Refusal("a port range with min ≤ max");
	const baseport = baseText === undefined ? null : readNatPort(baseText);
	return { portMin, portMax, baseport };
}

/** Where a range's dash is: names have dashes too, so only a dash after a number counts, else the text is one name. */
function rangeDash(text: string): number {
	return /^[0-9]+-/.test(text) ? text.indexOf("-") : -1;
}

function readNatPort(text: string): number {
	const port = readPort(text, "a port 1–65535 or a range min-max");
	if (port === 0) throw new Refusal("a port 1–65535");
	return port;
}

function readAddresses(text: string, context: RuleContext): Pick<NatValue, "addressMin" | "addressMax"> {
	if (text === "") return { addressMin: null, addressMax: null };
	const [low = "", high = low, ...more] = text.split("-");
	const min = readAddress(low, context.family);
	const max = readAddress(high, context.family);
	const short = context.family === "ipv4" && [low, high].some((part) => part.split(".").length !== 4);
	if (min === null || max === null || short || more.length > 0) throw new Refusal(`${expectedAddress(context.family)} or a range min-max`);
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

const PORT_PROTOCOLS = [TCP, UDP, SCTP, DCCP, ICMP, ICMPV6, UDPLITE];

function wantPortProtocol(context: RuleContext): void {
	const { protocol } = context;
	if (protocol === null || protocol.not || !PORT_PROTOCOLS.includes(protocol.value)) {
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
	print: (value) => (value.kind === "nat" && value.portMin !== null ? printPorts(value.portMin, value.portMax, null) : ""),
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
	options: [{ name: "to", type: prefix(), mandatory: true }],
};

export const natTargets: ExtensionTable[] = [dnat, snat, masquerade, redirect, netmap];
