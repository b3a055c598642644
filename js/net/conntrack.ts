// Connection tracking entries as `conntrack -L` prints them (conntrack(8), conntrack-tools 1.4.7), also with
// `-o extended`, `-o id`, and as /proc/net/nf_conntrack has them.

import { TextError } from "./error.ts";
import { linesOf, type TextWord, wordsOf } from "./text.ts";

export interface ConntrackTuple {
	src: string;
	dst: string;
	/** TCP, UDP, SCTP, DCCP, UDP-Lite. */
	sport: number | null;
	dport: number | null;
	/** ICMP. */
	icmp: { type: number; code: number; id: number } | null;
	/** GRE. */
	keys: { src: string; dst: string } | null;
	/** `zone-orig` or `zone-reply`: the zone of this direction only. */
	zone: number | null;
	/** Only where accounting is on. */
	packets: bigint | null;
	bytes: bigint | null;
}

export interface ConntrackEntry {
	/** Network protocol before the transport's, with `-o extended`: `ipv4 2`. */
	network: { name: string; number: number } | null;
	/** `tcp`, `udp`, `icmp` … or `unknown`. */
	proto: string;
	protonum: number;
	/** Seconds left; null where the text has none (an offloaded entry). */
	timeout: number | null;
	/** `ESTABLISHED` …; null for protocols without states. */
	state: string | null;
	/** No packet has come back yet: `[UNREPLIED]`. */
	unreplied: boolean;
	/** `ASSURED`, `OFFLOAD`, `HW_OFFLOAD`, `SEEN_REPLY` … as printed after the reply. */
	status: string[];
	original: ConntrackTuple;
	reply: ConntrackTuple;
	mark: number | null;
	/** Zone of both directions. */
	zone: number | null;
	/** References. */
	use: number | null;
	/** Others of conntrack-tools' `name=value`: secctx, helper, delta-time, id, labels … */
	attributes: { name: string; value: string }[];
	line: number | null;
}

export interface ConntrackReadOptions {
	file?: string;
}

/** The entries of a text; conntrack-tools' own lines ("… flow entries have been shown") are skipped. Throws TextError. */
export function parseConntrack(text: string, options: ConntrackReadOptions = {}): ConntrackEntry[] {
	const entries: ConntrackEntry[] = [];
	for (const [index, line] of linesOf(text).entries()) {
		if (line.trim() === "" || line.startsWith("#") || /^conntrack v.*flow entries/.test(line)) continue;
		entries.push(parseConntrackLine(line, { ...options, line: index + 1 }));
	}
	return entries;
}

/** One entry. Throws TextError. */
export function parseConntrackLine(
	text: string,
	options: ConntrackReadOptions & { line?: number } = {},
): ConntrackEntry {
	return new ConntrackReading(text, options.file ?? "-", options.line ?? 1).read();
}

class ConntrackReading {
	readonly words: TextWord[];
	readonly text: string;
	readonly file: string;
	readonly line: number;
	next = 0;

	constructor(text: string, file: string, line: number) {
		this.text = text;
		this.words = wordsOf(text);
		this.file = file;
		this.line = line;
	}

	refuse(word: TextWord | undefined, expected: string): TextError {
		return new TextError({
			file: this.file,
			line: this.line,
			column: word?.column ?? this.text.length + 1,
			word: word?.text ?? null,
			expected,
		});
	}

	/** The value of `name=value` at the next word, or null where the next word is another. */
	pair(name: string): string | null {
		const word = this.words[this.next];
		if (!word?.text.startsWith(`${name}=`)) return null;
		this.next++;
		return word.text.slice(name.length + 1);
	}

	need(name: string): string {
		const value = this.pair(name);
		if (value === null) throw this.refuse(this.words[this.next], `${name}=…`);
		return value;
	}

	number(name: string, value: string): number {
		if (!/^[0-9]+$/.test(value)) throw this.refuse(this.words[this.next - 1], `${name}=NUMBER`);
		return Number(value);
	}

	optionalNumber(name: string): number | null {
		const value = this.pair(name);
		return value === null ? null : this.number(name, value);
	}

	read(): ConntrackEntry {
		const network = this.readNetwork();
		const [proto, protonum] = [this.words[this.next], this.words[this.next + 1]];
		if (proto === undefined || protonum === undefined || !/^[0-9]+$/.test(protonum.text))
			throw this.refuse(proto, "a protocol's name and number");
		this.next += 2;
		const timeoutWord = this.words[this.next];
		const timeout = timeoutWord !== undefined && /^[0-9]+$/.test(timeoutWord.text) ? Number(timeoutWord.text) : null;
		if (timeout !== null) this.next++;
		const stateWord = this.words[this.next];
		const state = stateWord !== undefined && /^[A-Z][A-Z0-9_]*$/.test(stateWord.text) ? stateWord.text : null;
		if (state !== null) this.next++;
		const original = this.readTuple("zone-orig");
		const unreplied = this.words[this.next]?.text === "[UNREPLIED]";
		if (unreplied) this.next++;
		const reply = this.readTuple("zone-reply");
		const entry: ConntrackEntry = {
			network,
			proto: proto.text,
			protonum: Number(protonum.text),
			timeout,
			state,
			unreplied,
			status: [],
			original,
			reply,
			mark: null,
			zone: null,
			use: null,
			attributes: [],
			line: this.line,
		};
		while (this.next < this.words.length) this.readRest(entry);
		return entry;
	}

