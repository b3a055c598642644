// ipsets to rows (ipset(8)): hash:ip, hash:net, hash:ip,port, hash:net,port, hash:ip,port,ip, hash:ip,port,net, IPv4.
// Other types, and sets whose entries time out, are carried: a packet that a rule asks about them gets "unknown".
// A set answers for packets of its family alone.

import * as L from "../assembly/layout.ts";
import { addressBits, ipv4ToNumber, maskPrefix } from "../js/net/address.ts";
import type { IpSet, IpSetEntry, SetPart } from "../js/net/ipset.ts";
import { EncodeError } from "./matchrow.ts";
import { ipv4Mask } from "./option.ts";
import type { Rows } from "./views.ts";

type Dimension = SetPart["kind"];

const TYPES: Readonly<Record<string, { type: number; dimensions: Dimension[] }>> = {
	"hash:ip": { type: L.SET_TYPE_IP, dimensions: ["ip"] },
	"hash:net": { type: L.SET_TYPE_NET, dimensions: ["net"] },
	"hash:ip,port": { type: L.SET_TYPE_IP_PORT, dimensions: ["ip", "port"] },
	"hash:net,port": { type: L.SET_TYPE_NET_PORT, dimensions: ["net", "port"] },
	"hash:ip,port,ip": { type: L.SET_TYPE_IP_PORT_IP, dimensions: ["ip", "port", "ip"] },
	"hash:ip,port,net": { type: L.SET_TYPE_IP_PORT_NET, dimensions: ["ip", "port", "net"] },
};

/** Options of `create` that change no answer. */
const HARMLESS = new Set([
	"family",
	"hashsize",
	"maxelem",
	"bucketsize",
	"initval",
	"comment",
	"counters",
	"skbinfo",
	"forceadd",
	"timeout",
	"netmask",
]);
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

/** Rows of TABLE_ENTRY and TABLE_WORD that the members of a set need. Throws EncodeError, AddressesFullError. */
export function setNeeds(rows: Rows, set: IpSet): { entries: number; words: number } {
	const members = membersOf(rows, set)?.members ?? [];
	return { entries: members.length, words: bucketsFor(members.length) };
}

/**
 * Writes a set into a row of TABLE_SET, which has none; it is then to be indexed by the engine (`compileSet`), until then it is
 * scanned. Throws EncodeError, CapacityError.
 */
export function writeSet(rows: Rows, row: number, netns: number, set: IpSet): void {
	const known = membersOf(rows, set);
	const at = rows.at(L.TABLE_SET, row);
	const isIpv6 = set.family === "ipv6";
	rows.setI32(at + L.SET_NETNS, netns);
	rows.setU32(at + L.SET_FAMILY, isIpv6 ? 6 : 4);
	rows.setU32(at + L.SET_NETMASK, isIpv6 ? FULL_MASK : netmask(set));
	rows.setU32(at + L.SET_TYPE, known === null ? L.SET_TYPE_UNKNOWN : known.type);
	if (known === null) return;
	const { members } = known;
	const first = members.length === 0 ? 0 : rows.take(L.TABLE_ENTRY, members.length);
	rows.setU32(at + L.SET_ENTRY_FIRST, first);
	rows.setU32(at + L.SET_ENTRY_COUNT, members.length);
	for (const [index, member] of members.entries()) {
		writeMember(rows, rows.at(L.TABLE_ENTRY, first + index), member);
		const length = known.type === L.SET_TYPE_IP_PORT_NET ? member.prefix2 : member.prefix;
		const word = isIpv6 ? at + L.SET_LENGTHS6 + ((length - 1) >> 5) * 4 : at + L.SET_LENGTHS;
		rows.setU32(word, rows.view.getUint32(word, true) | (1 << (length - 1)));
	}
	// Words for the hash index that the engine's compile step fills.
	const buckets = bucketsFor(members.length);
	rows.setU32(at + L.SET_BUCKETS, buckets === 0 ? 0 : rows.take(L.TABLE_WORD, buckets));
	rows.setU32(at + L.SET_RESERVED, buckets);
}

/** Gives back what a set's row refers to, and empties the row. */
export function clearSet(rows: Rows, row: number): void {
	const at = rows.at(L.TABLE_SET, row);
	const { view } = rows;
	rows.give(L.TABLE_ENTRY, view.getUint32(at + L.SET_ENTRY_FIRST, true), view.getUint32(at + L.SET_ENTRY_COUNT, true));
	rows.give(L.TABLE_WORD, view.getUint32(at + L.SET_BUCKETS, true), view.getUint32(at + L.SET_RESERVED, true));
	new Uint8Array(view.buffer, at, L.SET_STRIDE).fill(0);
}

/** Of a type that is known, each once; null: the set is carried. */
function membersOf(rows: Rows, set: IpSet): { type: number; members: Member[] } | null {
	const known = TYPES[set.type];
	if (known === undefined || isCarried(set)) return null;
	const members = distinct(set.entries.map((entry) => memberOf(rows, set, entry, known.dimensions)));
	return { type: known.type, members };
}

/** Entries that a scan finds as fast as a hash. */
const SCANNED_MAX = 4;

function bucketsFor(members: number): number {
	return members > SCANNED_MAX ? 2 ** Math.ceil(Math.log2(members * 2)) : 0;
}

function netmask(set: IpSet): number {
	const text = set.options.get("netmask");
	return text === undefined || set.type !== "hash:ip" ? FULL_MASK : ipv4Mask(Number(text));
}

/** Options or timeouts that the engine does not follow. */
function isCarried(set: IpSet): boolean {
	if ([...set.options.keys()].some((name) => !HARMLESS.has(name))) return true;
	if (set.options.has("netmask") && (set.type !== "hash:ip" || set.family === "ipv6")) return true;
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

/** An element as a row: first address, port, second address. */
function memberOf(
	rows: Rows,
	set: IpSet,
	{ element, parts, nomatch }: IpSetEntry,
	dimensions: readonly Dimension[],
): Member {
	const member: Member = { ip: 0, prefix: addressBits(set.family), port: 0, proto: 0, ip2: 0, prefix2: 0, nomatch };
	if (parts?.length !== dimensions.length) {
		throw new EncodeError(`ipset ${set.name}: expected ${dimensions.join(",")}, got ${JSON.stringify(element)}`);
	}
	for (const [index, part] of parts.entries()) {
		if (part.kind === "port") Object.assign(member, { proto: part.protocol, port: part.port });
		else if (part.kind === "ip" || part.kind === "net") Object.assign(member, networkOf(rows, set, part, index === 2));
		else throw new EncodeError(`ipset ${set.name}: a ${part.kind} in ${JSON.stringify(element)}`);
	}
	return member;
}

function networkOf(
	{ addresses }: Rows,
	set: IpSet,
	part: Extract<SetPart, { kind: "ip" | "net" }>,
	second: boolean,
): Partial<Member> {
	const bits = addressBits(set.family);
	const length = part.kind === "net" ? part.length : bits;
	if (length < 1) throw new EncodeError(`ipset ${set.name}: a prefix of length 0`);
	const { address } = maskPrefix({ family: set.family, address: part.address, length });
	const ip = set.family === "ipv6" ? addresses.number(address) : (ipv4ToNumber(address) & netmask(set)) >>> 0;
	return second ? { ip2: ip, prefix2: length } : { ip, prefix: length };
}
