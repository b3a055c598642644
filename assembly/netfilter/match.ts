// The matches of a rule (net/netfilter/xt_*.c, net/ipv4/netfilter/ipt_*.c), in the order of its text: the first that says
// no ends the rule, and those before it have had their effect. A fragment never comes by: fragments are not modelled.
// A match that the host carries makes the answer unknown.

import { row } from "../arena";
import { masked6, within6 } from "../address6";
import { addressType } from "../fib";
import { hasType6 } from "../fib6";
import { asksBeyond, asksSourcePort, noteDraw, notAlike, notRepeatable } from "../journey";
import { Packet } from "../packet";
import { next32 } from "../random";
import { conntrackMatches } from "./ctmatch";
import { patternHolds } from "./pattern";
import { limitAllows } from "./limit";
import { recentMatches } from "./recent";
import { setHolds } from "./ipset";
import * as L from "../layout";

// 0 to 65535
const ALL_PORTS: u32 = 0xffff0000;

export const MATCHES_NO: i32 = 0;
export const MATCHES_YES: i32 = 1;
/** A carried match was reached, or a list of `recent` found no room. */
export const MATCHES_UNKNOWN: i32 = 2;

/** Most rules that do not match are told by their ports: does the first match, if it is one of ports, say no? */
// @ts-ignore: decorator
@inline
export function portsDiffer(rule: usize, sport: u32, dport: u32): bool {
	const m = row(L.TABLE_MATCH, load<i32>(rule, L.RULE_MATCH_FIRST), L.MATCH_STRIDE);
	const head = load<u32>(m); // kind and inversion
	if ((head & 0xffff) > <u32>L.MATCH_UDP) return false;
	const sports = load<u32>(m, L.MATCH_A);
	const dports = load<u32>(m, L.MATCH_B);
	if (sports != ALL_PORTS) asksSourcePort();
	if (dports != ALL_PORTS) notAlike();
	const source = (<u32>(sport >= (sports & 0xffff))) & (<u32>(sport <= sports >>> 16));
	const dest = (<u32>(dport >= (dports & 0xffff))) & (<u32>(dport <= dports >>> 16));
	// A bit a side: 1 where it fits, after inversion.
	return (((source | (dest << 1)) ^ (head >>> 16)) & 3) != 3;
}

/** Evaluates all matches of a rule. */
export function matches(p: Packet, rule: usize, hook: i32): i32 {
	// The host wrote MATCH_COUNT rows from MATCH_FIRST on.
	let at = row(L.TABLE_MATCH, load<i32>(rule, L.RULE_MATCH_FIRST), L.MATCH_STRIDE);
	const end = at + <usize>(<u32>load<u8>(rule, L.RULE_MATCH_COUNT) * L.MATCH_STRIDE);
	for (; at < end; at += L.MATCH_STRIDE) {
		const answer = one(p, at, hook);
		if (answer != MATCHES_YES) return answer;
	}
	return MATCHES_YES;
}

function one(p: Packet, m: usize, hook: i32): i32 {
	switch (<i32>load<u16>(m, L.MATCH_KIND)) {
		case L.MATCH_TCP:
			return <i32>tcp(p, m);
		case L.MATCH_UDP:
			return <i32>ports(p, m);
		case L.MATCH_ICMP:
			return <i32>icmp(p, m);
		case L.MATCH_MULTIPORT:
			return <i32>multiport(p, m);
		case L.MATCH_MARK:
			return <i32>(((p.mark & load<u32>(m, L.MATCH_B)) == load<u32>(m, L.MATCH_A)) != inverted(m, 1));
		case L.MATCH_CONNMARK:
			return <i32>connmark(p, m);
		case L.MATCH_CONNTRACK:
			return <i32>conntrackMatches(p, load<u32>(m, L.MATCH_A));
		case L.MATCH_ADDRTYPE:
			return <i32>addrtype(p, m, hook);
		case L.MATCH_STATISTIC_RANDOM:
			return <i32>(draw(load<u32>(m, L.MATCH_A)) != inverted(m, 1));
		case L.MATCH_STATISTIC_NTH:
			notRepeatable();
			return <i32>(nth(m) != inverted(m, 1));
		case L.MATCH_RECENT:
			notRepeatable();
			return recentMatches(p, m, hook);
		case L.MATCH_SET:
			return set(p, m);
		case L.MATCH_PHYSDEV:
			return <i32>physdev(p, m);
		case L.MATCH_IPRANGE:
			return <i32>iprange(p, m);
		case L.MATCH_LIMIT:
			notRepeatable();
			return <i32>limitAllows(p, m);
		case L.MATCH_LENGTH:
			notRepeatable();
			return <i32>(within(p.len, load<u32>(m, L.MATCH_A), load<u32>(m, L.MATCH_B)) != inverted(m, 1));
		case L.MATCH_TTL:
			return <i32>ttl(p, m);
		case L.MATCH_PKTTYPE:
			asksBeyond();
			return <i32>((<u32>p.type == load<u32>(m, L.MATCH_A)) != inverted(m, 1));
		case L.MATCH_TOS:
			notRepeatable();
			return <i32>((((<u32>p.tos) & load<u32>(m, L.MATCH_B)) == load<u32>(m, L.MATCH_A)) != inverted(m, 1));
		case L.MATCH_PREFIX6:
			return <i32>prefix6(p, m);
		case L.MATCH_DSCP:
			notRepeatable();
			return <i32>((<u32>(p.tos >> 2) == load<u32>(m, L.MATCH_A)) != inverted(m, 1));
		default:
			return MATCHES_UNKNOWN;
	}
}

