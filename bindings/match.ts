// Typed matches to rows of TABLE_MATCH. What an extension's options mean is in iptables-extensions(8); the fields of each
// row are in `assembly/layout.ts`. A form that is not evaluated throws Carried.

import * as L from "../assembly/layout.ts";
import { ipv4ToNumber } from "../js/net/address.ts";
import type { Extension, Family } from "../js/net/ruleset.ts";
import { halves, wordsOf } from "./addresses.ts";
import { encodeConntrack, encodeState } from "./ctmatch.ts";
import { ALL_PORTS, bits, EncodeError, type MatchContext, type MatchRow, plain, ports } from "./matchrow.ts";
import { Carried, Options } from "./option.ts";

type Encoder = (options: Options, context: MatchContext) => MatchRow | null;

const FULL_MASK = 0xffffffff;
const FULL_HALF = 0xffffffffffffffffn;
const ANY_ICMP_TYPE = 255;

/** The row of a match; null where it asks for nothing (`comment`). Throws Carried or EncodeError. */
export function encodeMatch(match: Extension, context: MatchContext): MatchRow | null {
	const encoder = ENCODERS[match.name];
	const options = new Options(match);
	if (encoder === undefined) throw new Carried(match.name, "this match");
	const protocols = PROTOCOLS[match.name];
	if (protocols !== undefined && !protocols.includes(context.protocol)) {
		throw new EncodeError(`match ${match.name} wants -p ${protocols.join(" or ")}`);
	}
	const row = encoder(options, context);
	options.done();
	return row;
}

/** Does looking at it change what later packets see? Such matches keep their place among those of a rule. */
export function isStateful(row: MatchRow): boolean {
	return row.state !== null || row.kind === L.MATCH_STATISTIC_RANDOM;
}

/** The row of a match that is carried. */
export const UNKNOWN_MATCH: MatchRow = { kind: L.MATCH_UNKNOWN, invert: 0, args: [], state: null };

/** Protocols that a match needs in its rule. */
const PROTOCOLS: Readonly<Record<string, number[]>> = {
	tcp: [L.PROTO_TCP],
	udp: [L.PROTO_UDP],
	udplite: [L.PROTO_UDPLITE],
	sctp: [L.PROTO_SCTP],
	icmp: [L.PROTO_ICMP],
	icmp6: [L.PROTO_ICMPV6],
	multiport: [L.PROTO_TCP, L.PROTO_UDP, L.PROTO_UDPLITE, L.PROTO_SCTP, 33],
};

const ENCODERS: Readonly<Record<string, Encoder>> = {
	comment: (options) => {
		options.take("comment", "string");
		return null;
	},
	tcp: encodeTcp,
	udp: encodePorts,
	udplite: encodePorts,
	sctp: encodePorts,
	icmp: (options) => encodeIcmp(options, "icmp-type"),
	icmp6: (options) => encodeIcmp(options, "icmpv6-type"),
	multiport: encodeMultiport,
	mark: (options) => encodeMark(options, L.MATCH_MARK),
	connmark: (options) => encodeMark(options, L.MATCH_CONNMARK),
	conntrack: encodeConntrack,
	state: encodeState,
	addrtype: encodeAddrtype,
	iprange: encodeIprange,
	set: encodeSet,
	physdev: encodePhysdev,
	recent: encodeRecent,
	statistic: encodeStatistic,
	limit: encodeLimit,
	length: (options) => {
		const { value, not } = options.need("length", "range");
		return plain(L.MATCH_LENGTH, Number(not), value.min, value.max);
	},
	ttl: (options) => encodeTtl(options, "ttl"),
	hl: (options) => encodeTtl(options, "hl"),
	pkttype: encodePktType,
	tos: (options) => {
		const { value, not } = options.need("tos", "masked");
		return plain(L.MATCH_TOS, Number(not), value.value, value.mask);
	},
	dscp: (options) => {
		const { value, not } = options.need("dscp", "uint");
		return plain(L.MATCH_DSCP, Number(not), value.value);
	},
};

function encodePorts(options: Options): MatchRow | null {
	const sport = options.take("sport", "range");
	const dport = options.take("dport", "range");
	if (sport === null && dport === null) return null;
	return plain(
		L.MATCH_UDP,
		Number(sport?.not ?? 0) | (Number(dport?.not ?? 0) << 1),
		ports(sport?.value),
		ports(dport?.value),
	);
}

