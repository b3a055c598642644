// A packet's way through a small cluster: how it ends, and what the stack in which it ends says.

import { device } from "../device";
import { advance, due, eventsReset } from "../index";
import * as L from "../layout";
import { netns } from "../netns";
import { Packet } from "../packet";
import { openSocket } from "../socket";
import {
	A,
	B,
	BRIDGE,
	cbr0,
	cluster,
	ending,
	eventAt,
	find,
	ip,
	node,
	NODE,
	packet,
	podA,
	podB,
	ready,
	route,
	ROUTER,
	router,
	SECOND,
	sendOff,
	times,
	told,
	uplink,
} from "./network";

const OUTSIDE: u32 = ip(203, 0, 113, 7);
const NET_UNREACH: i32 = 0x0300;
const HOST_UNREACH: i32 = 0x0301;
const PORT_UNREACH: i32 = 0x0303;
const FRAG_NEEDED: i32 = 0x0304;
const REDIRECT: i32 = 0x0501;
const TIME_EXCEEDED: i32 = 0x0b00;

function datagram(from: i32, src: u32, dst: u32): Packet {
	return packet(from, L.PROTO_UDP, src, 5000, dst, 53);
}

/** The wire record that a netns was delivered first; 0: none. */
function delivered(index: i32): usize {
	const i = find(L.EVENT_DELIVER, index);
	return i < 0 ? 0 : eventAt(i) + L.EVENT_WIRE;
}

/** Source of the ICMP error that a netns was told. */
function teller(index: i32): u32 {
	return load<u32>(delivered(index), L.PACKET_SRC);
}

describe("a router", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("takes one off the TTL and passes on", () => {
		openSocket(router, <u8>L.PROTO_UDP, 0, 53, 0, 0);
		sendOff(datagram(podA, A, ROUTER));
		expect(load<u8>(delivered(router), L.PACKET_TTL)).toBe(63);
		expect(load<u32>(delivered(router), L.PACKET_SRC)).toBe(A);
	});

	it("answers an expired TTL from the address towards the sender", () => {
		const p = datagram(podA, A, OUTSIDE);
		p.ttl = 1;
		sendOff(p);
		expect(ending(node)).toBe(L.REASON_TTL);
		expect(told(podA)).toBe(TIME_EXCEEDED);
		expect(teller(podA)).toBe(BRIDGE);
		expect(times(L.EVENT_IN, router)).toBe(0);
	});

	it("says that it has no route", () => {
		sendOff(datagram(podA, A, OUTSIDE));
		expect(ending(router)).toBe(L.REASON_NO_ROUTE);
		expect(told(podA)).toBe(NET_UNREACH);
		expect(teller(podA)).toBe(ROUTER);
	});

	it("says nothing of a blackhole", () => {
		route(node, OUTSIDE, 32, 0, -1, L.RTN_BLACKHOLE);
		ready();
		sendOff(datagram(podA, A, OUTSIDE));
		expect(ending(node)).toBe(L.REASON_BLACKHOLE);
		expect(told(podA)).toBe(-1);
	});

	it("refuses what is too long for the next link, and says how long it may be", () => {
		store<u32>(device(cbr0), 1400, L.DEVICE_MTU);
		const p = datagram(router, ROUTER, A);
		p.len = 1401;
		sendOff(p);
		expect(ending(node)).toBe(L.REASON_MTU);
		expect(told(router)).toBe(FRAG_NEEDED);
		expect(load<u16>(eventAt(find(L.EVENT_DELIVER, router)), L.EVENT_MTU)).toBe(1400);
		eventsReset();
		const q = datagram(router, ROUTER, A);
		q.len = 1400;
		sendOff(q);
		expect(times(L.EVENT_IN, podA)).toBe(1);
	});

	it("sends a redirect where the sender could have gone by itself, and passes on all the same", () => {
		openSocket(podB, <u8>L.PROTO_UDP, 0, 53, 0, 0);
		route(podA, B, 32, BRIDGE, podA * 8 + 1);
		ready();
		sendOff(datagram(podA, A, B));
		expect(told(podA)).toBe(REDIRECT);
		expect(load<u8>(delivered(podB), L.PACKET_TTL)).toBe(63);
	});

	it("is what net.ipv4.ip_forward makes: without it a foreign packet ends in silence", () => {
		route(podA, OUTSIDE, 32, B, podA * 8 + 1);
		ready();
		sendOff(datagram(podA, A, OUTSIDE));
		expect(ending(podB)).toBe(L.REASON_NO_IP_FORWARD);
		expect(told(podA)).toBe(-1);
	});

	it("drops a source that its rp_filter does not believe", () => {
		store<u32>(device(uplink), 1, L.DEVICE_RP_FILTER);
		sendOff(datagram(router, A, B));
		expect(ending(node)).toBe(L.REASON_RP_FILTER);
	});
});

