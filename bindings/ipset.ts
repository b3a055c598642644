// ipsets to rows (ipset(8)): hash:ip, hash:net, hash:ip,port, hash:net,port, hash:ip,port,ip, hash:ip,port,net, IPv4.
// Other types, IPv6 members, and sets whose entries time out are carried: a packet that a rule asks about them gets
// "unknown". An IPv6 set holds no IPv4 packet, so it needs no entries.

import * as L from "../assembly/layout.ts";
import { EncodeError } from "./match.ts";
import { ipv4, ipv4Mask } from "./option.ts";
import type { Rows } from "./views.ts";

/** A set as `ipset save` prints it. */
export interface SetDefinition {
	name: string;
	/** `hash:ip,port` … */
	type: string;
	/** Words of `create` after the type: `family` → `inet`, `netmask` → `24` … */
	options: ReadonlyMap<string, string>;
	entries: readonly SetEntry[];
}

export interface SetEntry {
	/** `10.0.0.1,tcp:80,10.1.0.0/16` */
	element: string;
	nomatch: boolean;
	/** Seconds; null or 0: none. */
	timeout: number | null;
}

/** What the members of a type are, in the order of its dimensions. */
type Dimension = "ip" | "net" | "port";

const TYPES: Readonly<Record<string, { type: number; dimensions: Dimension[] }>> = {
	"hash:ip": { type: L.SET_TYPE_IP, dimensions: ["ip"] },
	"hash:net": { type: L.SET_TYPE_NET, dimensions: ["net"] },
	"hash:ip,port": { type: L.SET_TYPE_IP_PORT, dimensions: ["ip", "port"] },
	"hash:net,port": { type: L.SET_TYPE_NET_PORT, dimensions: ["net", "port"] },
	"hash:ip,port,ip": { type: L.SET_TYPE_IP_PORT_IP, dimensions: ["ip", "port", "ip"] },
	"hash:ip,port,net": { type: L.SET_TYPE_IP_PORT_NET, dimensions: ["ip", "port", "net"] },
};

/** Options of `create` that change no answer. */
const HARMLESS = new Set(["family", "hashsize", "maxelem", "bucketsize", "initval", "comment", "counters", "skbinfo", "forceadd", "timeout", "netmask"]);
const FULL_MASK = 0xffffffff;

interface Member {
	ip: number;
	prefix: number;
	port: number;
	proto: number;
	ip2: number;
	prefix2: number;
	nomatch: boolean;
}

/**
 * Writes the sets of a netns; the result maps their names to rows of TABLE_SET, as `encodeRuleset` takes it. Each row is
 * then to be indexed by the engine (`compileSet`); until then it is scanned. Throws EncodeError, CapacityError.
 */
export function encodeSets(rows: Rows, netns: number, sets: readonly SetDefinition[]): Map<string, number> {
	const byName = new Map<string, number>();
	for (const set of sets) {
		if (byName.has(set.name)) throw new EncodeError(`ipset ${JSON.stringify(set.name)} is there twice`);
		byName.set(set.name, encodeSet(rows, netns, set));
	}
	return byName;
}

function encodeSet(rows: Rows, netns: number, set: SetDefinition): number {
	const row = rows.append(L.TABLE_SET);
	const at = rows.at(L.TABLE_SET, row);
	const known = TYPES[set.type];
	const isIpv6 = set.options.get("family") === "inet6";
	rows.setI32(at + L.SET_NETNS, netns);
	rows.setU32(at + L.SET_FAMILY, isIpv6 ? 6 : 4);
	rows.setU32(at + L.SET_NETMASK, netmask(set));
	rows.setU32(at + L.SET_TYPE, known === undefined || isCarried(set) ? L.SET_TYPE_UNKNOWN : known.type);
	if (known === undefined || isCarried(set) || isIpv6) return row;
	const members = distinct(set.entries.flatMap((entry) => membersOf(set, entry, known.dimensions)));
	const first = members.length === 0 ? 0 : rows.append(L.TABLE_ENTRY, members.length);
	rows.setU32(at + L.SET_ENTRY_FIRST, first);
	rows.setU32(at + L.SET_ENTRY_COUNT, members.length);
	let lengths = 0;
	for (const [index, member] of members.entries()) {
		writeMember(rows, rows.at(L.TABLE_ENTRY, first + index), member);
		const length = known.type === L.SET_TYPE_IP_PORT_NET ? member.prefix2 : member.prefix;
		lengths |= 1 << (length - 1);
	}
	rows.setU32(at + L.SET_LENGTHS, lengths);
	return row;
}

/** Reserves the words of a set's hash index and asks the engine to fill it; small sets are scanned. */
export function indexSet(rows: Rows, row: number, compileSet: (row: number) => void): void {
	const at = rows.at(L.TABLE_SET, row);
	const count = rows.view.getUint32(at + L.SET_ENTRY_COUNT, true);
	if (count <= SCANNED_MAX) return;
	const buckets = 2 ** Math.ceil(Math.log2(count * 2));
	const first = rows.append(L.TABLE_WORD, buckets);
	rows.setU32(at + L.SET_BUCKETS, first);
	rows.setU32(at + L.SET_BUCKET_COUNT, buckets);
	compileSet(row);
}

/** Entries that a scan finds as fast as a hash. */
const SCANNED_MAX = 4;

function netmask(set: SetDefinition): number {
	const text = set.options.get("netmask");
	return text === undefined || set.type !== "hash:ip" ? FULL_MASK : ipv4Mask(Number(text));
}

