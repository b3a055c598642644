// Network address translation of a flow: which addresses and ports it gets, decided on its first packet
// (net/netfilter/nf_nat_core.c: nf_nat_setup_info, get_unique_tuple, nf_nat_l4proto_unique_tuple).
// Only the reply tuple is altered; `manip` rewrites packets by it. An exhausted range is not noticed here: the tuple that is
// left clashes, and conntrackConfirm drops the packet. Not modelled: a base port for shifted ranges (NAT_BASEPORT), IPv6
// address ranges of more than one address, sequence adjustment.

import { asksSourcePort, notRepeatable } from "../journey";
import * as L from "../layout";
import { netnsHas } from "../netns";
import { Packet } from "../packet";
import { next32 } from "../random";
import { Conn, conn, connKill } from "./conn";
import { findLive } from "./conntrack";
import { jhash4 } from "./jhash";
import { manipOf } from "./manip";
import { sourceAdd, sourceFirst, sourceNext } from "./source";
import { directionOf } from "./timeout";
import { hasPorts, invert, isIcmp, tupleAt, Tuple } from "./tuple";
import { after } from "./window";
import { Window } from "./windowrow";

const MAX_ATTEMPTS: u32 = 128; // NF_NAT_MAX_ATTEMPTS
const HARDER_BELOW: u32 = 32; // NF_NAT_HARDER_THRESH
const RANDOM_ALL: i32 = L.NAT_RANDOM | L.NAT_RANDOM_FULLY;

export { natChanged, natManip } from "./manip";

// Scratch: the flow as it is now, as it shall be, and a reply to ask for
const CURRENT: usize = memory.data(16, 8);
const WANTED: usize = memory.data(16, 8);
const REPLY: usize = memory.data(16, 8);

// The range asked for (struct nf_nat_range2)
let addrLow: u32 = 0;
let addrHigh: u32 = 0;
let portLow: u32 = 0;
let portHigh: u32 = 0;
let flags: i32 = 0;

/** Has the source (or destination) of the packet's flow been decided, translated or not? */
export function natInitialized(p: Packet, manip: i32): bool {
	return conn(p.ct).has(manip == L.MANIP_SRC ? L.IPS_SRC_NAT_DONE : L.IPS_DST_NAT_DONE);
}

/**
 * nf_nat_setup_info: maps the source or destination of the packet's flow into a range. addrMin 0: the address stays.
 * portMin and portMax (ids for ICMP) count with NAT_PORTS. NF_DROP only where it had been decided already.
 */
export function natSetup(
	p: Packet,
	manip: i32,
	addrMin: u32,
	addrMax: u32,
	portMin: i32,
	portMax: i32,
	natFlags: i32,
): i32 {
	const index = p.ct;
	if (index < 0) return L.NF_ACCEPT;
	const c = conn(index);
	if (c.has(L.IPS_CONFIRMED)) return L.NF_ACCEPT;
	if (natInitialized(p, manip)) return L.NF_DROP;
	addrLow = addrMin;
	addrHigh = addrMin != 0 && addrMax == 0 ? addrMin : addrMax;
	portLow = <u32>min<i32>(portMin, portMax);
	portHigh = <u32>max<i32>(portMin, portMax);
	flags = natFlags;

	const current = tupleAt(CURRENT);
	const wanted = tupleAt(WANTED);
	invert(current, c.reply);
	uniqueTuple(wanted, current, c, manip, p.time);
	if (!wanted.equals(current)) {
		invert(c.reply, wanted); // nf_conntrack_alter_reply
		c.set(manip == L.MANIP_SRC ? L.IPS_SRC_NAT : L.IPS_DST_NAT);
	}
	bound(index, c, manip);
	return L.NF_ACCEPT;
}

function bound(index: i32, c: Conn, manip: i32): void {
	if (manip == L.MANIP_SRC) sourceAdd(index, c);
	c.set(manip == L.MANIP_SRC ? L.IPS_SRC_NAT_DONE : L.IPS_DST_NAT_DONE);
}