	readNetwork(): ConntrackEntry["network"] {
		const [name, number] = this.words;
		if (
			name === undefined ||
			number === undefined ||
			!/^(ipv4|ipv6|unknown)$/.test(name.text) ||
			this.words[2] === undefined
		)
			return null;
		if (!/^[a-z]/.test(this.words[2].text)) return null;
		this.next = 2;
		return { name: name.text, number: Number(number.text) };
	}

	readTuple(zoneName: string): ConntrackTuple {
		const src = this.need("src");
		const dst = this.need("dst");
		const sport = this.optionalNumber("sport");
		const dport = this.optionalNumber("dport");
		const type = this.optionalNumber("type");
		const icmp =
			type === null
				? null
				: { type, code: this.number("code", this.need("code")), id: this.number("id", this.need("id")) };
		const key = this.pair("srckey");
		const keys = key === null ? null : { src: key, dst: this.need("dstkey") };
		const zone = this.optionalNumber(zoneName);
		const packets = this.pair("packets");
		const bytes = packets === null ? null : this.need("bytes");
		const big = (value: string | null): bigint | null =>
			value === null ? null : BigInt(this.number("packets", value) >= 0 ? value : 0);
		return { src, dst, sport, dport, icmp, keys, zone, packets: big(packets), bytes: big(bytes) };
	}

	readRest(entry: ConntrackEntry): void {
		const word = this.words[this.next] as TextWord;
		const flag = /^\[([A-Z_]+)\]$/.exec(word.text);
		if (flag !== null) {
			entry.status.push(flag[1] as string);
			this.next++;
			return;
		}
		const pair = /^([a-z-]+)=(.*)$/.exec(word.text);
		if (pair === null) throw this.refuse(word, "name=value or [STATUS]");
		this.next++;
		const [, name = "", value = ""] = pair;
		if (name === "mark" || name === "zone" || name === "use") entry[name] = this.number(name, value);
		else entry.attributes.push({ name, value });
	}
}

/** The text of `conntrack -L`; each line ends in a line feed. */
export function printConntrack(entries: readonly ConntrackEntry[]): string {
	return entries.map((entry) => `${printConntrackEntry(entry)}\n`).join("");
}

/** Attributes that stand before `use`. */
const BEFORE_USE = ["secmark", "secctx", "delta-time", "helper"];

/** One entry in the words of conntrack-tools, without a line feed. */
export function printConntrackEntry(entry: ConntrackEntry): string {
	const words: string[] = [];
	if (entry.network !== null) words.push(`${entry.network.name.padEnd(8)} ${entry.network.number}`);
	words.push(`${entry.proto.padEnd(8)} ${entry.protonum}`);
	if (entry.timeout !== null) words.push(String(entry.timeout));
	if (entry.state !== null) words.push(entry.state);
	words.push(...tupleWords(entry.original, "zone-orig"));
	if (entry.unreplied) words.push("[UNREPLIED]");
	words.push(...tupleWords(entry.reply, "zone-reply"), ...entry.status.map((status) => `[${status}]`));
	const attribute = ({ name, value }: { name: string; value: string }): string => `${name}=${value}`;
	const secured = entry.attributes.filter(({ name }) => name.startsWith("sec"));
	const before = entry.attributes.filter(({ name }) => BEFORE_USE.includes(name) && !name.startsWith("sec"));
	const after = entry.attributes.filter(({ name }) => !BEFORE_USE.includes(name));
	if (entry.mark !== null) words.push(`mark=${entry.mark}`);
	words.push(...secured.map(attribute));
	if (entry.zone !== null) words.push(`zone=${entry.zone}`);
	words.push(...before.map(attribute));
	if (entry.use !== null) words.push(`use=${entry.use}`);
	words.push(...after.map(attribute));
	return words.join(" ");
}

function tupleWords(tuple: ConntrackTuple, zoneName: string): string[] {
	const words = [`src=${tuple.src}`, `dst=${tuple.dst}`];
	if (tuple.sport !== null) words.push(`sport=${tuple.sport}`);
	if (tuple.dport !== null) words.push(`dport=${tuple.dport}`);
	if (tuple.icmp !== null) words.push(`type=${tuple.icmp.type}`, `code=${tuple.icmp.code}`, `id=${tuple.icmp.id}`);
	if (tuple.keys !== null) words.push(`srckey=${tuple.keys.src}`, `dstkey=${tuple.keys.dst}`);
	if (tuple.zone !== null) words.push(`${zoneName}=${tuple.zone}`);
	if (tuple.packets !== null) words.push(`packets=${tuple.packets}`);
	if (tuple.bytes !== null) words.push(`bytes=${tuple.bytes}`);
	return words;
}
