// IP sets as `ipset save` prints and `ipset restore` reads them (ipset(8), measured against 7.17). Elements of the types
// in TYPES are read typed and printed canonically; sets of other types are carried: their elements stay as written.
// Ranges (`10.0.0.1-10.0.0.9`, `tcp:80-90`) become one element each; ranges of networks are refused.

import { addressBits, addressFromBigInt, addressToBigInt, canonicalAddress, familyOf, maskPrefix, parsePrefix } from "./address.ts";
import { nearestWord, TextError } from "./error.ts";
import { ICMP, ICMPV6, protocolName, protocolNumber, SCTP, TCP, UDP, UDPLITE } from "./iptables/protocols.ts";
import { icmpTypeName, readIcmpType } from "./iptables/extensions/icmp.ts";
import { SERVICES } from "./iptables/services.ts";
import type { Family } from "./ruleset.ts";
import { linesOf } from "./text.ts";

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

export interface IpSetEntry {
	/** Canonical text: `10.0.0.1,tcp:80`. */
	element: string;
	/** One a dimension; null for a carried type. */
	parts: SetPart[] | null;
	nomatch: boolean;
	/** Seconds left; 0: for ever; null: none given. */
	timeout: number | null;
	packets: bigint | null;
	bytes: bigint | null;
	comment: string | null;
	/** Other words of the entry, `skbmark 0x1/0xff`, in order. */
	attributes: { name: string; value: string }[];
	line: number | null;
}

export interface IpSet {
	name: string;
	/** `hash:ip,port` … */
	type: string;
	family: Family;
	/** Words of `create` after the type, in order: `family` → `inet`; `""` for words without a value. */
	options: ReadonlyMap<string, string>;
	entries: IpSetEntry[];
	/** The type's elements are kept as written. */
	carried: boolean;
	line: number | null;
}

type Dimension = SetPart["kind"];

