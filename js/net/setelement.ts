// Elements of an ipset as typed values (ipset(8), "SET TYPES"): one part a dimension, ranges as one element each.

import {
	addressBits,
	addressFromBigInt,
	addressToBigInt,
	canonicalAddress,
	familyOf,
	maskPrefix,
	parsePrefix,
} from "./address.ts";
import { nearestWord, type TextError } from "./error.ts";
import { icmpTypeName, readIcmpType } from "./iptables/extensions/icmp.ts";
import { ICMP, ICMPV6, protocolName, protocolNumber, SCTP, TCP, UDP, UDPLITE } from "./iptables/protocols.ts";
import { services } from "./iptables/services.ts";
import type { Family } from "./ruleset.ts";

/** One dimension of an element, typed. */
export type SetPart =
	| { kind: "ip"; address: string }
	| { kind: "net"; address: string; length: number }
	/** `icmp` where the protocol is ICMP or ICMPv6: then `port` is type × 256 + code. */
	| { kind: "port"; protocol: number; port: number }
	/** bitmap:port: a port without protocol. */
	| { kind: "number"; value: number }
	| { kind: "mac"; address: string }
	| { kind: "mark"; value: number }
	| { kind: "iface"; device: string; physdev: boolean }
	| { kind: "set"; name: string };

type Dimension = SetPart["kind"];

/** Set types that are read typed, with their dimensions. */
export const TYPES: Readonly<Record<string, Dimension[]>> = {
	"hash:ip": ["ip"],
	"hash:net": ["net"],
	"hash:ip,port": ["ip", "port"],
	"hash:net,port": ["net", "port"],
	"hash:ip,port,ip": ["ip", "port", "ip"],
	"hash:ip,port,net": ["ip", "port", "net"],
	"hash:net,net": ["net", "net"],
	"hash:net,port,net": ["net", "port", "net"],
	"hash:net,iface": ["net", "iface"],
	"hash:ip,mark": ["ip", "mark"],
	"hash:ip,mac": ["ip", "mac"],
	"hash:mac": ["mac"],
	"bitmap:port": ["number"],
	"bitmap:ip": ["ip"],
	"list:set": ["set"],
};

/** Most elements that one range may stand for. */
const RANGE_MAX = 65536;

export interface SetWord {
	text: string;
	column: number;
}

/** What an element's words mean depends on its set. */
export interface SetKind {
	type: string;
	family: Family;
	options: ReadonlyMap<string, string>;
}

export class ElementReading {
	/** Names of the sets created before, for `list:set`. */
	readonly names: { has(name: string): boolean; keys(): Iterable<string> };
	readonly refuse: (word: SetWord | undefined, expected: string, nearest?: string | null) => TextError;

	constructor(names: ElementReading["names"], refuse: ElementReading["refuse"]) {
		this.names = names;
		this.refuse = refuse;
	}

	/** The elements that a word stands for; one null where the type is carried. */
	read(set: SetKind, word: SetWord): (SetPart[] | null)[] {
		const dimensions = TYPES[set.type];
		if (dimensions === undefined) return [null];
		const texts = word.text.split(",");
		const [last] = dimensions.slice(-1);
		if (texts.length !== dimensions.length)
			throw this.refuse(word, `${dimensions.length} part(s) (${set.type}), the last a ${last}`);
		let elements: SetPart[][] = [[]];
		for (const [index, text] of texts.entries()) {
			const at = { text, column: word.column + texts.slice(0, index).join(",").length + (index > 0 ? 1 : 0) };
			const parts = this.readPart(set, dimensions[index] as Dimension, at);
			elements = elements.flatMap((element) => parts.map((part) => [...element, part]));
			if (elements.length > RANGE_MAX) throw this.refuse(at, `a range of at most ${RANGE_MAX} elements`);
		}
		return elements;
	}

