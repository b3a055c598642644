// What happened beside the traffic, as CSV `time,done,kind,node,object,detail` (RFC 4180): rules reloaded, conntrack
// entries deleted, objects applied or deleted, a client that vanished. Each event names its texts by file; who replays
// resolves them. An unknown kind is an error, because an event left out would change verdicts.

import { familyOf, parsePrefix } from "../net/address.ts";
import { LineError, shown } from "./errors.ts";
import { parseTime } from "./time.ts";

export const EVENT_HEADER = "time,done,kind,node,object,detail";
const FIELDS = EVENT_HEADER.split(",");
const KINDS = ["iptables-restore", "conntrack-delete", "apply", "delete", "client-lost"] as const;
const PROTOCOLS: Record<string, number> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 };

interface EventBase {
	/** When it began, and when it was through: it takes effect between the two. Nanoseconds since 1970. */
	timeNs: bigint;
	doneNs: bigint;
	/** Node name, or `router`; empty for events of the whole cluster. */
	node: string;
	object: string;
	detail: string;
	/** 1-based line in the file. */
	line: number;
}

/** `iptables-restore --noflush` on a node. */
export interface RestoreEvent extends EventBase {
	kind: "iptables-restore";
	/** `file=PATH` of the detail, beside the events file; null: the node's `reload.iptables-restore.txt` in the node-state folder. */
	textFile: string | null;
}

/** `conntrack -D` on a node: entries that agree with all that is given are deleted. */
export interface ConntrackDeleteEvent extends EventBase {
	kind: "conntrack-delete";
	filter: ConntrackFilter;
	/** How many were deleted in the recording, or null. */
	deleted: number | null;
}

/** Null: any. `reply…` is the reply direction's tuple: `replySrc` is where DNAT went. */
export interface ConntrackFilter {
	proto: number | null;
	origSrc: string | null;
	origDst: string | null;
	origSport: number | null;
	origDport: number | null;
	replySrc: string | null;
	replyDst: string | null;
}

/** Objects as `kubectl apply -f` would change them. */
export interface ApplyEvent extends EventBase {
	kind: "apply";
	/** Manifests, beside the events file. */
	manifestFile: string;
}

/** One object deleted. */
export interface DeleteEvent extends EventBase {
	kind: "delete";
	resource: { kind: string; namespace: string | null; name: string };
}

/** A machine outside that vanishes: its packets are lost from here on, its connections stay half-open. */
export interface ClientLostEvent extends EventBase {
	kind: "client-lost";
	/** The route that became a blackhole, `198.51.100.25/32`. */
	prefix: string;
}

export type FlowEvent = RestoreEvent | ConntrackDeleteEvent | ApplyEvent | DeleteEvent | ClientLostEvent;

/** The events in time order. Throws LineError at the first line that cannot be read. */
export function parseEvents(text: string, file: string): FlowEvent[] {
	const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
	checkHeader(lines[0] ?? "", file);
	const events: FlowEvent[] = [];
	for (let i = 1; i < lines.length; i++) {
		if (lines[i] !== "") events.push(parseEvent(new EventLine(lines[i] as string, file, i + 1)));
	}
	return events.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : a.line - b.line));
}

function checkHeader(line: string, file: string): void {
	const words = line.split(",");
	let column = 1;
	for (let i = 0; i < Math.max(words.length, FIELDS.length); i++) {
		const word = words[i];
		if (word !== FIELDS[i]) {
			const found = word === undefined || line === "" ? "the header ends" : `header ${shown(word)}`;
			throw new LineError(
				file,
				1,
				word === undefined ? column - 1 : column,
				found,
				`${FIELDS[i] ?? "nothing"} (${EVENT_HEADER})`,
			);
		}
		column += (word as string).length + 1;
	}
}

/** The fields of one line, each with its column. */
class EventLine {
	readonly fields: string[] = [];
	readonly columns: number[] = [];
	readonly #file: string;
	readonly line: number;

