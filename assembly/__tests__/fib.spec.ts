// Routing: which route a packet takes, which source it gets, and which sources are believed.

import { row } from "../arena";
import { device } from "../device";
import {
	addressType,
	fibLookup,
	isBroadcast,
	isLocalRoute,
	isMartian,
	lookupRoute,
	preferredSource,
	selectAddress,
	sourceFor,
	validateSource,
} from "../fib";
import * as L from "../layout";
import { netns } from "../netns";
import { Packet } from "../packet";
import {
	A,
	add,
	assign,
	BRIDGE,
	cbr0,
	cluster,
	ip,
	NODE,
	node,
	packet,
	podA,
	ready,
	route,
	ROUTER,
	router,
	uplink,
} from "./network";

const OUTSIDE: u32 = ip(203, 0, 113, 7);

function towards(dst: u32, sport: i32 = 5000): Packet {
	return packet(node, L.PROTO_UDP, NODE, sport, dst, 53);
}

function gatewayOf(dst: u32): u32 {
	const p = towards(dst);
	return lookupRoute(p, true) == L.RTN_UNICAST ? p.gateway : 1;
}

/** Two next hops of weights 1 and 3 towards 198.51.100.0/24. */
function multipath(): void {
	const at = route(node, ip(198, 51, 100, 0), 24, 0, -1);
	for (let i = 0; i < 2; i++) {
		const hop = row(L.TABLE_NEXTHOP, i, L.NEXTHOP_STRIDE);
		store<u32>(hop, ROUTER + i, L.NEXTHOP_VIA);
		store<i32>(hop, uplink, L.NEXTHOP_DEVICE);
		store<u32>(hop, i == 0 ? 1 : 3, L.NEXTHOP_WEIGHT);
	}
	store<u32>(at, 2, L.ROUTE_NEXTHOP_COUNT);
	ready();
}

function rpFilter(dev: i32, mode: u32): void {
	store<u32>(device(dev), mode, L.DEVICE_RP_FILTER);
}

function believed(src: u32, dev: i32): bool {
	const p = packet(node, L.PROTO_UDP, src, 5000, NODE, 53);
	return validateSource(p, dev);
}