	readPart(set: SetKind, dimension: Dimension, word: SetWord): SetPart[] {
		const { text } = word;
		switch (dimension) {
			case "ip":
				return this.readAddresses(set, word);
			case "net":
				return [this.readNetwork(set, word)];
			case "port":
				return this.readPorts(set, word);
			case "number":
				return this.readRange(text, word).map((value) => ({ kind: "number", value }));
			case "mac":
				if (!/^([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}$/.test(text)) throw this.refuse(word, "an Ethernet address");
				return [
					{
						kind: "mac",
						address: text
							.split(":")
							.map((byte) => byte.padStart(2, "0").toUpperCase())
							.join(":"),
					},
				];
			case "mark":
				if (!/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(text)) throw this.refuse(word, "a mark");
				return [{ kind: "mark", value: Number(text) }];
			case "iface":
				return [{ kind: "iface", device: text.replace(/^physdev:/, ""), physdev: text.startsWith("physdev:") }];
			default:
				if (!this.names.has(text))
					throw this.refuse(word, "the name of a set created before", nearestWord(text, this.names.keys()));
				return [{ kind: "set", name: text }];
		}
	}

	readAddresses(set: SetKind, word: SetWord): SetPart[] {
		const { family } = set;
		const [low = "", high] = word.text.split("-");
		if (high !== undefined) return this.addressRange(family, low, high, word);
		const prefix = parsePrefix(low);
		if (prefix === null || prefix.family !== family) throw this.refuse(word, `an address of ${family}`);
		if (prefix.length === addressBits(family)) return [{ kind: "ip", address: prefix.address }];
		const first = addressToBigInt(maskPrefix(prefix).address);
		const last = first + (1n << BigInt(addressBits(family) - prefix.length)) - 1n;
		return this.addressRange(
			family,
			addressFromBigInt(first, family),
			addressFromBigInt(last, family),
			word,
			set.options.get("netmask"),
		);
	}

	addressRange(family: Family, low: string, high: string, word: SetWord, netmask?: string): SetPart[] {
		const [from, to] = [canonicalAddress(low), canonicalAddress(high)];
		if (from === null || to === null || familyOf(from) !== family || familyOf(to) !== family)
			throw this.refuse(word, `a range of addresses of ${family}`);
		const first = addressToBigInt(from);
		const step = 1n << BigInt(addressBits(family) - Number(netmask ?? addressBits(family)));
		const count = (addressToBigInt(to) - first) / step + 1n;
		if (count < 1n || count > BigInt(RANGE_MAX)) throw this.refuse(word, `a range of 1–${RANGE_MAX} addresses`);
		return Array.from({ length: Number(count) }, (_, index) => ({
			kind: "ip",
			address: addressFromBigInt(first + BigInt(index) * step, family),
		}));
	}

	readNetwork({ family }: SetKind, word: SetWord): SetPart {
		if (word.text.includes("-") && parsePrefix(word.text) === null)
			throw this.refuse(word, "a network address/length (ranges are not read)");
		const prefix = parsePrefix(word.text);
		if (prefix === null || prefix.family !== family) throw this.refuse(word, `a network of ${family}`);
		const { address, length } = maskPrefix(prefix);
		return { kind: "net", address, length };
	}

	/** `tcp:80`, `80`, `udp:53-60`, `icmp:8/0`, `gre:0`. */
	readPorts({ family }: SetKind, word: SetWord): SetPart[] {
		const colon = word.text.indexOf(":");
		const protocol = colon < 0 ? TCP : protocolNumber(word.text.slice(0, colon));
		const portText = word.text.slice(colon + 1);
		if (protocol === null)
			throw this.refuse(word, "PROTOCOL:PORT", nearestWord(word.text.slice(0, colon), ["tcp", "udp", "sctp", "icmp"]));
		if (protocol === (family === "ipv4" ? ICMP : ICMPV6)) {
			const type = readIcmpType(portText, family);
			if (type === null) throw this.refuse(word, "an ICMP type/code or its name");
			return [{ kind: "port", protocol, port: type.type * 256 + type.codeMin }];
		}
		if (![TCP, UDP, SCTP, UDPLITE].includes(protocol) && portText !== "0")
			throw this.refuse(word, "port 0 for a protocol without ports");
		const named = services().get(portText);
		const ports = named === undefined ? this.readRange(portText, word) : [named];
		return ports.map((port) => ({ kind: "port", protocol, port }));
	}

	/** `80` or `80-90`. */
	readRange(text: string, word: SetWord): number[] {
		const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
		const first = Number(match?.[1]);
		const last = Number(match?.[2] ?? match?.[1]);
		if (match === null || last > 0xffff || first > last) throw this.refuse(word, "a port 0–65535 or a range min-max");
		return Array.from({ length: last - first + 1 }, (_, index) => first + index);
	}
}

/** The element's text, as `ipset save` prints it. */
export function printParts(parts: readonly SetPart[]): string {
	return parts.map(printPart).join(",");
}

function printPart(part: SetPart): string {
	switch (part.kind) {
		case "ip":
		case "mac":
			return part.address;
		case "net":
			return part.length === (part.address.includes(":") ? 128 : 32) ? part.address : `${part.address}/${part.length}`;
		case "port":
			return `${protocolName(part.protocol)}:${portText(part.protocol, part.port)}`;
		case "number":
			return String(part.value);
		case "mark":
			return `0x${part.value.toString(16).padStart(8, "0")}`;
		case "iface":
			return `${part.physdev ? "physdev:" : ""}${part.device}`;
		default:
			return part.name;
	}
}

function portText(protocol: number, port: number): string {
	if (protocol !== ICMP && protocol !== ICMPV6) return String(port);
	const [type, code] = [port >> 8, port & 255];
	const name = icmpTypeName(type, code, protocol === ICMP ? "ipv4" : "ipv6");
	return name === null || UNNAMED.has(name) ? `${type}/${code}` : name;
}

/** Names that iptables has and ipset has not. */
const UNNAMED: ReadonlySet<string> = new Set(["beyond-scope", "failed-policy", "reject-route"]);