	constructor(text: string, file: string, line: number) {
		this.#file = file;
		this.line = line;
		let at = 0;
		for (;;) {
			this.columns.push(at + 1);
			at = text[at] === '"' ? this.#quoted(text, at) : this.#bare(text, at);
			if (at === text.length) break;
			at++;
		}
		this.#checkCount(text);
	}

	/** The text of a field by its header. */
	of(name: string): string {
		return this.fields[FIELDS.indexOf(name)] as string;
	}

	/** An error at field `name`. */
	wrong(name: string, expected: string): LineError {
		const column = this.columns[FIELDS.indexOf(name)] as number;
		return new LineError(this.#file, this.line, column, `${name} ${shown(this.of(name))}`, expected);
	}

	#bare(text: string, start: number): number {
		const comma = text.indexOf(",", start);
		const end = comma < 0 ? text.length : comma;
		this.fields.push(text.slice(start, end));
		return end;
	}

	#quoted(text: string, start: number): number {
		const match = /^"((?:[^"]|"")*)"(?=,|$)/.exec(text.slice(start));
		if (match === null)
			throw new LineError(
				this.#file,
				this.line,
				start + 1,
				"a quote without its end",
				'a closing " at the end of the field',
			);
		this.fields.push((match[1] as string).replaceAll('""', '"'));
		return start + match[0].length;
	}

	#checkCount(text: string): void {
		const count = this.fields.length;
		if (count === FIELDS.length) return;
		const column = count < FIELDS.length ? text.length + 1 : (this.columns[FIELDS.length] as number);
		const next = count < FIELDS.length ? `; next is ${FIELDS[count]}` : "; quote a field that holds a comma";
		throw new LineError(
			this.#file,
			this.line,
			column,
			`an event of ${count} fields`,
			`${FIELDS.length} fields (${EVENT_HEADER})${next}`,
		);
	}
}

function parseEvent(line: EventLine): FlowEvent {
	const timeNs = timeOf(line, "time");
	const doneNs = line.of("done") === "" ? timeNs : timeOf(line, "done");
	if (doneNs < timeNs) throw line.wrong("done", `no earlier than time ${line.of("time")}`);
	const base = {
		timeNs,
		doneNs,
		node: line.of("node"),
		object: line.of("object"),
		detail: line.of("detail"),
		line: line.line,
	};
	switch (line.of("kind")) {
		case "iptables-restore":
			needNode(line);
			return { ...base, kind: "iptables-restore", textFile: fileOf(line) };
		case "conntrack-delete":
			needNode(line);
			return { ...base, kind: "conntrack-delete", ...deletion(line) };
		case "apply":
			return { ...base, kind: "apply", manifestFile: fileOf(line) ?? missingFile(line) };
		case "delete":
			return { ...base, kind: "delete", resource: resource(line) };
		case "client-lost":
			return { ...base, kind: "client-lost", prefix: lostPrefix(line) };
		default:
			throw line.wrong("kind", `one of ${KINDS.join(", ")}`);
	}
}

function timeOf(line: EventLine, name: string): bigint {
	const ns = parseTime(line.of(name));
	if (ns === null) throw line.wrong(name, "seconds since 1970 with up to 9 decimals");
	return ns;
}

function needNode(line: EventLine): void {
	if (line.of("node") === "") throw line.wrong("node", "the node it happened on");
}

function fileOf(line: EventLine): string | null {
	return /(?:^|\s)file=(\S+)/.exec(line.of("detail"))?.[1] ?? null;
}

function missingFile(line: EventLine): never {
	throw line.wrong("detail", "file=PATH of the manifests");
}