/** Set types that are read typed, with their dimensions. */
const TYPES: Readonly<Record<string, Dimension[]>> = {
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

/** Set types that are carried. */
const OTHER_TYPES = ["bitmap:ip,mac"];

/** Words of `create` and `add` that take no value. */
const FLAGS = ["counters", "comment", "forceadd", "skbinfo"];
const CREATE_WORDS = ["family", "hashsize", "maxelem", "timeout", "netmask", "bitmask", "range", "size", "markmask", "bucketsize", "initval", ...FLAGS];
const ADD_WORDS = ["timeout", "nomatch", "packets", "bytes", "comment", "skbmark", "skbprio", "skbqueue"];

/** Longest name of a set, in bytes. */
const NAME_MAX = 31;
/** Most elements that one range may stand for. */
const RANGE_MAX = 65536;

export interface IpSetReadOptions {
	file?: string;
}

/** The sets of a text, in its order. `create`, `add`, `flush`, `destroy` and `del` are read. Throws TextError. */
export function parseIpsetSave(text: string, options: IpSetReadOptions = {}): IpSet[] {
	const reading = new IpSetReading(options.file ?? "-");
	for (const [index, line] of linesOf(text).entries()) reading.readLine(line, index + 1);
	return [...reading.sets.values()];
}

interface SetWord {
	text: string;
	column: number;
}

class IpSetReading {
	readonly sets = new Map<string, IpSet>();
	readonly file: string;
	line = 0;
	end = 0;

	constructor(file: string) {
		this.file = file;
	}

	refuse(word: SetWord | undefined, expected: string, nearest: string | null = null): TextError {
		return new TextError({ file: this.file, line: this.line, column: word?.column ?? this.end + 1, word: word?.text ?? null, expected, nearest });
	}

	readLine(text: string, line: number): void {
		this.line = line;
		this.end = text.trimEnd().length;
		const words = this.split(text);
		const [command, name, ...rest] = words;
		if (command === undefined || command.text.startsWith("#") || command.text === "COMMIT" || command.text === "quit") return;
		const verb = command.text.replace(/^-+/, "");
		if (!["create", "add", "del", "flush", "destroy", "N", "A", "D", "F", "X"].includes(verb)) {
			throw this.refuse(command, "create, add, del, flush or destroy", nearestWord(command.text, ["create", "add", "del", "flush", "destroy"]));
		}
		if (verb === "create" || verb === "N") this.create(name, rest);
		else if (verb === "add" || verb === "A") this.add(this.known(name), rest);
		else if (verb === "del" || verb === "D") this.remove(this.known(name), rest);
		else if (verb === "flush" || verb === "F") for (const set of name === undefined ? this.sets.values() : [this.known(name)]) set.entries = [];
		else if (name === undefined) this.sets.clear();
		else this.sets.delete(this.known(name).name);
	}

	/** Words; a double quote opens a word that may hold blanks. */
	split(text: string): SetWord[] {
		const words: SetWord[] = [];
		for (const match of text.matchAll(/"([^"]*)"|[^\s"]\S*|"/g)) {
			const column = (match.index ?? 0) + 1;
			if (match[0] === '"') throw this.refuse({ text: text.slice(column - 1), column }, "a closing quote");
			words.push({ text: match[1] ?? match[0], column });
		}
		return words;
	}

	known(name: SetWord | undefined): IpSet {
		const set = name === undefined ? undefined : this.sets.get(name.text);
		if (set === undefined) throw this.refuse(name, "the name of a set created before", name === undefined ? null : nearestWord(name.text, this.sets.keys()));
		return set;
	}

	create(name: SetWord | undefined, words: SetWord[]): void {
		const type = words[0];
		if (name === undefined || type === undefined) throw this.refuse(undefined, "create NAME TYPE");
		if (new TextEncoder().encode(name.text).length > NAME_MAX) throw this.refuse(name, `a name of at most ${NAME_MAX} bytes`);
		if (this.sets.has(name.text)) throw this.refuse(name, "a name that no set has");
		const near = nearestWord(type.text, Object.keys(TYPES));
		const isType = TYPES[type.text] !== undefined || OTHER_TYPES.includes(type.text) || (near === null && /^(hash|bitmap|list):[a-z,]+$/.test(type.text));
		if (!isType) throw this.refuse(type, "a set type", near);
		const options = new Map<string, string>();
		for (let i = 1; i < words.length; i++) {
			const word = words[i] as SetWord;
			if (!CREATE_WORDS.includes(word.text)) throw this.refuse(word, "an option of create", nearestWord(word.text, CREATE_WORDS));
			if (options.has(word.text)) throw this.refuse(word, `${word.text} once`);
			const value = FLAGS.includes(word.text) ? null : words[++i];
			if (value === undefined) throw this.refuse(undefined, `a value after ${word.text}`);
			options.set(word.text, value?.text ?? "");
		}
		const family: Family = options.get("family") === "inet6" ? "ipv6" : "ipv4";
		const carried = TYPES[type.text] === undefined;
		this.sets.set(name.text, { name: name.text, type: type.text, family, options, entries: [], carried, line: this.line });
	}

	add(set: IpSet, words: SetWord[]): void {
		const element = words[0];
		if (element === undefined) throw this.refuse(undefined, `an element of set ${set.name}`);
		const entry: Omit<IpSetEntry, "element" | "parts"> = { nomatch: false, timeout: null, packets: null, bytes: null, comment: null, attributes: [], line: this.line };
		for (let i = 1; i < words.length; i++) {
			const word = words[i] as SetWord;
			if (!ADD_WORDS.includes(word.text)) throw this.refuse(word, "an option of add", nearestWord(word.text, ADD_WORDS));
			if (word.text === "nomatch") {
				entry.nomatch = true;
				continue;
			}
			const value = words[++i];
			if (value === undefined) throw this.refuse(undefined, `a value after ${word.text}`);
			this.setOption(entry, word.text, value);
		}
		if (entry.timeout !== null && !set.options.has("timeout")) throw this.refuse(element, `no timeout: set ${set.name} was created without one`);
		for (const parts of this.readElement(set, element)) {
			set.entries.push({ ...entry, element: parts === null ? element.text : printParts(parts), parts });
		}
	}

	setOption(entry: Omit<IpSetEntry, "element" | "parts">, name: string, value: SetWord): void {
		if (name === "comment") entry.comment = value.text;
		else if (name.startsWith("skb")) entry.attributes.push({ name, value: value.text });
		else if (!/^[0-9]+$/.test(value.text)) throw this.refuse(value, "a number");
		else if (name === "timeout") entry.timeout = Number(value.text);
		else if (name === "packets") entry.packets = BigInt(value.text);
		else entry.bytes = BigInt(value.text);
	}

	remove(set: IpSet, words: SetWord[]): void {
		const element = words[0];
		if (element === undefined) throw this.refuse(undefined, `an element of set ${set.name}`);
		for (const parts of this.readElement(set, element)) {
			const text = parts === null ? element.text : printParts(parts);
			const index = set.entries.findIndex((entry) => entry.element === text);
			if (index < 0) throw this.refuse(element, `an element that set ${set.name} has`);
			set.entries.splice(index, 1);
		}
	}

	/** The elements that a word stands for; one null where the type is carried. */
	readElement(set: IpSet, word: SetWord): (SetPart[] | null)[] {
		const dimensions = TYPES[set.type];
		if (dimensions === undefined) return [null];
		const texts = word.text.split(",");
		const [last] = dimensions.slice(-1);
		if (texts.length !== dimensions.length) throw this.refuse(word, `${dimensions.length} part(s) (${set.type}), the last a ${last}`);
		let elements: SetPart[][] = [[]];
		for (const [index, text] of texts.entries()) {
			const at = { text, column: word.column + texts.slice(0, index).join(",").length + (index > 0 ? 1 : 0) };
			const parts = this.readPart(set, dimensions[index] as Dimension, at);
			elements = elements.flatMap((element) => parts.map((part) => [...element, part]));
			if (elements.length > RANGE_MAX) throw this.refuse(at, `a range of at most ${RANGE_MAX} elements`);
		}
		return elements;
	}

	readPart(set: IpSet, dimension: Dimension, word: SetWord): SetPart[] {
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
				return [{ kind: "mac", address: text.split(":").map((byte) => byte.padStart(2, "0").toUpperCase()).join(":") }];
			case "mark":
				if (!/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(text)) throw this.refuse(word, "a mark");
				return [{ kind: "mark", value: Number(text) }];
			case "iface":
				return [{ kind: "iface", device: text.replace(/^physdev:/, ""), physdev: text.startsWith("physdev:") }];
			default:
				if (!this.sets.has(text)) throw this.refuse(word, "the name of a set created before", nearestWord(text, this.sets.keys()));
				return [{ kind: "set", name: text }];
		}
	}

	readAddresses(set: IpSet, word: SetWord): SetPart[] {
		const { family } = set;
		const [low = "", high] = word.text.split("-");
		if (high !== undefined) return this.addressRange(family, low, high, word);
		const prefix = parsePrefix(low);
		if (prefix === null || prefix.family !== family) throw this.refuse(word, `an address of ${family}`);
		if (prefix.length === addressBits(family)) return [{ kind: "ip", address: prefix.address }];
		const first = addressToBigInt(maskPrefix(prefix).address);
		const last = first + (1n << BigInt(addressBits(family) - prefix.length)) - 1n;
		return this.addressRange(family, addressFromBigInt(first, family), addressFromBigInt(last, family), word, set.options.get("netmask"));
	}

	addressRange(family: Family, low: string, high: string, word: SetWord, netmask?: string): SetPart[] {
		const [from, to] = [canonicalAddress(low), canonicalAddress(high)];
		if (from === null || to === null || familyOf(from) !== family || familyOf(to) !== family) throw this.refuse(word, `a range of addresses of ${family}`);
		const first = addressToBigInt(from);
		const step = 1n << BigInt(addressBits(family) - Number(netmask ?? addressBits(family)));
		const count = (addressToBigInt(to) - first) / step + 1n;
		if (count < 1n || count > BigInt(RANGE_MAX)) throw this.refuse(word, `a range of 1–${RANGE_MAX} addresses`);
		return Array.from({ length: Number(count) }, (_, index) => ({ kind: "ip", address: addressFromBigInt(first + BigInt(index) * step, family) }));
	}

	readNetwork({ family }: IpSet, word: SetWord): SetPart {
		if (word.text.includes("-") && parsePrefix(word.text) === null) throw this.refuse(word, "a network address/length (ranges are not read)");
		const prefix = parsePrefix(word.text);
		if (prefix === null || prefix.family !== family) throw this.refuse(word, `a network of ${family}`);
		const { address, length } = maskPrefix(prefix);
		return { kind: "net", address, length };
	}

	/** `tcp:80`, `80`, `udp:53-60`, `icmp:8/0`, `gre:0`. */
	readPorts({ family }: IpSet, word: SetWord): SetPart[] {
		const colon = word.text.indexOf(":");
		const protocol = colon < 0 ? TCP : protocolNumber(word.text.slice(0, colon));
		const portText = word.text.slice(colon + 1);
		if (protocol === null) throw this.refuse(word, "PROTOCOL:PORT", nearestWord(word.text.slice(0, colon), ["tcp", "udp", "sctp", "icmp"]));
		if (protocol === (family === "ipv4" ? ICMP : ICMPV6)) {
			const type = readIcmpType(portText, family);
			if (type === null) throw this.refuse(word, "an ICMP type/code or its name");
			return [{ kind: "port", protocol, port: type.type * 256 + type.codeMin }];
		}
		if (![TCP, UDP, SCTP, UDPLITE].includes(protocol) && portText !== "0") throw this.refuse(word, "port 0 for a protocol without ports");
		const named = SERVICES.get(portText);
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

/** The text of `ipset save`; each line ends in a line feed. */
export function printIpsetSave(sets: readonly IpSet[]): string {
	return sets.flatMap((set) => [createLine(set), ...set.entries.map((entry) => addLine(set, entry))]).map((line) => `${line}\n`).join("");
}

function createLine(set: IpSet): string {
	const options = [...set.options].map(([name, value]) => (value === "" ? name : `${name} ${value}`));
	return ["create", set.name, set.type, ...options].join(" ");
}

function addLine(set: IpSet, entry: IpSetEntry): string {
	const words = ["add", set.name, entry.element];
	if (entry.timeout !== null) words.push("timeout", String(entry.timeout));
	if (entry.nomatch) words.push("nomatch");
	if (entry.packets !== null) words.push("packets", String(entry.packets));
	if (entry.bytes !== null) words.push("bytes", String(entry.bytes));
	if (entry.comment !== null) words.push("comment", `"${entry.comment}"`);
	for (const { name, value } of entry.attributes) words.push(name, value);
	return words.join(" ");
}
