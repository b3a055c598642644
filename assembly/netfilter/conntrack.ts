// Connection tracking (net/netfilter/nf_conntrack_core.c): finds or makes the flow of a packet at PREROUTING and OUTPUT, and
// makes it known at the end of INPUT and POSTROUTING. Helpers, expectations, events and labels are not modelled.
// A packet without a flow has p.ct = CT_NONE, which `-m conntrack --ctstate` calls INVALID.

import { noteMade } from "../journey";
import * as L from "../layout";
import { netns } from "../netns";
import { Packet } from "../packet";
import { uncache } from "../pathcache";
import { Conn, conn, connAllocate, connDoom, connHash, connKill, connReap, connReset, connTop, expired } from "./conn";
import { icmpPacket, icmpSpecial } from "./icmp";
import { sctpPacket } from "./sctp";
import { count, settle, settleDeadline } from "./settle";
import { sourceInit } from "./source";
import { tcpIsUsual, tcpPacket, tcpTake, tcpUsualNs, TRACK_ACCEPT, TRACK_INVALID, TRACK_REPEAT } from "./tcp";
import { account, directionOf, expiresIn } from "./timeout";
import { hasPorts, icmpInverse, invertKey, isIcmp, tupleHash, Tuple } from "./tuple";
import { slotAt, tupleFind, tupleNote, tupleSeek, tupleTableInit } from "./tuplehash";
import { genericPacket, udpIsUsual, udpPacket, udpUsualNs } from "./udp";
import { windowInit } from "./windowrow";
import { zoneOf, zoneReset } from "./zone";

/** Call once when the arena is laid out. False where the tuple table is no power of two, or memory is at its maximum. */
export function conntrackInit(): bool {
	connReset();
	zoneReset();
	return tupleTableInit() && sourceInit() && windowInit();
}

/** nf_conntrack_in: sets p.ct and p.ctinfo. NF_DROP (p.reason says why) only where the table is full. */
export function conntrackIn(p: Packet, hook: i32): i32 {
	if (p.ct >= 0 || p.ct == L.CT_UNTRACKED) return L.NF_ACCEPT;
	p.ct = L.CT_NONE;
	p.ctinfo = <u8>L.CTINFO_NEW;
	if (isIcmp(p.proto) && icmpSpecial(p)) return L.NF_ACCEPT;
	let verdict = resolve(p);
	// A SYN on a closed connection removes the old entry; the second look-up then makes a new one.
	if (verdict == TRACK_REPEAT) verdict = resolve(p);
	return verdict == L.NF_DROP ? L.NF_DROP : L.NF_ACCEPT;
}

// resolve_normal_ct and nf_conntrack_handle_packet
function resolve(p: Packet): i32 {
	const zone = zoneOf(p.netns, p.zone, p.family);
	if (zone < 0) return tableFull(p);
	const proto = <u32>p.proto;
	const lo = (<u64>p.src) | ((<u64>p.dst) << 32);
	const tracked = hasPorts(proto) || isIcmp(proto);
	const ports = tracked ? load<u32>(changetype<usize>(p), L.PACKET_SPORT) : 0;
	const hi = (<u64>ports) | ((<u64>(((<u32>zone) << 8) | proto)) << 32);
	const hash = tupleHash(lo, hi);

	let found = tupleFind(lo, hi, hash);
	if (found >= 0) {
		if (isUsual(conn(found >> 1), p.netns, p.proto, p.tcp, p.time)) {
			conntrackTake(p, found);
			return TRACK_ACCEPT;
		}
		if (expired(conn(found >> 1), p.time)) {
			connKill(found >> 1, p.time);
			found = tupleFind(lo, hi, hash);
		}
	}
	let index = found >> 1;
	if (found < 0) {
		tupleNote(lo, hi, hash, 0);
		if (isIcmp(proto) && icmpInverse(p.icmpType) < 0) return TRACK_INVALID;
		index = connAllocate(p.netns, hash, p.time);
		if (index < 0) return tableFull(p);
		noteMade();
		const fresh = conn(index);
		fresh.orig.assign(lo, hi);
		invertKey(fresh.reply, lo, hi);
		fresh.zone = p.zone;
		fresh.flow = p.flow;
	}
	const c = conn(index);
	// What this packet sets is newer than what a line owes.
	if (c.has(L.IPS_CACHED)) uncache(c);
	const verdict = trackBy(p, c, index, found >= 0 ? found & 1 : 0);
	if (verdict != TRACK_ACCEPT) {
		p.ct = L.CT_NONE;
		if (found < 0) connKill(index, p.time);
	}
	return verdict;
}