function resource(line: EventLine): DeleteEvent["resource"] {
	const parts = line.of("object").split("/");
	if (parts.length < 2 || parts.length > 3 || parts.includes(""))
		throw line.wrong("object", "KIND/NAMESPACE/NAME, or KIND/NAME without a namespace");
	const namespace = parts.length === 3 ? (parts[1] as string) : null;
	return { kind: parts[0] as string, namespace, name: parts.at(-1) as string };
}

function lostPrefix(line: EventLine): string {
	for (const word of `${line.of("object")} ${line.of("detail")}`.split(/[\s,;]+/)) {
		const prefix = familyOf(word.split("/")[0] as string) === null ? null : parsePrefix(word);
		if (prefix !== null) return `${prefix.address}/${prefix.length}`;
	}
	throw line.wrong("detail", "the address or prefix that is lost, such as 198.51.100.25/32");
}

const DELETION =
	"PROTO entries ORIGINAL-DST -> DNAT-DST, or conntrack's own options (-p udp --orig-dst A --dst-nat B …)";

/** Reads `UDP entries 10.96.74.105 -> 10.244.1.5: 1 deleted`, or the words of conntrack(8) `-D`. */
function deletion(line: EventLine): { filter: ConntrackFilter; deleted: number | null } {
	const detail = line.of("detail");
	const sentence = /^(\w+) entries (\S+) -> ([^\s:]+|\S+:\S*[^:\s]):?(?: (\d+) deleted)?$/.exec(detail);
	if (sentence === null) return { filter: options(line, detail.trim().split(/\s+/)), deleted: null };
	const [, proto, origDst, replySrc, deleted] = sentence as unknown as [
		string,
		string,
		string,
		string,
		string | undefined,
	];
	const filter = {
		...ANY,
		proto: protocol(line, proto),
		origDst: address(line, origDst),
		replySrc: address(line, replySrc),
	};
	return { filter, deleted: deleted === undefined ? null : Number(deleted) };
}

const ANY: ConntrackFilter = {
	proto: null,
	origSrc: null,
	origDst: null,
	origSport: null,
	origDport: null,
	replySrc: null,
	replyDst: null,
};

function options(line: EventLine, words: readonly string[]): ConntrackFilter {
	const filter = { ...ANY };
	const first = words[0] === "-D" ? 1 : 0;
	for (let i = first; i < words.length; i += 2) {
		const value = words[i + 1];
		if (value === undefined) throw line.wrong("detail", DELETION);
		switch (words[i]) {
			case "-p":
			case "--proto":
				filter.proto = protocol(line, value);
				break;
			case "-s":
			case "--orig-src":
				filter.origSrc = address(line, value);
				break;
			case "-d":
			case "--orig-dst":
				filter.origDst = address(line, value);
				break;
			case "-r":
			case "--reply-src":
			case "-g":
			case "--dst-nat":
				filter.replySrc = address(line, value);
				break;
			case "-q":
			case "--reply-dst":
				filter.replyDst = address(line, value);
				break;
			case "--sport":
			case "--orig-port-src":
				filter.origSport = port(line, value);
				break;
			case "--dport":
			case "--orig-port-dst":
				filter.origDport = port(line, value);
				break;
			default:
				throw line.wrong("detail", DELETION);
		}
	}
	return filter;
}

function protocol(line: EventLine, word: string): number {
	const number = /^\d{1,3}$/.test(word) && Number(word) < 256 ? Number(word) : PROTOCOLS[word.toLowerCase()];
	if (number === undefined)
		throw line.wrong(
			"detail",
			`a protocol (${Object.keys(PROTOCOLS).join(", ")} or a number) in place of ${shown(word)}`,
		);
	return number;
}

function address(line: EventLine, word: string): string {
	if (familyOf(word) === null) throw line.wrong("detail", `an address in place of ${shown(word)}`);
	return word;
}

function port(line: EventLine, word: string): number {
	if (!/^\d{1,5}$/.test(word) || Number(word) > 65535) throw line.wrong("detail", `a port in place of ${shown(word)}`);
	return Number(word);
}