/** nf_nat_alloc_null_binding: keeps the address, and the port too unless another flow holds the tuple. */
export function natNull(p: Packet, hook: i32): i32 {
	if (p.ct < 0) return L.NF_ACCEPT;
	const c = conn(p.ct);
	const manip = manipOf(hook);
	if (!c.has(L.IPS_CONFIRMED) && !natInitialized(p, manip) && isFree(c.reply, c, p.time)) {
		bound(p.ct, c, manip);
		return L.NF_ACCEPT;
	}
	const address = manip == L.MANIP_SRC ? c.reply.dst : c.reply.src;
	return natSetup(p, manip, address, address, 0, 0, 0);
}

/** nf_nat_masquerade: remembers the device whose address the flow uses. */
export function natRecordDevice(p: Packet, device: i32): void {
	if (p.ct >= 0) conn(p.ct).masqDevice = device;
}

/** nf_nat_oif_changed: a masqueraded flow that now leaves by another device; the kernel kills the entry and drops the packet. */
export function natDeviceChanged(p: Packet, hook: i32): bool {
	if (p.ct < 0 || hook != L.HOOK_POSTROUTING || directionOf(p.ctinfo) != 0) return false;
	const device = conn(p.ct).masqDevice;
	return device >= 0 && device != p.oif;
}

// The reply to `t` may be another flow's: is it? Flows with our own original tuple do not count: they are this flow.
// nf_nat_used_tuple_new's extra test for two flows that cross is left out: one packet at a time, the second finds the first.
function used(t: Tuple, c: Conn, now: i64): bool {
	const reply = tupleAt(REPLY);
	return invert(reply, t) && !isFree(reply, c, now);
}

function isFree(reply: Tuple, c: Conn, now: i64): bool {
	const found = findLive(reply, 1, now);
	return found < 0 || conn(found >> 1).orig.equals(c.orig);
}

// In the last attempts of a round a TCP flow may take the tuple of one that is over and whose sequence it has passed.
function usedHarder(t: Tuple, c: Conn, left: u32, now: i64): bool {
	if (left > HARDER_BELOW || t.proto != <u8>L.PROTO_TCP || c.state != <u8>L.TCP_CT_SYN_SENT) return used(t, c, now);
	const reply = tupleAt(REPLY);
	invert(reply, t);
	const found = findLive(reply, 1, now);
	if (found < 0) return false;
	const old = conn(found >> 1);
	if ((found & 1) == 0 || old.state < <u8>L.TCP_CT_TIME_WAIT) return true;
	if (old.has(L.IPS_FIXED_TIMEOUT | L.IPS_DYING) || !old.has(L.IPS_SRC_NAT)) return true;
	if (!sequenceAdvanced(old, c)) return true;
	connKill(found >> 1, now);
	return false;
}

// Without sequence numbers (windows off, both ends alike) it is a coin, as it is between two random initial numbers.
function sequenceAdvanced(old: Conn, c: Conn): bool {
	if (netnsHas(c.netns, L.NS_TCP_WINDOWS)) return after(Window.of(c).seen(0).end, Window.of(old).seen(0).end);
	return c.firstEnd == old.firstEnd ? (next32() & 1) == 1 : after(c.firstEnd, old.firstEnd);
}

function portInRange(t: Tuple, manip: i32): bool {
	if (manip == L.MANIP_SRC) asksSourcePort();
	const proto = t.proto;
	if (!isIcmp(proto) && !hasPorts(proto)) return true;
	const port = <u32>(manip == L.MANIP_SRC || isIcmp(proto) ? t.sport : t.dport);
	return port >= portLow && port <= portHigh;
}

// Would a source like this do?
function inRange(t: Tuple): bool {
	if (addrLow != 0 && (t.src < addrLow || t.src > addrHigh)) return false;
	return (flags & L.NAT_PORTS) == 0 || portInRange(t, L.MANIP_SRC);
}