// The packet belongs to an entry, in a direction: what it is there, and what the entry's tracker says.
// @ts-ignore: decorator
@inline
function trackBy(p: Packet, c: Conn, index: i32, dir: i32): i32 {
	p.ct = index;
	if (dir == 1) p.ctinfo = <u8>L.CTINFO_ESTABLISHED_REPLY;
	else if (c.has(L.IPS_SEEN_REPLY)) p.ctinfo = <u8>L.CTINFO_ESTABLISHED;
	else p.ctinfo = <u8>(c.has(L.IPS_EXPECTED) ? L.CTINFO_RELATED : L.CTINFO_NEW);
	const verdict = track(p, c, index, <u32>p.proto);
	if (verdict == TRACK_ACCEPT && dir == 1) c.set(L.IPS_SEEN_REPLY);
	return verdict;
}

/** nf_conntrack_in for a packet of a live entry that no line owes to, where it is known; is it a valid one? */
export function conntrackFollow(p: Packet, index: i32, dir: i32): bool {
	if (isUsual(conn(index), p.netns, p.proto, p.tcp, p.time)) {
		conntrackTake(p, (index << 1) | dir);
		return true;
	}
	return trackBy(p, conn(index), index, dir) == TRACK_ACCEPT;
}

/**
 * The usual packet: a plain acknowledgement of an established connection, a datagram of a stream. Of all that the trackers
 * decide it moves the deadline and the counters alone, so it is not asked through them.
 */
// @ts-ignore: decorator
@inline
function isUsual(c: Conn, netns: i32, proto: u8, tcp: u8, time: i64): bool {
	if (c.deadline <= time) return false;
	return proto == <u8>L.PROTO_TCP ? tcpIsUsual(c, netns, tcp) : proto == <u8>L.PROTO_UDP && udpIsUsual(c);
}

/** Second word of a tuple of TCP or UDP in zone 0 of a netns. */
// @ts-ignore: decorator
@inline
export function tupleWord(netns: i32, family: u8, ports: u32, proto: u8): u64 {
	const owner = ((<u32>zoneOf(netns, 0, family)) << 8) | (<u32>proto);
	return (<u64>ports) | ((<u64>owner) << 32);
}

/** The entry of a tuple that would take a packet as a usual one, `entry << 1 | direction`; -1: none. Changes nothing. */
export function conntrackPeek(lo: u64, hi: u64, netns: i32, tcp: u8, time: i64): i32 {
	const found = tupleFind(lo, hi, tupleHash(lo, hi));
	return found < 0 ? -1 : conntrackUsual(found >> 1, found & 1, netns, <u8>(hi >> 32), tcp, time);
}

/** As conntrackPeek, where the entry is known already. */
// @ts-ignore: decorator
@inline
export function conntrackUsual(index: i32, dir: i32, netns: i32, proto: u8, tcp: u8, time: i64): i32 {
	return isUsual(conn(index), netns, proto, tcp, time) ? (index << 1) | dir : -1;
}

/** The packet is the usual one of an entry that conntrackPeek found: nf_conntrack_in for it. */
// @ts-ignore: decorator
@inline
export function conntrackTake(p: Packet, found: i32): void {
	const c = conn(found >> 1);
	const dir = found & 1;
	p.ct = found >> 1;
	p.ctinfo = <u8>(dir == 1 ? L.CTINFO_ESTABLISHED_REPLY : L.CTINFO_ESTABLISHED);
	const deadline = p.time + conntrackUsualNs(p.netns, p.proto);
	if (p.proto == <u8>L.PROTO_TCP) tcpTake(c, dir, deadline);
	else c.deadline = deadline;
	count(changetype<usize>(c), dir, p.len);
}

/** How long an entry lasts after a usual packet, TCP or UDP, of a netns, ns. */
// @ts-ignore: decorator
@inline
export function conntrackUsualNs(netns: i32, proto: u8): i64 {
	return proto == <u8>L.PROTO_TCP ? tcpUsualNs(netns) : udpUsualNs(netns);
}

function tableFull(p: Packet): i32 {
	p.ct = L.CT_NONE;
	p.reason = <u8>L.REASON_CONNTRACK_FULL;
	return L.NF_DROP;
}