describe("the route of a packet", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("is the longest prefix that holds the destination", () => {
		route(node, ip(203, 0, 0, 0), 16, ROUTER + 1, uplink);
		route(node, ip(203, 0, 113, 0), 24, ROUTER + 2, uplink);
		route(node, OUTSIDE, 32, ROUTER + 3, uplink);
		ready();
		expect(gatewayOf(OUTSIDE)).toBe(ROUTER + 3);
		expect(gatewayOf(OUTSIDE + 1)).toBe(ROUTER + 2);
		expect(gatewayOf(OUTSIDE - 1)).toBe(ROUTER + 2);
		expect(gatewayOf(ip(203, 0, 112, 255))).toBe(ROUTER + 1);
		expect(gatewayOf(ip(203, 0, 114, 0))).toBe(ROUTER + 1);
		expect(gatewayOf(ip(203, 1, 0, 0))).toBe(ROUTER);
		expect(gatewayOf(0xdfffffff)).toBe(ROUTER);
	});

	it("is on-link for a connected subnet", () => {
		const p = towards(A);
		expect(lookupRoute(p, true)).toBe(L.RTN_UNICAST);
		expect(p.gateway).toBe(0);
		expect(p.oif).toBe(cbr0);
		expect(preferredSource(p)).toBe(BRIDGE);
	});

	it("is local for an own address, whatever main says of the same prefix", () => {
		route(node, NODE, 32, ROUTER, uplink);
		ready();
		expect(isLocalRoute(fibLookup(node, NODE))).toBe(true);
		expect(isLocalRoute(fibLookup(node, ip(127, 9, 9, 9)))).toBe(true);
		expect(isLocalRoute(fibLookup(node, NODE + 1))).toBe(false);
		expect(isLocalRoute(fibLookup(router, NODE))).toBe(false);
	});

	it("of equal prefixes is the last row, where the host writes the best metric", () => {
		route(node, OUTSIDE, 32, ROUTER + 3, uplink);
		route(node, OUTSIDE, 32, ROUTER + 4, uplink);
		ready();
		expect(gatewayOf(OUTSIDE)).toBe(ROUTER + 4);
	});

	it("may be a broadcast: the last address of a subnet, none of a /31 or /32", () => {
		assign(uplink, ip(198, 18, 0, 0), 31);
		assign(uplink, ip(198, 18, 1, 5), 32);
		ready();
		expect(fibLookup(node, ip(192, 0, 2, 0))).toBeGreaterThanOrEqual(0);
		expect(isBroadcast(fibLookup(node, ip(192, 0, 2, 255)))).toBe(true);
		expect(isLocalRoute(fibLookup(node, ip(192, 0, 2, 255)))).toBe(false);
		expect(isBroadcast(fibLookup(node, ip(192, 0, 2, 254)))).toBe(false);
		expect(isLocalRoute(fibLookup(node, ip(198, 18, 0, 0)))).toBe(true);
		expect(isBroadcast(fibLookup(node, ip(198, 18, 0, 1)))).toBe(false);
		expect(isLocalRoute(fibLookup(node, ip(198, 18, 1, 5)))).toBe(true);
		expect(isBroadcast(fibLookup(node, ip(127, 255, 255, 255)))).toBe(true);
	});

	it("may lead nowhere: blackhole, unreachable, or none at all", () => {
		route(node, OUTSIDE, 32, 0, -1, L.RTN_BLACKHOLE);
		route(node, OUTSIDE + 1, 32, 0, -1, L.RTN_UNREACHABLE);
		ready();
		expect(lookupRoute(towards(OUTSIDE), true)).toBe(L.RTN_BLACKHOLE);
		expect(lookupRoute(towards(OUTSIDE + 1), true)).toBe(L.RTN_UNREACHABLE);
		expect(lookupRoute(towards(OUTSIDE + 2), true)).toBe(L.RTN_UNICAST);
		const p = packet(router, L.PROTO_UDP, ROUTER, 5000, OUTSIDE, 53);
		expect(lookupRoute(p, true)).toBe(L.RTN_UNSPEC);
	});
});

describe("several next hops", () => {
	beforeEach(() => {
		cluster(L.NS_L4_HASH);
		multipath();
	});

	it("share flows by weight, and a flow keeps its own", () => {
		let second = 0;
		const p = towards(ip(198, 51, 100, 9));
		for (let port = 0; port < 4000; port++) {
			p.sport = <u16>port;
			lookupRoute(p, true);
			const gateway = p.gateway;
			if (gateway == ROUTER + 1) second++;
			lookupRoute(p, true);
			if (p.gateway != gateway) second = -100000;
		}
		// 3,000 expected; five standard deviations are 137
		expect(second).toBeGreaterThan(2863);
		expect(second).toBeLessThan(3137);
	});

	it("ignore ports without fib_multipath_hash_policy 1", () => {
		store<u32>(netns(node), L.NS_IP_FORWARD, L.NETNS_FLAGS);
		const p = towards(ip(198, 51, 100, 9));
		lookupRoute(p, true);
		const gateway = p.gateway;
		let other = 0;
		for (let port = 0; port < 200; port++) {
			p.sport = <u16>port;
			lookupRoute(p, true);
			if (p.gateway != gateway) other++;
		}
		expect(other).toBe(0);
	});

	it("send an ICMP error the way that the answers of its flow go", () => {
		const far = ip(198, 51, 100, 9);
		const answer = packet(node, L.PROTO_UDP, NODE, 53, far, 0);
		const error = packet(node, L.PROTO_ICMP, NODE, 0, far, 0x0303);
		error.innerProto = <u8>L.PROTO_UDP;
		error.innerSrc = far;
		error.innerDst = NODE;
		error.innerDport = 53;
		let astray = 0;
		for (let port = 0; port < 100; port++) {
			answer.dport = <u16>port;
			error.innerSport = <u16>port;
			lookupRoute(answer, true);
			lookupRoute(error, true);
			if (error.gateway != answer.gateway) astray++;
		}
		expect(astray).toBe(0);
	});
});