function encodeTcp(options: Options): MatchRow | null {
	const row = encodePorts(options);
	const flags = options.take("tcp-flags", "tcpflags");
	if (flags === null) return row;
	const [sports = ALL_PORTS, dports = ALL_PORTS] = row?.args ?? [];
	return plain(
		L.MATCH_TCP,
		(row?.invert ?? 0) | (Number(flags.not) << 2),
		sports,
		dports,
		flags.value.mask | (flags.value.comp << 8),
	);
}

function encodeIcmp(options: Options, name: string): MatchRow | null {
	const { value, not } = options.need(name, "icmptype");
	if (value.type === ANY_ICMP_TYPE && !not) return null;
	return plain(L.MATCH_ICMP, Number(not), value.type, value.codeMin, value.codeMax);
}

function encodeMultiport(options: Options, { interned }: MatchContext): MatchRow {
	const sides = ["sports", "dports", "ports"];
	for (const [index, side] of sides.entries()) {
		const list = options.take(side, "ranges");
		if (list === null) continue;
		const first = interned.words(list.value.ranges.map(ports));
		return plain(L.MATCH_MULTIPORT, Number(list.not), first, list.value.ranges.length, index + 1);
	}
	throw new Carried("multiport", "a form without ports");
}

function encodeMark(options: Options, kind: number): MatchRow {
	const { value, not } = options.need("mark", "masked");
	return plain(kind, Number(not), value.value, value.mask);
}

const ADDRESS_TYPES = [
	"UNSPEC",
	"UNICAST",
	"LOCAL",
	"BROADCAST",
	"ANYCAST",
	"MULTICAST",
	"BLACKHOLE",
	"UNREACHABLE",
	"PROHIBIT",
	"THROW",
	"NAT",
	"XRESOLVE",
];
const ADDRESS_TYPE_BITS = Object.fromEntries(ADDRESS_TYPES.map((name, type) => [name, 1 << type]));

function encodeAddrtype(options: Options): MatchRow {
	const src = options.take("src-type", "words");
	const dst = options.take("dst-type", "words");
	const limit = options.flag("limit-iface-in") ? 1 : options.flag("limit-iface-out") ? 2 : 0;
	const mask = (side: typeof src) => (side === null ? 0 : bits("addrtype", side.value.words, ADDRESS_TYPE_BITS));
	return plain(L.MATCH_ADDRTYPE, Number(src?.not ?? 0) | (Number(dst?.not ?? 0) << 1), mask(src), mask(dst), limit);
}

function encodeIprange(options: Options, { family, interned }: MatchContext): MatchRow {
	const src = options.take("src-range", "addresses");
	const dst = options.take("dst-range", "addresses");
	const ends = (side: typeof src) => {
		if (side === null) return [0, 0];
		const { min, max } = side.value;
		if (family === "ipv6") return [interned.words(wordsOf(...halves(min), ...halves(max))), 0];
		return [ipv4ToNumber(min), ipv4ToNumber(max)];
	};
	const present = (src === null ? 0 : 1) | (dst === null ? 0 : 2);
	return plain(
		L.MATCH_IPRANGE,
		Number(src?.not ?? 0) | (Number(dst?.not ?? 0) << 1),
		...ends(src),
		...ends(dst),
		present,
	);
}

function encodeSet(options: Options, { sets }: MatchContext): MatchRow {
	const { value, not } = options.need("match-set", "set");
	const set = sets.get(value.set);
	if (set === undefined) throw new EncodeError(`ipset ${JSON.stringify(value.set)} does not exist`);
	options.take("update-counters", "flag");
	options.take("update-subcounters", "flag");
	const sources = value.dimensions.reduce((sum, side, index) => sum | (side === "src" ? 1 << index : 0), 0);
	return plain(L.MATCH_SET, Number(not), set, sources, value.dimensions.length, Number(options.flag("return-nomatch")));
}

function encodePhysdev(options: Options, { interned }: MatchContext): MatchRow {
	let present = 0;
	let invert = 0;
	const note = (found: { not: boolean } | null, bit: number) => {
		if (found !== null) present |= bit;
		if (found?.not) invert |= bit;
	};
	const into = options.take("physdev-in", "string");
	const out = options.take("physdev-out", "string");
	note(into, L.PHYSDEV_IN);
	note(out, L.PHYSDEV_OUT);
	note(options.take("physdev-is-in", "flag"), L.PHYSDEV_ISIN);
	note(options.take("physdev-is-out", "flag"), L.PHYSDEV_ISOUT);
	note(options.take("physdev-is-bridged", "flag"), L.PHYSDEV_BRIDGED);
	const row = (device: typeof into) => (device === null ? -1 : interned.pattern(device.value.value));
	return plain(L.MATCH_PHYSDEV, invert, row(into), row(out), present);
}

