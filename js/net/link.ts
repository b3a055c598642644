// Links and their addresses as `ip addr` prints them (ip-address(8), iproute2 6.1), also in the one-line form of
// `ip -o addr`. Lines of detail (`ip -d`, altname) are kept as they are.

import { canonicalAddress, familyOf, parsePrefix } from "./address.ts";
import { TextError } from "./error.ts";
import type { Family } from "./ruleset.ts";
import { linesOf, type TextWord, wordsOf } from "./text.ts";

export interface Link {
	index: number;
	name: string;
	/** What follows `@`: the other end (`if2`, `eth0`); null: none. */
	parent: string | null;
	/** `UP`, `LOWER_UP` … */
	flags: string[];
	/** `mtu 1500`, `master cbr0`, `state UP` …, in the order of the text. */
	attributes: { name: string; value: string }[];
	/** The `link/…` line; null where it was filtered away (`ip -4 addr`). */
	hardware: LinkHardware | null;
	/** Lines of detail, verbatim. */
	detail: string[];
	addresses: LinkAddress[];
	line: number | null;
}

export interface LinkHardware {
	/** `ether`, `loopback` … */
	type: string;
	address: string | null;
	/** `brd` or `peer` and what follows. */
	broadcast: { kind: "brd" | "peer"; address: string } | null;
	/** `link-netns NAME`, `link-netnsid N` … */
	attributes: { name: string; value: string }[];
}

export interface LinkAddress {
	family: Family;
	address: string;
	/** 0–32 or 0–128. */
	length: number;
	/** The other end's address; then `length` is that of the peer. */
	peer: string | null;
	metric: number | null;
	broadcast: string | null;
	anycast: string | null;
	scope: string;
	proto: string | null;
	/** `secondary`, `dynamic`, `noprefixroute`, `tentative` … */
	flags: string[];
	/** IPv4: the label, by default the device's name. */
	label: string | null;
	/** As printed: `forever`, `497sec`; null where the text has no such line. */
	valid: string | null;
	preferred: string | null;
}

export interface LinkReadOptions {
	file?: string;
}

const ADDRESS_FLAGS = [
	"secondary",
	"temporary",
	"nodad",
	"optimistic",
	"dadfailed",
	"home",
	"deprecated",
	"tentative",
	"permanent",
	"dynamic",
	"mngtmpaddr",
	"noprefixroute",
	"autojoin",
	"stable-privacy",
];

/** The links of a text of `ip addr` or `ip -o addr`. Throws TextError. */
export function parseLinks(text: string, options: LinkReadOptions = {}): Link[] {
	const reading = new LinkReading(options.file ?? "-");
	for (const [index, line] of linesOf(text).entries()) {
		for (const part of line.split("\\")) if (part.trim() !== "") reading.readLine(part, index + 1);
	}
	return reading.links;
}

class LinkReading {
	readonly links: Link[] = [];
	readonly file: string;
	line = 0;
	text = "";

	constructor(file: string) {
		this.file = file;
	}

	refuse(word: TextWord | undefined, expected: string): TextError {
		return new TextError({
			file: this.file,
			line: this.line,
			column: word?.column ?? this.text.trimEnd().length + 1,
			word: word?.text ?? null,
			expected,
		});
	}

	readLine(text: string, line: number): void {
		this.line = line;
		this.text = text;
		const words = wordsOf(text);
		const [first] = words;
		if (first === undefined) return;
		if (/^[0-9]+:$/.test(first.text) && !/^\s/.test(text)) this.readHead(words);
		else this.readMore(words, first);
	}

