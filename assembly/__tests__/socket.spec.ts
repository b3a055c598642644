// Sockets: which of several that fit gets a packet.

import * as L from "../layout";
import { netns } from "../netns";
import { Packet } from "../packet";
import { closeSocket, findQuoted, findSocket, openSocket, SOCKET_ANY, SOCKET_NONE } from "../socket";
import { A, B, BRIDGE, cluster, node, NODE, packet, podA } from "./network";

const TCP: u8 = <u8>L.PROTO_TCP;
const UDP: u8 = <u8>L.PROTO_UDP;

function segment(flags: i32, sport: i32 = 5000): Packet {
	const p = packet(node, L.PROTO_TCP, A, sport, NODE, 80);
	p.tcp = <u8>flags;
	return p;
}

function datagram(dst: u32 = NODE, dport: i32 = 53): Packet {
	return packet(node, L.PROTO_UDP, A, 5000, dst, dport);
}

describe("a packet's socket", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("is the connected one, else the one bound to the address, else any, in whatever order they were opened", () => {
		const any = openSocket(node, UDP, 0, 53, 0, 0);
		const bound = openSocket(node, UDP, NODE, 53, 0, 0);
		const connected = openSocket(node, UDP, 0, 53, A, 5000);
		expect(findSocket(datagram())).toBe(connected);
		closeSocket(connected);
		expect(findSocket(datagram())).toBe(bound);
		expect(findSocket(datagram(BRIDGE))).toBe(any);
		closeSocket(bound);
		expect(findSocket(datagram())).toBe(any);
		closeSocket(any);
		expect(findSocket(datagram())).toBe(SOCKET_NONE);
	});

	it("has the packet's netns, protocol and port", () => {
		openSocket(podA, UDP, 0, 53, 0, 0);
		openSocket(node, TCP, 0, 53, 0, 0);
		openSocket(node, UDP, 0, 54, 0, 0);
		expect(findSocket(datagram())).toBe(SOCKET_NONE);
		expect(findSocket(datagram(NODE, 54))).not.toBe(SOCKET_NONE);
	});

	it("connected elsewhere is not it", () => {
		openSocket(node, UDP, 0, 53, B, 5000);
		openSocket(node, UDP, 0, 53, A, 5001);
		expect(findSocket(datagram())).toBe(SOCKET_NONE);
	});

	it("of an echo reply is the one that asked, by id", () => {
		const asked = openSocket(node, <u8>L.PROTO_ICMP, 0, 77, 0, 0);
		const p = packet(node, L.PROTO_ICMP, A, 77, NODE, 0);
		expect(findSocket(p)).toBe(asked);
		p.sport = 78;
		expect(findSocket(p)).toBe(SOCKET_NONE);
	});

	it("of an ICMP error is the one whose packet it quotes", () => {
		const own = openSocket(node, UDP, 0, 5000, A, 53);
		const p = packet(node, L.PROTO_ICMP, A, 0, NODE, 0x0303);
		p.innerProto = UDP;
		p.innerSrc = NODE;
		p.innerSport = 5000;
		p.innerDst = A;
		p.innerDport = 53;
		expect(findQuoted(p)).toBe(own);
		p.innerDst = B;
		expect(findQuoted(p)).toBe(SOCKET_NONE);
	});
});

describe("a TCP listener", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("takes a SYN and nothing that has an ACK", () => {
		const listener = openSocket(node, TCP, 0, 80, 0, 0);
		expect(findSocket(segment(L.TCP_SYN))).toBe(listener);
		expect(findSocket(segment(L.TCP_SYN | L.TCP_ACK))).toBe(SOCKET_NONE);
		expect(findSocket(segment(L.TCP_ACK))).toBe(SOCKET_NONE);
		expect(findSocket(segment(L.TCP_FIN | L.TCP_ACK))).toBe(SOCKET_NONE);
		expect(findSocket(segment(L.TCP_RST))).toBe(SOCKET_NONE);
	});

	it("leaves later segments to the connection", () => {
		openSocket(node, TCP, 0, 80, 0, 0);
		const connection = openSocket(node, TCP, NODE, 80, A, 5000);
		expect(findSocket(segment(L.TCP_ACK))).toBe(connection);
		expect(findSocket(segment(L.TCP_ACK, 5001))).toBe(SOCKET_NONE);
	});
});

describe("a netns that listens on every port", () => {
	beforeEach(() => {
		cluster(0);
		store<u32>(netns(node), L.NS_ANY_PORT, L.NETNS_FLAGS);
	});

	it("takes datagrams and SYNs, not segments of connections that it does not have", () => {
		expect(findSocket(datagram())).toBe(SOCKET_ANY);
		expect(findSocket(segment(L.TCP_SYN))).toBe(SOCKET_ANY);
		expect(findSocket(segment(L.TCP_SYN | L.TCP_ACK))).toBe(SOCKET_NONE);
	});

	it("prefers a socket of its own", () => {
		const any = openSocket(node, UDP, 0, 53, 0, 0);
		expect(findSocket(datagram())).toBe(any);
	});
});

describe("the socket table", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("says when it is full, and takes a closed row again", () => {
		// the table of these specs has 16 rows
		for (let i = 0; i < 16; i++) expect(openSocket(node, UDP, 0, <u16>(100 + i), 0, 0)).not.toBe(SOCKET_NONE);
		expect(openSocket(node, UDP, 0, 99, 0, 0)).toBe(SOCKET_NONE);
		const p = datagram();
		for (let i = 0; i < 16; i++) {
			p.dport = <u16>(100 + i);
			expect(findSocket(p)).not.toBe(SOCKET_NONE);
		}
		p.dport = 107;
		closeSocket(findSocket(p));
		expect(findSocket(p)).toBe(SOCKET_NONE);
		for (let i = 0; i < 16; i++) {
			p.dport = <u16>(100 + i);
			if (i != 7) expect(findSocket(p)).not.toBe(SOCKET_NONE);
		}
		expect(openSocket(node, UDP, 0, 99, 0, 0)).not.toBe(SOCKET_NONE);
	});
});