function track(p: Packet, c: Conn, index: i32, proto: u32): i32 {
	switch (proto) {
		case L.PROTO_TCP:
			return tcpPacket(p, c, index);
		case L.PROTO_UDP: {
			udpPacket(p, c);
			return TRACK_ACCEPT;
		}
		case L.PROTO_ICMP:
		case L.PROTO_ICMPV6:
			return icmpPacket(p, c) ? TRACK_ACCEPT : TRACK_INVALID;
		case L.PROTO_SCTP:
			return sctpPacket(p, c) ? TRACK_ACCEPT : TRACK_INVALID;
		default: {
			genericPacket(p, c);
			return TRACK_ACCEPT;
		}
	}
}

/** __nf_conntrack_confirm: makes a new flow known. False: it clashes with another one, and the packet is to be dropped. */
export function conntrackConfirm(p: Packet): bool {
	if (p.ct < 0) return true;
	const index = p.ct;
	const c = conn(index);
	if (c.has(L.IPS_CONFIRMED) || directionOf(p.ctinfo) != 0) return true;
	if (c.has(L.IPS_DYING)) return false;
	let clash = findLive(c.orig, 0, p.time);
	if (clash < 0) clash = findLive(c.reply, 1, p.time);
	if (clash >= 0) return resolveClash(p, index, c, clash >> 1);
	c.set(L.IPS_CONFIRMED);
	connHash(index, c);
	return true;
}

/**
 * The live entry of a tuple, `entry << 1 | direction`, or -1; an expired one is removed on the way. `dir`: which of a new flow's
 * tuples is asked for.
 */
export function findLive(t: Tuple, dir: i32, now: i64): i32 {
	const found = tupleSeek(t.lo, t.hi, dir);
	if (found < 0 || !expired(conn(found >> 1), now)) return found;
	connKill(found >> 1, now);
	return tupleSeek(t.lo, t.hi, dir);
}

// nf_ct_resolve_clash. One packet at a time leaves few ways to clash: a NAT that found no free tuple is the usual one.
function resolveClash(p: Packet, index: i32, c: Conn, winner: i32): bool {
	const proto = <u32>c.proto;
	const allowed = proto == L.PROTO_UDP || isIcmp(proto);
	if (allowed && merge(p, index, c, winner)) return true;
	if (allowed) {
		const reply = findLive(c.reply, 1, p.time);
		if (reply >= 0) {
			if (merge(p, index, c, reply >> 1)) return true;
		} else {
			// Only the original tuple clashes: the entry serves answers alone, for one second.
			c.deadline = p.time + 1_000_000_000;
			c.set(L.IPS_FIXED_TIMEOUT | L.IPS_NAT_CLASH | L.IPS_CONFIRMED);
			connHash(index, c);
			return true;
		}
	}
	const ns = netns(c.netns);
	store<u32>(ns, load<u32>(ns, L.NETNS_CT_INSERT_FAILED) + 1, L.NETNS_CT_INSERT_FAILED);
	p.reason = <u8>L.REASON_NAT_EXHAUSTED;
	return false;
}

// The packet joins the entry that came first, where that one is the same flow or has seen no NAT.
function merge(p: Packet, index: i32, c: Conn, winner: i32): bool {
	const w = conn(winner);
	const same = w.orig.equals(c.orig) && w.reply.equals(c.reply);
	if (!same && w.has(L.IPS_SRC_NAT_DONE | L.IPS_DST_NAT_DONE)) return false;
	account(w, p);
	connKill(index, p.time);
	p.ct = winner;
	return true;
}

/** Another packet (a flooded copy) shares this one's unconfirmed entry: it lives until both are gone. */
export function conntrackHold(p: Packet): void {
	if (p.ct >= 0 && !conn(p.ct).has(L.IPS_CONFIRMED)) conn(p.ct).use++;
}

/** A packet is dropped or consumed: frees its entry if nothing has confirmed it. The row stays readable for a while. */
export function conntrackUnconfirmedDrop(p: Packet): void {
	if (p.ct < 0 || directionOf(p.ctinfo) != 0) return;
	const c = conn(p.ct);
	if (c.has(L.IPS_CONFIRMED | L.IPS_DYING)) return;
	c.use--;
	if (c.use == 0) connKill(p.ct, p.time);
}

/** nf_ct_attach: an answer that the netns itself makes belongs, as RELATED, to the flow of what it answers. */
export function conntrackAttach(reply: Packet, to: Packet): void {
	if (to.ct < 0) return;
	reply.ct = to.ct;
	reply.ctinfo = <u8>(directionOf(to.ctinfo) == 0 ? L.CTINFO_RELATED_REPLY : L.CTINFO_RELATED);
}

/** nf_ct_kill of the packet's entry. */
export function conntrackKill(p: Packet): void {
	if (p.ct >= 0) connKill(p.ct, p.time);
}

