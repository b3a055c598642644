// What a netns remembers of an address that it answers (struct inet_peer): token buckets of ICMP rate limits, and how many
// redirects were sent. net/ipv4/icmp.c icmpv4_xrlim_allow, net/ipv6/icmp.c, inetpeer.c inet_peer_xrlim_allow, route.c ip_error,
// ip_rt_send_redirect. The global icmp_msgs_per_sec bucket is not modelled.

import { base, capacity, row } from "./arena";
import { routeLength6 } from "./fib6";
import { genid } from "./genid";
import { hash2 } from "./hash";
import { icmp6RateLimit, icmpRateLimit, icmpRateLimited, netnsGenid } from "./netns";
import * as L from "./layout";

const XRLIM_BURST: u32 = 6;
const ERROR_BURST_MS: u32 = 5000;
const ERROR_COST_MS: u32 = 1000;
const REDIRECT_LOAD_MS: u32 = 20;
const REDIRECT_NUMBER: u32 = 9;
const REDIRECT_SILENCE_NS: i64 = 20_480_000_000;
const PROBES_MAX: u32 = 64;

export function peersReset(): void {
	memory.fill(base(L.TABLE_PEER), 0xff, <usize>capacity(L.TABLE_PEER) * L.PEER_STRIDE);
}

/** icmp_ratelimit: may a netns send an ICMP error of this type to an address now? */
export function mayAnswer(netns: i32, ip: u32, type: i32, now: i64): bool {
	const limit = icmpRateLimit(netns);
	if (limit == 0 || !icmpRateLimited(netns, type)) return true;
	return spend(peerOf(netns, ip, now), now, XRLIM_BURST * limit, limit);
}

/** icmpv6_xrlim_allow: the same for ICMPv6, where wider prefixes get more. Packet-too-big is never held back. */
export function mayAnswer6(netns: i32, ip: u32, type: i32, now: i64): bool {
	const limit = icmp6RateLimit(netns) >> ((128 - routeLength6(netns, ip)) >> 5);
	if (limit == 0 || type == 2) return true;
	return spend(peerOf(netns, ip, now), now, XRLIM_BURST * limit, limit);
}

/** error_burst and error_cost: may a router say that it has no route? */
export function mayComplain(netns: i32, ip: u32, now: i64): bool {
	return spend(peerOf(netns, ip, now), now, ERROR_BURST_MS, ERROR_COST_MS);
}

/** May a redirect be sent? The first at once, later ones ever more slowly, none after REDIRECT_NUMBER until it was quiet. */
export function mayRedirect(netns: i32, ip: u32, now: i64): bool {
	const peer = peerOf(netns, ip, now);
	const since = now - load<i64>(peer, L.PEER_LAST);
	let sent = load<u32>(peer, L.PEER_REDIRECTS);
	if (since > REDIRECT_SILENCE_NS) {
		sent = 0;
		store<u32>(peer, 0, L.PEER_TOKENS);
	}
	if (sent >= REDIRECT_NUMBER) {
		// Whoever goes on ignoring redirects keeps the silence going.
		store<i64>(peer, now, L.PEER_LAST);
		return false;
	}
	if (sent > 0 && since < <i64>(REDIRECT_LOAD_MS << sent) * 1_000_000) return false;
	store<u32>(peer, sent + 1, L.PEER_REDIRECTS);
	store<i64>(peer, now, L.PEER_LAST);
	return true;
}

function spend(peer: usize, now: i64, burst: u32, cost: u32): bool {
	const elapsed = <u64>((now - load<i64>(peer, L.PEER_LAST)) / 1_000_000);
	const tokens = <u32>min<u64>(<u64>burst, <u64>load<u32>(peer, L.PEER_TOKENS) + elapsed);
	store<i64>(peer, now, L.PEER_LAST);
	const allowed = tokens >= cost;
	store<u32>(peer, allowed ? tokens - cost : tokens, L.PEER_TOKENS);
	return allowed;
}

// The row of (netns, ip). Where its neighbourhood is full it shares a row, which only makes limits stricter.
function peerOf(netns: i32, ip: u32, now: i64): usize {
	const mask = capacity(L.TABLE_PEER) - 1;
	let i = hash2(<u64>netns, <u64>ip) & mask;
	let room: usize = 0;
	for (let n: u32 = 0; n < PROBES_MAX; n++, i = (i + 1) & mask) {
		const at = row(L.TABLE_PEER, i, L.PEER_STRIDE);
		const owner = load<i32>(at, L.PEER_NETNS);
		// Of a netns that came later than what is remembered, it remembers nothing.
		const gone = owner == -1 || netnsGenid(owner) > load<u32>(at, L.PEER_GENID);
		if (!gone && owner == netns && load<u32>(at, L.PEER_IP) == ip) return at;
		if (gone && room == 0) room = at;
		if (owner == -1) break;
	}
	if (room == 0) return row(L.TABLE_PEER, i, L.PEER_STRIDE);
	store<i32>(room, netns, L.PEER_NETNS);
	store<u32>(room, ip, L.PEER_IP);
	store<u32>(room, 0, L.PEER_TOKENS);
	store<u32>(room, 0, L.PEER_REDIRECTS);
	store<i64>(room, now - 60_000_000_000, L.PEER_LAST);
	store<u32>(room, genid(), L.PEER_GENID);
	return room;
}
