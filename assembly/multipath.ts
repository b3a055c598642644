// The choice among the next hops of a route (net/ipv4/fib_semantics.c fib_select_multipath, net/ipv6/route.c
// fib6_select_path): in proportion to weights, by a hash of the flow.

import { identity } from "./address6";
import { row } from "./arena";
import { mix } from "./hash";
import { asksSourcePort } from "./journey";
import { netnsHas } from "./netns";
import { Packet } from "./packet";
import { keyed } from "./random";
import * as L from "./layout";

/** Sets p.oif and p.gateway to one of the next hops of the route at this address. */
export function selectNexthop(p: Packet, route: usize): void {
	const first = load<u32>(route, L.ROUTE_NEXTHOP_FIRST);
	const count = load<u32>(route, L.ROUTE_NEXTHOP_COUNT);
	let total: u32 = 0;
	for (let i: u32 = 0; i < count; i++)
		total += load<u32>(row(L.TABLE_NEXTHOP, first + i, L.NEXTHOP_STRIDE), L.NEXTHOP_WEIGHT);
	let point = <u32>((<u64>keyed(multipathKey(p)) * <u64>total) >> 32);
	for (let i: u32 = 0; i < count; i++) {
		const hop = row(L.TABLE_NEXTHOP, first + i, L.NEXTHOP_STRIDE);
		const weight = load<u32>(hop, L.NEXTHOP_WEIGHT);
		if (point < weight) {
			p.oif = load<i32>(hop, L.NEXTHOP_DEVICE);
			p.gateway = load<u32>(hop, L.NEXTHOP_VIA);
			return;
		}
		point -= weight;
	}
}

// Addresses, and ports with fib_multipath_hash_policy 1; IPv6 counts ports in any case, since a sender's flow label is a hash
// of them (net.ipv6.auto_flowlabels). An ICMP error travels with the flow that it quotes: its key is the quoted header's, reversed.
function multipathKey(p: Packet): u64 {
	const error = (p.proto == L.PROTO_ICMP || p.proto == L.PROTO_ICMPV6) && p.innerProto != 0;
	const src = identity(error ? p.innerDst : p.src);
	const dst = identity(error ? p.innerSrc : p.dst);
	const addresses = p.family == 6 ? src ^ rotl<u64>(dst, 32) : (src << 32) | dst;
	if (p.family != 6 && !netnsHas(p.netns, L.NS_L4_HASH)) return mix(addresses);
	asksSourcePort();
	const sport = error ? p.innerDport : p.sport;
	const dport = error ? p.innerSport : p.dport;
	const proto = error ? p.innerProto : p.proto;
	const ports = proto == L.PROTO_ICMP || proto == L.PROTO_ICMPV6 ? 0 : ((<u64>sport) << 16) | (<u64>dport);
	return mix(addresses) ^ mix((ports << 8) | (<u64>proto));
}