/** `conntrack -F`: removes every confirmed entry of a netns; returns how many. */
export function conntrackFlush(netnsIndex: i32, now: i64): i32 {
	return conntrackDelete(netnsIndex, now, 0, 0, 0, -1, -1, 0, 0, -1, -1);
}

/**
 * `conntrack -D`: removes the confirmed entries of a netns that match; returns how many.
 * proto 0, address 0, port -1: any. Ports of ICMP are the id, and type << 8 | code.
 */
export function conntrackDelete(
	netnsIndex: i32,
	now: i64,
	proto: i32,
	origSrc: u32,
	origDst: u32,
	origSport: i32,
	origDport: i32,
	replySrc: u32,
	replyDst: u32,
	replySport: i32,
	replyDport: i32,
): i32 {
	const top = connTop();
	let count = 0;
	for (let i = 0; i < top; i++) {
		const c = conn(i);
		if (c.netns != netnsIndex || !c.has(L.IPS_CONFIRMED) || c.has(L.IPS_DYING) || expired(c, now)) continue;
		if (proto != 0 && <i32>c.proto != proto) continue;
		if (!matches(c.orig, origSrc, origDst, origSport, origDport)) continue;
		if (!matches(c.reply, replySrc, replyDst, replySport, replyDport)) continue;
		connDoom(i, now);
		count++;
	}
	connReap(now);
	return count;
}

function matches(t: Tuple, src: u32, dst: u32, sport: i32, dport: i32): bool {
	if (src != 0 && t.src != src) return false;
	if (dst != 0 && t.dst != dst) return false;
	if (sport >= 0 && <i32>t.sport != sport) return false;
	return dport < 0 || <i32>t.dport == dport;
}

// Wasm has no prefetch: a burst of packets is hashed in one loop, its slots are touched in a second, its entries in a third,
// and only then each packet is worked on, so that the misses of a burst overlap.

/** The hash under which conntrack looks a packet of (netns, zone 0) up; `ports` as in the tuple. */
// @ts-ignore: decorator
@inline
export function conntrackHash(netns: i32, family: u32, src: u32, dst: u32, ports: u32, proto: u32): u32 {
	const zone = <u32>zoneOf(netns, 0, family);
	return tupleHash((<u64>src) | ((<u64>dst) << 32), (<u64>ports) | ((<u64>((zone << 8) | proto)) << 32));
}

/** Loads a hash's first slot. The sum of what a touch loop returns keeps its loads from being optimised away. */
// @ts-ignore: decorator
@inline
export function conntrackTouch(hash: u32): u32 {
	return load<u32>(slotAt(hash), L.TUPLE_HASH);
}

/** Loads the first line of the entry in a hash's first slot, which mostly is the packet's. */
// @ts-ignore: decorator
@inline
export function conntrackTouchEntry(hash: u32): u32 {
	// an empty slot names entry 0
	return load<u32>(changetype<usize>(conn(load<i32>(slotAt(hash), L.TUPLE_CT) >> 1)), L.CT_STATUS);
}

// What matches and targets ask of an entry.

/** Tuple of the entry: 0 ORIGINAL, 1 REPLY. */
// @ts-ignore: decorator
@inline
export function ctTuple(ct: i32, dir: i32): Tuple {
	return conn(ct).tuple(dir);
}

/** IPS_* bits, the kernel's alone. */
// @ts-ignore: decorator
@inline
export function ctStatus(ct: i32): u32 {
	return (<u32>conn(ct).status) & ~(<u32>(L.IPS_TAKEN | L.IPS_CACHED));
}

// @ts-ignore: decorator
@inline
export function ctMark(ct: i32): u32 {
	return conn(ct).mark;
}

// @ts-ignore: decorator
@inline
export function setCtMark(ct: i32, mark: u32): void {
	conn(ct).mark = mark;
}

/** Protocol number of the flow. */
// @ts-ignore: decorator
@inline
export function ctProto(ct: i32): u8 {
	return conn(ct).proto;
}

/** Seconds until the entry expires, rounded down. */
export function ctExpires(ct: i32, now: i64): u32 {
	return expiresIn(conn(ct), now);
}

/** Makes row `index` of TABLE_CT whole, for whoever reads it. */
export function conntrackSettle(index: i32): void {
	settle(changetype<usize>(conn(index)));
}

/** Direction of the packet in its flow: 0 ORIGINAL, 1 REPLY. */
// @ts-ignore: decorator
@inline
export function ctDirection(p: Packet): i32 {
	return directionOf(p.ctinfo);
}