/** Options or timeouts that the engine does not follow. */
function isCarried(set: SetDefinition): boolean {
	if ([...set.options.keys()].some((name) => !HARMLESS.has(name))) return true;
	if (set.options.has("netmask") && set.type !== "hash:ip") return true;
	const timeout = Number(set.options.get("timeout") ?? 0);
	return timeout > 0 || set.entries.some((entry) => (entry.timeout ?? 0) > 0);
}

function distinct(members: Member[]): Member[] {
	const byKey = new Map(members.map((m) => [`${m.ip}/${m.prefix} ${m.proto}:${m.port} ${m.ip2}/${m.prefix2}`, m]));
	return [...byKey.values()];
}

function writeMember(rows: Rows, at: number, member: Member): void {
	rows.setU32(at + L.ENTRY_IP, member.ip);
	rows.setU32(at + L.ENTRY_IP2, member.ip2);
	rows.setU16(at + L.ENTRY_PORT, member.port);
	rows.setU8(at + L.ENTRY_PROTO, member.proto);
	rows.setU8(at + L.ENTRY_PREFIX, member.prefix);
	rows.setU8(at + L.ENTRY_PREFIX2, member.prefix2);
	rows.setU8(at + L.ENTRY_FLAGS, member.nomatch ? 1 : 0);
}

/** Most members that one entry with ranges may stand for. */
const EXPANDED_MAX = 65536;

/** The members that an entry stands for: one, or those of its ranges. */
function membersOf(set: SetDefinition, entry: SetEntry, dimensions: readonly Dimension[]): Member[] {
	const parts = entry.element.split(",");
	const wrong = (what: string) => new EncodeError(`ipset ${set.name}: ${what} in ${JSON.stringify(entry.element)}`);
	if (parts.length !== dimensions.length) throw wrong(`expected ${dimensions.join(",")}`);
	const none: Member = { ip: 0, prefix: 32, port: 0, proto: 0, ip2: 0, prefix2: 0, nomatch: entry.nomatch };
	let members = [none];
	for (const [index, dimension] of dimensions.entries()) {
		const choices = dimension === "port" ? portsOf(parts[index] ?? "") : networksOf(parts[index] ?? "", dimension === "ip", index === 2);
		if (choices === null) throw wrong(`expected ${dimension}`);
		if (members.length * choices.length > EXPANDED_MAX) throw wrong(`more than ${EXPANDED_MAX} members`);
		members = members.flatMap((member) => choices.map((choice) => ({ ...member, ...choice })));
	}
	return members.map((member) => ({ ...member, ip: (member.ip & (set.type === "hash:ip" ? netmask(set) : FULL_MASK)) >>> 0 }));
}

/** `address`, `address/length` or `low-high`, as single addresses (`hosts`) or as networks. */
function networksOf(text: string, hosts: boolean, second: boolean): Partial<Member>[] | null {
	const member = (ip: number, prefix: number): Partial<Member> => (second ? { ip2: ip, prefix2: prefix } : { ip, prefix });
	try {
		const [low = "", high] = text.split("-");
		if (high !== undefined) return spans(ipv4(low), ipv4(high), hosts).map(([ip, prefix]) => member(ip, prefix));
		const [address = "", lengthText] = text.split("/");
		const length = lengthText === undefined ? 32 : Number(lengthText);
		if (!Number.isInteger(length) || length < 1 || length > 32) return null;
		const first = (ipv4(address) & ipv4Mask(length)) >>> 0;
		if (!hosts) return [member(first, length)];
		return spans(first, first + 2 ** (32 - length) - 1, true).map(([ip, prefix]) => member(ip, prefix));
	} catch (error) {
		if (error instanceof RangeError) return null;
		throw error;
	}
}

/** The addresses of a range, or the fewest prefixes that cover it. */
function spans(low: number, high: number, hosts: boolean): [ip: number, prefix: number][] {
	const found: [number, number][] = [];
	for (let ip = low; ip <= high && found.length <= EXPANDED_MAX; ) {
		let length = 32;
		while (!hosts && length > 1 && ip % 2 ** (33 - length) === 0 && ip + 2 ** (33 - length) - 1 <= high) length--;
		found.push([ip, length]);
		ip += 2 ** (32 - length);
	}
	return found;
}

const PORT_PROTOCOLS: Readonly<Record<string, number>> = {
	tcp: L.PROTO_TCP,
	udp: L.PROTO_UDP,
	sctp: L.PROTO_SCTP,
	udplite: L.PROTO_UDPLITE,
	icmp: L.PROTO_ICMP,
};

/** `tcp:80`, `tcp:80-90`, `80` (tcp), `icmp:8/0`, `PROTO:0` for one without ports. */
function portsOf(text: string): Partial<Member>[] | null {
	const [head = "", tail] = text.split(":");
	const name = tail === undefined ? "tcp" : head.toLowerCase();
	const proto = PORT_PROTOCOLS[name] ?? (/^[0-9]+$/.test(name) ? Number(name) : null);
	if (proto === null || proto > 255) return null;
	const range = tail ?? head;
	if (proto === L.PROTO_ICMP) {
		const [type = -1, code = -1] = range.split("/").map(Number);
		return type >= 0 && code >= 0 && type < 256 && code < 256 ? [{ proto, port: (type << 8) | code }] : null;
	}
	const [low = Number.NaN, high = low] = range.split("-").map(Number);
	if (!(low >= 0 && high <= 65535 && low <= high)) return null;
	return Array.from({ length: high - low + 1 }, (_, index) => ({ proto, port: low + index }));
}