	readHead(words: TextWord[]): void {
		const [indexWord, nameWord] = words as [TextWord, TextWord | undefined];
		const index = Number(indexWord.text.slice(0, -1));
		if (nameWord === undefined) throw this.refuse(undefined, "a device's name");
		const isOneLine = !nameWord.text.endsWith(":");
		const [name = "", parent = null] = (isOneLine ? nameWord.text : nameWord.text.slice(0, -1)).split("@");
		const known = this.links.find((link) => link.index === index);
		if (isOneLine) {
			if (known === undefined) this.links.push(newLink(index, name, parent, this.line));
			else this.links.push(this.links.splice(this.links.indexOf(known), 1)[0] as Link);
			this.readMore(words.slice(2), words[2] as TextWord);
			return;
		}
		const link = newLink(index, name, parent, this.line);
		const flags = words[2];
		if (flags === undefined || !/^<.*>$/.test(flags.text))
			throw this.refuse(flags, "flags <…> after the device's name");
		link.flags = flags.text
			.slice(1, -1)
			.split(",")
			.filter((flag) => flag !== "");
		for (let i = 3; i < words.length; i += 2) {
			const value = words[i + 1];
			if (value === undefined) throw this.refuse(undefined, `a value after ${words[i]?.text}`);
			link.attributes.push({ name: (words[i] as TextWord).text, value: value.text });
		}
		this.links.push(link);
	}

	readMore(words: TextWord[], first: TextWord | undefined): void {
		const link = this.links.at(-1);
		if (link === undefined || first === undefined) throw this.refuse(first, "a link: INDEX: NAME: <FLAGS> …");
		if (first.text.startsWith("link/")) link.hardware = this.readHardware(words, first);
		else if (first.text === "inet" || first.text === "inet6")
			link.addresses.push(this.readAddress(words, first.text === "inet" ? "ipv4" : "ipv6"));
		else if (first.text === "valid_lft") this.readLifetime(link, words);
		else if (/^\s/.test(this.text)) link.detail.push(this.text);
		else throw this.refuse(first, "a link, link/…, inet, inet6 or valid_lft");
	}

	readHardware(words: TextWord[], first: TextWord): LinkHardware {
		const hardware: LinkHardware = {
			type: first.text.slice("link/".length),
			address: null,
			broadcast: null,
			attributes: [],
		};
		let i = 1;
		const isName = (word: TextWord | undefined): boolean =>
			word === undefined || word.text === "brd" || word.text === "peer" || word.text.startsWith("link-netns");
		if (!isName(words[i])) hardware.address = (words[i++] as TextWord).text;
		while (i < words.length) {
			const name = (words[i] as TextWord).text;
			const value = words[i + 1];
			if (value === undefined) throw this.refuse(undefined, `a value after ${name}`);
			if (name === "brd" || name === "peer") hardware.broadcast = { kind: name, address: value.text };
			else hardware.attributes.push({ name, value: value.text });
			i += 2;
		}
		return hardware;
	}

	readAddress(words: TextWord[], family: Family): LinkAddress {
		const out: LinkAddress = {
			family,
			address: "",
			length: 0,
			peer: null,
			metric: null,
			broadcast: null,
			anycast: null,
			scope: "global",
			proto: null,
			flags: [],
			label: null,
			valid: null,
			preferred: null,
		};
		const local = words[1];
		if (local === undefined) throw this.refuse(undefined, "an address");
		const hasPeer = words[2]?.text === "peer";
		const prefixWord = hasPeer ? words[3] : local;
		const prefix = prefixWord === undefined ? null : parsePrefix(prefixWord.text);
		if (prefix === null || prefix.family !== family) throw this.refuse(prefixWord, `an address/length of ${family}`);
		const address = hasPeer ? canonicalAddress(local.text) : prefix.address;
		if (address === null || familyOf(address) !== family) throw this.refuse(local, `an address of ${family}`);
		out.address = address;
		out.length = prefix.length;
		out.peer = hasPeer ? prefix.address : null;
		for (let i = hasPeer ? 4 : 2; i < words.length; i++) i += this.readAddressWord(out, words, i);
		return out;
	}