describe("the source that a socket gets", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("is the address on the way out, in the destination's subnet where there is one", () => {
		expect(sourceFor(node, A)).toBe(BRIDGE);
		expect(sourceFor(node, OUTSIDE)).toBe(NODE);
		expect(sourceFor(podA, OUTSIDE)).toBe(A);
		assign(uplink, ip(198, 18, 0, 5), 24);
		ready();
		expect(sourceFor(node, OUTSIDE)).toBe(NODE);
		expect(sourceFor(node, ip(198, 18, 0, 9))).toBe(ip(198, 18, 0, 5));
	});

	it("is the route's preferred one where it names one", () => {
		store<u32>(route(node, OUTSIDE, 32, ROUTER, uplink), BRIDGE, L.ROUTE_PREFSRC);
		ready();
		expect(sourceFor(node, OUTSIDE)).toBe(BRIDGE);
		const p = towards(OUTSIDE);
		lookupRoute(p, true);
		expect(preferredSource(p)).toBe(BRIDGE);
	});

	it("is the destination itself within the netns, and none without a route", () => {
		expect(sourceFor(node, NODE)).toBe(NODE);
		expect(sourceFor(node, ip(127, 0, 0, 5))).toBe(ip(127, 0, 0, 1));
		expect(sourceFor(router, OUTSIDE)).toBe(0);
	});

	it("is another device's where the device has none, but never lo's", () => {
		const bare = add(node, L.DEVICE_KIND_VETH);
		expect(selectAddress(bare, OUTSIDE)).toBe(BRIDGE);
	});
});

describe("source validation", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("believes everything but its own addresses with rp_filter 0", () => {
		expect(believed(A, uplink)).toBe(true);
		const p = packet(node, L.PROTO_UDP, BRIDGE, 5000, NODE, 53);
		expect(validateSource(p, uplink)).toBe(false);
		expect(p.reason).toBe(<u8>L.REASON_MARTIAN);
	});

	it("wants the way back through the same device with rp_filter 1", () => {
		rpFilter(uplink, 1);
		expect(believed(OUTSIDE, uplink)).toBe(true);
		const p = packet(node, L.PROTO_UDP, A, 5000, NODE, 53);
		expect(validateSource(p, uplink)).toBe(false);
		expect(p.reason).toBe(<u8>L.REASON_RP_FILTER);
	});

	it("wants any way back with rp_filter 2", () => {
		rpFilter(uplink, 2);
		expect(believed(A, uplink)).toBe(true);
		route(node, OUTSIDE, 32, 0, -1, L.RTN_BLACKHOLE);
		ready();
		expect(believed(OUTSIDE, uplink)).toBe(false);
	});

	it("calls loopback on the wire a martian unless route_localnet is on", () => {
		const p = packet(node, L.PROTO_UDP, A, 5000, ip(127, 0, 0, 1), 53);
		expect(isMartian(p, cbr0)).toBe(true);
		store<u32>(device(cbr0), L.DEV_ROUTE_LOCALNET, L.DEVICE_FLAGS);
		expect(isMartian(p, cbr0)).toBe(false);
		p.src = ip(224, 0, 0, 1);
		expect(isMartian(p, cbr0)).toBe(true);
	});
});

describe("the type of an address", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("is what ip route says of it", () => {
		expect(addressType(node, NODE, -1)).toBe(L.RTN_LOCAL);
		expect(addressType(node, ip(127, 0, 0, 1), -1)).toBe(L.RTN_LOCAL);
		expect(addressType(node, A, -1)).toBe(L.RTN_UNICAST);
		expect(addressType(node, ip(192, 0, 2, 255), -1)).toBe(L.RTN_BROADCAST);
		expect(addressType(node, ip(224, 0, 0, 5), -1)).toBe(5);
	});

	it("is local on its own device alone with --limit-iface", () => {
		expect(addressType(node, NODE, uplink)).toBe(L.RTN_LOCAL);
		expect(addressType(node, NODE, cbr0)).toBe(L.RTN_UNICAST);
	});
});