// find_appropriate_src: the mapping that this source has towards another destination, if it fits the range
function findSource(result: Tuple, t: Tuple): bool {
	for (let i = sourceFirst(t.src, t.sport, t.zoneProto); i >= 0; i = sourceNext(i)) {
		const other = conn(i);
		const o = other.orig;
		if (o.src != t.src || o.sport != t.sport || o.zoneProto != t.zoneProto) continue;
		invert(result, other.reply);
		result.dst = t.dst;
		result.dport = t.dport;
		notRepeatable();
		if (inRange(result)) return true;
	}
	return false;
}

function uniqueTuple(wanted: Tuple, current: Tuple, c: Conn, manip: i32, now: i64): void {
	const random = (flags & RANDOM_ALL) != 0;
	if (manip == L.MANIP_SRC && !random) {
		if (inRange(current)) {
			if (!used(current, c, now)) {
				wanted.assign(current.lo, current.hi);
				return;
			}
		} else if (findSource(wanted, current)) {
			if (!used(wanted, c, now)) return;
		}
	}
	wanted.assign(current.lo, current.hi);
	chooseAddress(wanted, c, manip);
	if (!random) {
		if ((flags & L.NAT_PORTS) == 0) {
			if (!used(wanted, c, now)) return;
		} else if (portInRange(wanted, manip) && (portLow == portHigh || !used(wanted, c, now))) {
			return;
		}
	}
	uniquePort(wanted, c, manip, now);
}

// find_best_ips_proto: the address out of a range by a hash, so that one client keeps one address
function chooseAddress(t: Tuple, c: Conn, manip: i32): void {
	if (addrLow == 0) return;
	let address = addrLow;
	if (addrLow != addrHigh) {
		// the kernel hashes addresses in network byte order
		const initial = (flags & L.NAT_PERSISTENT) != 0 ? 0 : bswap<u32>(t.dst) ^ c.zone;
		const j = jhash4(bswap<u32>(t.src), 0, 0, 0, initial);
		address += <u32>((<u64>j * <u64>(addrHigh - addrLow + 1)) >> 32);
	}
	if (manip == L.MANIP_SRC) t.src = address;
	else t.dst = address;
}

let portFirst: u32 = 0;
let portCount: u32 = 0;

// The ports to search: the range, or the class of the present one, since ports below 512 and 1024 carry privileges
function portClass(port: u32): void {
	portFirst = port < 512 ? 1 : port < 1024 ? 600 : 1024;
	portCount = (port < 512 ? 512 : port < 1024 ? 1024 : 65536) - portFirst;
}

// False: this protocol, or a destination without a port range, has nothing to search.
function portRange(t: Tuple, manip: i32): bool {
	const icmp = isIcmp(t.proto);
	if (!icmp && !hasPorts(t.proto)) return false;
	if ((flags & L.NAT_PORTS) != 0) {
		portFirst = portLow;
		portCount = portHigh - portLow + 1;
		return true;
	}
	if (icmp) {
		portFirst = 0;
		portCount = 65536;
		return true;
	}
	if (manip == L.MANIP_DST) return false;
	portClass(t.sport);
	return true;
}

// nf_nat_l4proto_unique_tuple: rounds of 128, 64, 32, 16 tries, each from a new random start; a range that fits in one round
// gets only that one. Leaves the last one tried where none is free.
function uniquePort(t: Tuple, c: Conn, manip: i32, now: i64): void {
	if (!portRange(t, manip)) return;
	const source = manip == L.MANIP_SRC || isIcmp(t.proto);
	const random = (flags & RANDOM_ALL) != 0 || manip != L.MANIP_DST;
	if (source || random) notRepeatable();
	let offset = random ? next32() & 0xffff : 0;
	let attempts = min<u32>(portCount, MAX_ATTEMPTS);
	while (true) {
		for (let i: u32 = 0; i < attempts; i++) {
			const port = <u16>(portFirst + (((offset + i) & 0xffff) % portCount));
			if (source) t.sport = port;
			else t.dport = port;
			if (!usedHarder(t, c, attempts - i, now)) return;
			notRepeatable();
		}
		if (attempts >= portCount || attempts < 16) return;
		attempts >>= 1;
		offset = next32() & 0xffff;
	}
}