const RECENT_MODES: readonly [string, number][] = [
	["set", L.RECENT_SET],
	["rcheck", L.RECENT_RCHECK],
	["update", L.RECENT_UPDATE],
	["remove", L.RECENT_REMOVE],
];

function encodeRecent(options: Options, { family }: MatchContext): MatchRow {
	const modes = RECENT_MODES.map(([name, bit]) => ({ found: options.take(name, "flag"), bit })).filter(
		({ found }) => found !== null,
	);
	const mode = modes[0];
	if (mode === undefined || modes.length > 1)
		throw new Carried("recent", "a form without one of set, rcheck, update, remove");
	const name = options.take("name", "string")?.value.value ?? "DEFAULT";
	const seconds = options.take("seconds", "uint")?.value.value ?? 0;
	const hitcount = options.take("hitcount", "uint")?.value.value ?? 0;
	if (hitcount > L.RECENT_STAMP_COUNT) throw new Carried("recent", `--hitcount above ${L.RECENT_STAMP_COUNT}`);
	const mask = recentMask(options.take("mask", "string")?.value.value ?? null, family);
	options.flag("rsource");
	const how =
		(options.flag("rdest") ? L.RECENT_BY_DEST : 0) |
		(options.flag("rttl") ? L.RECENT_BY_TTL : 0) |
		(options.flag("reap") ? L.RECENT_REAP : 0);
	const args = [0, mode.bit, seconds, hitcount, how, mask];
	return { kind: L.MATCH_RECENT, invert: Number(mode.found?.not ?? false), args, state: { list: name } };
}

/** Addresses of IPv6 are numbers here, which no mask fits but one of all ones. */
function recentMask(mask: string | null, family: Family): number {
	if (mask === null) return FULL_MASK;
	if (family === "ipv4") return ipv4ToNumber(mask);
	if (halves(mask).some((half) => half !== FULL_HALF)) throw new Carried("recent", "an IPv6 --mask");
	return FULL_MASK;
}

function encodeStatistic(options: Options): MatchRow {
	const mode = options.need("mode", "string").value.value;
	if (mode === "random") {
		const { value, not } = options.need("probability", "probability");
		return plain(L.MATCH_STATISTIC_RANDOM, Number(not), value.per31);
	}
	const every = options.need("every", "uint");
	const packet = options.take("packet", "uint")?.value.value ?? 0;
	const last = every.value.value - 1;
	return {
		kind: L.MATCH_STATISTIC_NTH,
		invert: Number(every.not),
		args: [last],
		state: { initial: [BigInt(last - packet), 0n] },
	};
}

/** Credits a second: 32 a millisecond, as the kernel has at HZ=1000. */
const CREDITS_PER_SECOND = 32000;
/** Unit of `--limit`: 1/10000 s. */
const LIMIT_SCALE = 10000;

/** user2credits() of xt_limit, with its 32-bit arithmetic. */
function credits(user: number): number {
	if (user > Math.floor(0xffffffff / CREDITS_PER_SECOND))
		return (Math.floor(user / LIMIT_SCALE) * CREDITS_PER_SECOND) % 2 ** 32;
	return Math.floor((user * CREDITS_PER_SECOND) / LIMIT_SCALE);
}

function encodeLimit(options: Options): MatchRow {
	const average = options.need("limit", "rate").value.interval;
	const burst = options.need("limit-burst", "uint").value.value;
	const cost = credits(average);
	const cap = credits(Math.imul(average, burst) >>> 0);
	if (burst === 0 || cap < cost) throw new EncodeError("limit: the burst is too small or too large for the rate");
	return { kind: L.MATCH_LIMIT, invert: 0, args: [cost, cap], state: { initial: [BigInt(cap), 0n] } };
}

function encodeTtl(options: Options, name: string): MatchRow {
	for (const [how, word] of ["eq", "lt", "gt"].entries()) {
		const found = options.take(`${name}-${word}`, "uint");
		if (found !== null) return plain(L.MATCH_TTL, Number(found.not), found.value.value, how);
	}
	throw new Carried(name, `a form without --${name}-eq, --${name}-lt or --${name}-gt`);
}

const PACKET_TYPES = ["unicast", "broadcast", "multicast"];

function encodePktType(options: Options): MatchRow {
	const { value, not } = options.need("pkt-type", "string");
	const type = PACKET_TYPES.indexOf(value.value);
	if (type < 0) throw new Carried("pkttype", value.value);
	return plain(L.MATCH_PKTTYPE, Number(not), type);
}
