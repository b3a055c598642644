// A packet's way in IPv6: routes and sources, neighbours that answer for their own addresses alone, what stacks say, NAT66.

import { row } from "../arena";
import { device } from "../device";
import { run } from "../forward";
import { addressType, lookupRoute, sourceFor } from "../fib";
import { hasType6, lookup6, selectAddress6 } from "../fib6";
import * as L from "../layout";
import { MAC_NONE, resolve } from "../neighbour";
import { netns } from "../netns";
import { nextDue, wake } from "../queue";
import { openSocket } from "../socket";
import { Traced } from "../trace";
import { cbr0, ending, eventAt, find, node, packet, podA, podB, ready, router, sendOff, told, uplink } from "./network";
import { A6, assign6, B6, BRIDGE6, cluster6, eth, ip6, LOOPBACK6, NODE6, route6, ROUTER6 } from "./network6";

const ECHO: i32 = 128 << 8;

function echo(from: i32, src: u32, dst: u32): void {
	sendOff(packet(from, L.PROTO_ICMPV6, src, 7, dst, ECHO));
}

function delivered(index: i32): bool {
	return find(L.EVENT_DELIVER, index) >= 0;
}

function sourceSeen(index: i32): u32 {
	const at = find(L.EVENT_DELIVER, index);
	return at < 0 ? 0 : load<u32>(eventAt(at) + L.EVENT_WIRE, L.PACKET_SRC);
}

describe("IPv6 between stacks", () => {
	beforeEach(() => {
		cluster6(0);
	});

	it("an echo crosses a bridge and comes back", () => {
		echo(podA, A6, B6);
		expect(delivered(podB)).toBe(true);
		expect(told(podA)).toBe(129 << 8);
	});

	it("an echo without a source gets one, and one to the sender's own address stays at home", () => {
		echo(podA, 0, ROUTER6);
		expect(sourceSeen(router)).toBe(A6);
		cluster6(0);
		echo(podA, 0, A6);
		expect(sourceSeen(podA)).toBe(A6);
	});

	it("a stack that does not forward drops, one without a route says so even then", () => {
		const flags = netns(node) + L.NETNS_FLAGS;
		store<u32>(flags, load<u32>(flags) & ~L.NS_IP6_FORWARD);
		echo(podA, A6, ROUTER6);
		expect(ending(node)).toBe(L.REASON_NO_IP_FORWARD);
		expect(told(podA)).toBe(-1);
		cluster6(0);
		echo(podA, A6, ip6(9, 0, 9));
		expect(ending(router)).toBe(L.REASON_NO_ROUTE);
		expect(told(podA)).toBe((1 << 8) | 0);
	});

	it("routes that refuse say how", () => {
		route6(router, ip6(7, 0, 0), 64, 0, -1, L.RTN_PROHIBIT);
		ready();
		echo(podA, A6, ip6(7, 0, 9));
		expect(ending(router)).toBe(L.REASON_PROHIBIT);
		expect(told(podA)).toBe((1 << 8) | 1);
	});

	it("the hop limit runs out at the router, and a longer packet than the link's is told its size", () => {
		const p = packet(podA, L.PROTO_UDP, A6, 5000, ROUTER6, 53);
		p.ttl = 1;
		sendOff(p);
		expect(ending(node)).toBe(L.REASON_TTL);
		expect(told(podA)).toBe(3 << 8);
		cluster6(0);
		store<u32>(device(uplink), 1280, L.DEVICE_MTU);
		const long = packet(podA, L.PROTO_UDP, A6, 5000, ROUTER6, 53);
		long.len = 1400;
		sendOff(long);
		expect(ending(node)).toBe(L.REASON_MTU);
		expect(told(podA)).toBe(2 << 8);
	});

	it("nobody listens: port unreachable, a reset, an unknown header", () => {
		sendOff(packet(podA, L.PROTO_UDP, A6, 5000, B6, 53));
		expect(told(podA)).toBe((1 << 8) | 4);
		cluster6(0);
		const syn = packet(podA, L.PROTO_TCP, A6, 5000, B6, 80);
		syn.tcp = <u8>L.TCP_SYN;
		sendOff(syn);
		expect(find(L.EVENT_RST_OUT, podB) >= 0).toBe(true);
		expect(find(L.EVENT_IN, podA) >= 0).toBe(true);
		cluster6(0);
		sendOff(packet(podA, L.PROTO_SCTP, A6, 5000, B6, 80));
		expect(told(podA)).toBe((4 << 8) | 1);
	});

	it("loopback addresses never come by wire", () => {
		const p = packet(podA, L.PROTO_UDP, LOOPBACK6, 5000, B6, 53);
		sendOff(p);
		expect(ending(podB)).toBe(L.REASON_MARTIAN);
	});

	it("errors are limited by address, but packet-too-big is not", () => {
		store<u32>(netns(podB), 1000, L.NETNS_ICMP6_RATELIMIT);
		let answers = 0;
		for (let i = 0; i < 40; i++) {
			sendOff(packet(podA, L.PROTO_UDP, A6, 5000 + i, B6, 53));
		}
		for (let i = find(L.EVENT_ICMP_OUT, podB); i >= 0; i = find(L.EVENT_ICMP_OUT, podB, i + 1)) answers++;
		// A peer has 60 s of tokens at first, at most six errors' worth: 250 ms each on a /64.
		expect(answers).toBe(6);
	});

	it("a socket bound to one family does not hear the other", () => {
		openSocket(podB, <u8>L.PROTO_UDP, 0, 53, 0, 0, 4);
		sendOff(packet(podA, L.PROTO_UDP, A6, 5000, B6, 53));
		expect(told(podA)).toBe((1 << 8) | 4);
		cluster6(0);
		openSocket(podB, <u8>L.PROTO_UDP, 0, 53, 0, 0, 0);
		sendOff(packet(podA, L.PROTO_UDP, A6, 5000, B6, 53));
		expect(told(podA)).toBe(-1);
		expect(delivered(podB)).toBe(true);
	});
});