// @ts-ignore: decorator
@inline
function inverted(m: usize, bit: u16): bool {
	return (load<u16>(m, L.MATCH_INVERT) & bit) != 0;
}
// @ts-ignore: decorator
@inline
function within(value: u32, low: u32, high: u32): bool {
	return value >= low && value <= high;
}
// A range of ports as min | max << 16
// @ts-ignore: decorator
@inline
function inRange(port: u32, range: u32): bool {
	return port >= (range & 0xffff) && port <= range >>> 16;
}

function ports(p: Packet, m: usize): bool {
	if (load<u32>(m, L.MATCH_A) != ALL_PORTS) asksSourcePort();
	if (load<u32>(m, L.MATCH_B) != ALL_PORTS) notAlike();
	return (
		inRange(p.sport, load<u32>(m, L.MATCH_A)) != inverted(m, 1) &&
		inRange(p.dport, load<u32>(m, L.MATCH_B)) != inverted(m, 2)
	);
}

function tcp(p: Packet, m: usize): bool {
	const flags = load<u32>(m, L.MATCH_C);
	asksBeyond();
	// Of the flags, packets that repeat one another differ in PSH alone.
	if ((flags & L.TCP_PSH) != 0) notRepeatable();
	return ports(p, m) && (((<u32>p.tcp) & flags & 0xff) == flags >>> 8) != inverted(m, 4);
}

function icmp(p: Packet, m: usize): bool {
	const type = load<u32>(m, L.MATCH_A);
	const same =
		type == 255 || (type == <u32>p.icmpType && within(p.icmpCode, load<u32>(m, L.MATCH_B), load<u32>(m, L.MATCH_C)));
	return same != inverted(m, 1);
}

function multiport(p: Packet, m: usize): bool {
	notAlike();
	const sides = load<u32>(m, L.MATCH_C);
	if (sides & 1) asksSourcePort();
	let word = row(L.TABLE_WORD, load<i32>(m, L.MATCH_A), 4);
	const end = word + <usize>(load<u32>(m, L.MATCH_B) << 2);
	for (; word < end; word += 4) {
		const range = load<u32>(word);
		if ((sides & 1 && inRange(p.sport, range)) || (sides & 2 && inRange(p.dport, range))) return !inverted(m, 1);
	}
	return inverted(m, 1);
}

// Without an entry it never matches, negated or not.
function connmark(p: Packet, m: usize): bool {
	asksBeyond();
	if (p.ct < 0) return false;
	notAlike();
	const mark = load<u32>(row(L.TABLE_CT, p.ct, L.CT_STRIDE), L.CT_MARK);
	return ((mark & load<u32>(m, L.MATCH_B)) == load<u32>(m, L.MATCH_A)) != inverted(m, 1);
}