describe("a neighbour that does not answer", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("is given up after three seconds, and the sender hears of it from the last router", () => {
		sendOff(datagram(router, ROUTER, ip(10, 244, 1, 99)));
		expect(due()).toBe(3 * SECOND);
		advance(3 * SECOND - 1);
		expect(ending(node)).toBe(L.REASON_NONE);
		advance(3 * SECOND);
		expect(ending(node)).toBe(L.REASON_NEIGHBOUR_FAILED);
		expect(told(router)).toBe(HOST_UNREACH);
		expect(teller(router)).toBe(NODE);
	});

	it("on the sender's own link is told over lo", () => {
		sendOff(datagram(podA, A, ip(10, 244, 1, 99)));
		advance(3 * SECOND);
		expect(ending(podA)).toBe(L.REASON_NEIGHBOUR_FAILED);
		expect(told(podA)).toBe(HOST_UNREACH);
		expect(teller(podA)).toBe(A);
	});
});

describe("a stack", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("takes a packet for any of its addresses", () => {
		openSocket(node, <u8>L.PROTO_UDP, 0, 53, 0, 0);
		sendOff(datagram(podA, A, BRIDGE));
		expect(delivered(node)).not.toBe(0);
		eventsReset();
		sendOff(datagram(podA, A, NODE));
		expect(delivered(node)).not.toBe(0);
	});

	it("talks to itself over lo", () => {
		openSocket(node, <u8>L.PROTO_UDP, 0, 53, 0, 0);
		sendOff(datagram(node, 0, NODE));
		expect(load<u32>(delivered(node), L.PACKET_SRC)).toBe(NODE);
		expect(load<i32>(eventAt(find(L.EVENT_DELIVER, node)), L.EVENT_IIF)).toBe(node * 8);
	});

	it("answers a SYN to a closed port with a reset", () => {
		openSocket(podA, <u8>L.PROTO_TCP, A, 5000, B, 80);
		const p = packet(podA, L.PROTO_TCP, A, 5000, B, 80);
		p.tcp = <u8>L.TCP_SYN;
		p.seq = 1000;
		sendOff(p);
		expect(ending(podB)).toBe(L.REASON_PORT_CLOSED);
		const reset = eventAt(find(L.EVENT_DELIVER, podA));
		expect(load<u8>(reset + L.EVENT_WIRE, L.PACKET_TCP)).toBe(<u8>(L.TCP_RST | L.TCP_ACK));
		expect(load<u32>(reset, L.EVENT_ACK)).toBe(1001);
	});

	it("answers a stray segment with a reset at the number that it acknowledged, and a reset with nothing", () => {
		const p = packet(podA, L.PROTO_TCP, A, 5000, B, 80);
		p.tcp = <u8>L.TCP_ACK;
		p.ack = 77;
		sendOff(p);
		expect(ending(podB)).toBe(L.REASON_NO_SOCKET);
		const reset = eventAt(find(L.EVENT_RST_OUT, podB));
		expect(load<u8>(reset + L.EVENT_WIRE, L.PACKET_TCP)).toBe(<u8>L.TCP_RST);
		expect(load<u32>(reset, L.EVENT_SEQ)).toBe(77);
		// pod A has no such socket either: its stack must not answer the reset
		expect(ending(podA)).toBe(L.REASON_NO_SOCKET);
		expect(times(L.EVENT_RST_OUT, podA)).toBe(0);
	});

	it("says port unreachable for UDP, protocol unreachable for others", () => {
		sendOff(datagram(podA, A, B));
		expect(told(podA)).toBe(PORT_UNREACH);
		expect(teller(podA)).toBe(B);
		eventsReset();
		sendOff(packet(podA, L.PROTO_SCTP, A, 5000, B, 53));
		expect(told(podA)).toBe(0x0302);
	});

	it("answers an echo, unless icmp_echo_ignore_all", () => {
		sendOff(packet(podA, L.PROTO_ICMP, A, 77, B, 0x0800));
		expect(told(podA)).toBe(0);
		expect(load<u16>(delivered(podA), L.PACKET_SPORT)).toBe(77);
		eventsReset();
		store<u32>(netns(podB), L.NS_NO_ICMP_ECHO, L.NETNS_FLAGS);
		sendOff(packet(podA, L.PROTO_ICMP, A, 77, B, 0x0800));
		expect(told(podA)).toBe(-1);
	});

	it("that is silent answers ARP and nothing else", () => {
		store<u32>(netns(podB), L.NS_SILENT, L.NETNS_FLAGS);
		sendOff(datagram(podA, A, B));
		expect(ending(podB)).toBe(L.REASON_SILENT);
		expect(told(podA)).toBe(-1);
	});

	it("without a route does not send", () => {
		sendOff(datagram(router, ROUTER, OUTSIDE));
		expect(ending(router)).toBe(L.REASON_NO_ROUTE);
		expect(times(L.EVENT_OUT, router)).toBe(0);
	});
});