describe("neighbours of IPv6", () => {
	it("answer for addresses of the very device that was asked", () => {
		cluster6(0);
		expect(resolve(eth(podA), B6, 0)).toBe(eth(podB));
		expect(resolve(eth(podA), BRIDGE6, 0)).toBe(cbr0);
		// The node has it, but on its uplink: of IPv4 the bridge would answer.
		expect(resolve(eth(podA), NODE6, 0)).toBe(MAC_NONE);
	});

	it("are given up after three seconds, with address unreachable", () => {
		cluster6(0);
		echo(podA, A6, ip6(1, 0, 99));
		expect(ending(podA)).toBe(L.REASON_NONE);
		wake(nextDue());
		run<Traced>();
		expect(ending(podA)).toBe(L.REASON_NEIGHBOUR_FAILED);
		expect(told(podA)).toBe((1 << 8) | 3);
	});
});

describe("routes and sources of IPv6", () => {
	beforeEach(() => {
		cluster6(0);
	});

	it("the longest prefix wins, and of equals the later", () => {
		const wide = <u32>route6(node, ip6(5, 0, 0), 32, ROUTER6, uplink);
		const p = packet(node, L.PROTO_UDP, NODE6, 1, ip6(5, 0, 9), 2);
		ready();
		expect(lookupRoute(p, true)).toBe(L.RTN_UNICAST);
		expect(lookup6(node, ip6(5, 0, 9))).toBe(
			<i32>((wide - <u32>row(L.TABLE_ROUTE, 0, L.ROUTE_STRIDE)) / L.ROUTE_STRIDE),
		);
		expect(p.gateway).toBe(ROUTER6);
		expect(lookupRoute(packet(node, L.PROTO_UDP, NODE6, 1, A6, 2), true)).toBe(L.RTN_UNICAST);
		expect(lookupRoute(packet(node, L.PROTO_UDP, NODE6, 1, BRIDGE6, 2), false)).toBe(L.RTN_LOCAL);
	});

	it("a source is of the device that leads there, of the destination's label, and ::1 is nobody's", () => {
		expect(sourceFor(node, ROUTER6)).toBe(NODE6);
		expect(sourceFor(node, A6)).toBe(BRIDGE6);
		expect(sourceFor(node, NODE6)).toBe(NODE6);
		expect(sourceFor(node, LOOPBACK6)).toBe(LOOPBACK6);
		assign6(uplink, ip6(0x8000, 0, 11), 64, ip6(0x8000, 0, 0));
		ready();
		// Rule 8: no more bits count than the address's prefix has, and of equals the first address wins.
		expect(selectAddress6(uplink, ip6(2, 1, 1))).toBe(NODE6);
		expect(selectAddress6(uplink, ip6(0x8001, 0, 1))).toBe(ip6(0x8000, 0, 11));
	});

	it("address types are those of addrtype", () => {
		const local: u32 = 1 << L.RTN_LOCAL;
		const unicast: u32 = 1 << L.RTN_UNICAST;
		expect(addressType(node, NODE6, -1, 6)).toBe(L.RTN_LOCAL);
		expect(addressType(node, A6, -1, 6)).toBe(L.RTN_UNICAST);
		expect(hasType6(node, NODE6, local, -1)).toBe(true);
		expect(hasType6(node, NODE6, local, uplink)).toBe(true);
		expect(hasType6(node, NODE6, local, cbr0)).toBe(false);
		// UNICAST is a kind of address here, not of route: what is local is unicast too.
		expect(hasType6(node, NODE6, unicast, -1)).toBe(true);
		expect(hasType6(node, A6, local, -1)).toBe(false);
		// The subnet-router anycast address of a forwarding node's network.
		expect(addressType(node, ip6(1, 0, 0), -1, 6)).toBe(L.RTN_ANYCAST);
		expect(addressType(podA, ip6(1, 0, 0), -1, 6)).toBe(L.RTN_UNICAST);
	});
});