	/** Reads the word at `i`; the number of words that belong to it. */
	readAddressWord(out: LinkAddress, words: TextWord[], i: number): 0 | 1 {
		const { text } = words[i] as TextWord;
		const value = words[i + 1];
		if (["metric", "brd", "any", "scope", "proto"].includes(text)) {
			if (value === undefined) throw this.refuse(undefined, `a value after ${text}`);
			if (text === "metric") out.metric = Number(value.text);
			else if (text === "brd") out.broadcast = value.text;
			else if (text === "any") out.anycast = value.text;
			else if (text === "scope") out.scope = value.text;
			else out.proto = value.text;
			return 1;
		}
		if (ADDRESS_FLAGS.includes(text)) out.flags.push(text);
		else if (out.family === "ipv4" && i === words.length - 1) out.label = text;
		else throw this.refuse(words[i], "a word of an address (scope, brd, a flag or the label)");
		return 0;
	}

	readLifetime(link: Link, words: TextWord[]): void {
		const address = link.addresses.at(-1);
		const [, valid, name, preferred] = words;
		if (address === undefined || valid === undefined || name?.text !== "preferred_lft" || preferred === undefined) {
			throw this.refuse(words[0], "valid_lft TIME preferred_lft TIME after an address");
		}
		address.valid = valid.text;
		address.preferred = preferred.text;
	}
}

function newLink(index: number, name: string, parent: string | null, line: number | null): Link {
	return { index, name, parent, flags: [], attributes: [], hardware: null, detail: [], addresses: [], line };
}

/** The text of `ip addr`; each line ends in a line feed. */
export function printLinks(links: readonly Link[]): string {
	return links
		.flatMap(linkLines)
		.map((line) => `${line}\n`)
		.join("");
}

/** The text of `ip -o addr`: one line an address. */
export function printLinksOneLine(links: readonly Link[]): string {
	return links
		.flatMap((link) =>
			link.addresses.map(
				(address) => `${link.index}: ${link.name}    ${addressText(address)}\\       ${lifetimeText(address)}\n`,
			),
		)
		.join("");
}

function linkLines(link: Link): string[] {
	const name = link.parent === null ? link.name : `${link.name}@${link.parent}`;
	const attributes = link.attributes.map(({ name: key, value }) => `${key} ${value}`);
	const lines = [[`${link.index}: ${name}:`, `<${link.flags.join(",")}>`, ...attributes].join(" ")];
	// iproute2 leaves a blank after `group default` where no qlen follows.
	if (link.attributes.at(-1)?.name === "group") lines[0] += " ";
	if (link.hardware !== null) lines.push(hardwareText(link.hardware));
	lines.push(...link.detail);
	for (const address of link.addresses) {
		lines.push(`    ${addressText(address)}`);
		if (address.valid !== null) lines.push(`       ${lifetimeText(address)}`);
	}
	return lines;
}

function hardwareText({ type, address, broadcast, attributes }: LinkHardware): string {
	const words = [`    link/${type}`];
	if (address !== null) words.push(address);
	if (broadcast !== null) words.push(broadcast.kind, broadcast.address);
	for (const { name, value } of attributes) words.push(name, value);
	return words.join(" ") + (address === null ? " " : "");
}

function addressText(address: LinkAddress): string {
	const isV4 = address.family === "ipv4";
	const words = [isV4 ? "inet" : "inet6"];
	if (address.peer === null) words.push(`${address.address}/${address.length}`);
	else words.push(address.address, "peer", `${address.peer}/${address.length}`);
	if (address.metric !== null) words.push("metric", String(address.metric));
	if (address.broadcast !== null) words.push("brd", address.broadcast);
	if (address.anycast !== null) words.push("any", address.anycast);
	words.push("scope", address.scope);
	if (address.proto !== null) words.push("proto", address.proto);
	words.push(...address.flags, address.label ?? "");
	return words.join(" ");
}

function lifetimeText(address: LinkAddress): string {
	return `valid_lft ${address.valid ?? "forever"} preferred_lft ${address.preferred ?? "forever"}`;
}