function addrtype(p: Packet, m: usize, hook: i32): bool {
	const limit = load<u32>(m, L.MATCH_C);
	const dev = limit & 1 && hook <= L.HOOK_FORWARD ? p.iif : limit & 2 && hook >= L.HOOK_FORWARD ? p.oif : -1;
	const src = load<u32>(m, L.MATCH_A);
	const dst = load<u32>(m, L.MATCH_B);
	if (p.family == 6) {
		if (src != 0 && hasType6(p.netns, p.src, src, dev) == inverted(m, 1)) return false;
		return dst == 0 || hasType6(p.netns, p.dst, dst, dev) != inverted(m, 2);
	}
	if (src != 0 && ((src >>> addressType(p.netns, p.src, dev)) & 1) == <u32>inverted(m, 1)) return false;
	return dst == 0 || ((dst >>> addressType(p.netns, p.dst, dev)) & 1) != <u32>inverted(m, 2);
}

function draw(threshold: u32): bool {
	const below = (next32() & 0x7fffffff) < threshold;
	noteDraw(threshold, below);
	return below;
}

function nth(m: usize): bool {
	const state = row(L.TABLE_STATE, load<i32>(m, L.MATCH_STATE), L.STATE_STRIDE);
	const count = load<u32>(state, L.STATE_A);
	const next = count == load<u32>(m, L.MATCH_A) ? 0 : count + 1;
	store<u32>(state, next, L.STATE_A);
	return next == 0;
}

function set(p: Packet, m: usize): i32 {
	const answer = setHolds(
		p,
		load<i32>(m, L.MATCH_A),
		load<u32>(m, L.MATCH_B),
		load<u32>(m, L.MATCH_C),
		load<u32>(m, L.MATCH_D) != 0,
	);
	return answer == MATCHES_UNKNOWN ? answer : answer ^ (<i32>inverted(m, 1));
}

function iprange(p: Packet, m: usize): bool {
	const present = load<u32>(m, L.MATCH_E);
	if (p.family == 6) {
		if (present & 1 && within6(p.src, words(m, L.MATCH_A)) == inverted(m, 1)) return false;
		return !(present & 2) || within6(p.dst, words(m, L.MATCH_C)) != inverted(m, 2);
	}
	if (present & 1 && within(p.src, load<u32>(m, L.MATCH_A), load<u32>(m, L.MATCH_B)) == inverted(m, 1)) return false;
	return !(present & 2) || within(p.dst, load<u32>(m, L.MATCH_C), load<u32>(m, L.MATCH_D)) != inverted(m, 2);
}

// -s or -d of an ip6tables rule whose prefix is no single address.
function prefix6(p: Packet, m: usize): bool {
	const id = load<u32>(m, L.MATCH_B) == 1 ? p.src : p.dst;
	return masked6(id, words(m, L.MATCH_A)) != inverted(m, 1);
}

// Words that the field of a match at `offset` names.
// @ts-ignore: decorator
@inline
function words(m: usize, offset: usize): usize {
	return row(L.TABLE_WORD, load<i32>(m + offset), 4);
}

function ttl(p: Packet, m: usize): bool {
	notAlike();
	asksBeyond();
	const value = load<u32>(m, L.MATCH_A);
	const how = load<u32>(m, L.MATCH_B);
	if (how == 0) return (<u32>p.ttl == value) != inverted(m, 1);
	return how == 1 ? <u32>p.ttl < value : <u32>p.ttl > value;
}

// xt_physdev: without bridge information only negated conditions hold; a device that is to be left by must exist,
// one that it came in by is not missed.
function physdev(p: Packet, m: usize): bool {
	asksBeyond();
	const asked = load<u32>(m, L.MATCH_C);
	const not = <u32>load<u16>(m, L.MATCH_INVERT);
	if (!p.has(L.SKB_BRIDGED)) return (asked & ~not) == 0;
	if (asked & L.PHYSDEV_BRIDGED && p.physout >= 0 == ((not & L.PHYSDEV_BRIDGED) != 0)) return false;
	if (asked & L.PHYSDEV_ISIN && p.physin >= 0 == ((not & L.PHYSDEV_ISIN) != 0)) return false;
	if (asked & L.PHYSDEV_ISOUT && p.physout >= 0 == ((not & L.PHYSDEV_ISOUT) != 0)) return false;
	if (asked & L.PHYSDEV_IN && p.physin >= 0) {
		if (patternHolds(load<i32>(m, L.MATCH_A), p.physin) == ((not & L.PHYSDEV_IN) != 0)) return false;
	}
	if (!(asked & L.PHYSDEV_OUT)) return true;
	if (p.physout < 0) return false;
	return patternHolds(load<i32>(m, L.MATCH_B), p.physout) != ((not & L.PHYSDEV_OUT) != 0);
}
