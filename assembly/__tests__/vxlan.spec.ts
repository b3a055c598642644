// VXLAN between two nodes: a frame inside a UDP packet, there and out again.

import { device } from "../device";
import * as L from "../layout";
import { openSocket } from "../socket";
import { packetAt, releasePacket } from "../queue";
import { decapsulate, encapsulate, isForTunnel } from "../vxlan";
import {
	add,
	assign,
	begin,
	ending,
	eventAt,
	find,
	ip,
	join,
	packet,
	ready,
	route,
	sendOff,
	stack,
	times,
} from "./network";

const PORT: u32 = 8472;
const LEFT: u32 = ip(192, 0, 2, 11);
const RIGHT: u32 = ip(192, 0, 2, 12);
const POD: u32 = ip(10, 244, 2, 1);

let left: i32 = 0;
let right: i32 = 0;
let wire: i32 = 0;
let tunnelLeft: i32 = 0;
let tunnelRight: i32 = 0;

function tunnel(index: i32, local: u32, address: u32): i32 {
	const dev = add(index, L.DEVICE_KIND_VXLAN);
	const at = device(dev);
	store<u32>(at, 1, L.DEVICE_VNI);
	store<u32>(at, local, L.DEVICE_LOCAL);
	store<u32>(at, PORT, L.DEVICE_VPORT);
	store<u32>(at, 1450, L.DEVICE_MTU);
	assign(dev, address, 32);
	return dev;
}

/** Two nodes on one link, each with a tunnel device; 10.244.2.0/24 is right's, by the tunnel. */
function nodes(): void {
	begin();
	left = stack(L.NS_IP_FORWARD);
	right = stack(L.NS_IP_FORWARD);
	wire = join(left, right);
	assign(wire, LEFT, 24);
	assign(load<i32>(device(wire), L.DEVICE_PEER), RIGHT, 24);
	tunnelLeft = tunnel(left, LEFT, ip(10, 244, 1, 0));
	tunnelRight = tunnel(right, RIGHT, ip(10, 244, 2, 0));
	store<i32>(device(tunnelLeft), tunnelRight, L.DEVICE_NEXT_VTEP);
	store<i32>(device(tunnelRight), tunnelLeft, L.DEVICE_NEXT_VTEP);
	assign(add(right, L.DEVICE_KIND_VETH), POD, 24);
	route(left, ip(10, 244, 2, 0), 24, ip(10, 244, 2, 0), tunnelLeft);
	route(right, ip(10, 244, 1, 0), 24, ip(10, 244, 1, 0), tunnelRight);
	ready();
}

function outerPort(sport: i32): i32 {
	const p = packet(left, L.PROTO_UDP, LEFT, sport, POD, 53);
	p.dmac = tunnelRight;
	const outer = encapsulate(p, tunnelLeft);
	if (outer === null) throw new Error("no slot is free");
	const port = <i32>outer.sport;
	releasePacket(outer);
	return port;
}

describe("a packet over a tunnel", () => {
	beforeEach(() => {
		nodes();
		openSocket(right, <u8>L.PROTO_UDP, 0, 53, 0, 0);
	});

	it("arrives with the tunnel's own address as its source", () => {
		sendOff(packet(left, L.PROTO_UDP, 0, 5000, POD, 53));
		const got = eventAt(find(L.EVENT_DELIVER, right)) + L.EVENT_WIRE;
		expect(load<u32>(got, L.PACKET_SRC)).toBe(ip(10, 244, 1, 0));
		expect(load<u32>(got, L.PACKET_DST)).toBe(POD);
		expect(load<u16>(got, L.PACKET_DPORT)).toBe(53);
	});

	it("is UDP between the nodes on the wire, 50 bytes longer", () => {
		sendOff(packet(left, L.PROTO_UDP, 0, 5000, POD, 53));
		let seen = 0;
		for (let i = find(L.EVENT_OUT, left); i >= 0; i = find(L.EVENT_OUT, left, i + 1)) {
			if (load<i32>(eventAt(i), L.EVENT_DEVICE) != wire) continue;
			const outer = eventAt(i) + L.EVENT_WIRE;
			expect(load<u8>(outer, L.PACKET_PROTO)).toBe(<u8>L.PROTO_UDP);
			expect(load<u32>(outer, L.PACKET_SRC)).toBe(LEFT);
			expect(load<u32>(outer, L.PACKET_DST)).toBe(RIGHT);
			expect(load<u16>(outer, L.PACKET_DPORT)).toBe(<u16>PORT);
			expect(load<u32>(outer, L.PACKET_LEN)).toBe(90);
			// the event behind it shows the packet inside
			expect(load<u8>(eventAt(i + 1), L.EVENT_KIND)).toBe(<u8>L.EVENT_INSIDE);
			expect(load<u32>(eventAt(i + 1) + L.EVENT_WIRE, L.PACKET_DST)).toBe(POD);
			seen++;
		}
		expect(seen).toBe(1);
	});

	it("finds no far end in another network (VNI)", () => {
		store<u32>(device(tunnelRight), 2, L.DEVICE_VNI);
		sendOff(packet(left, L.PROTO_UDP, 0, 5000, POD, 53));
		expect(times(L.EVENT_IN, right)).toBe(0);
		expect(times(L.EVENT_OUT, left)).toBe(0);
	});

	it("that is too long for the tunnel is refused by the router before it", () => {
		const far = stack(0);
		const link = join(far, left);
		const outside = ip(198, 51, 100, 2);
		assign(link, outside, 24);
		assign(load<i32>(device(link), L.DEVICE_PEER), outside - 1, 24);
		route(far, 0, 0, outside - 1, link);
		ready();
		const p = packet(far, L.PROTO_UDP, outside, 5000, POD, 53);
		p.len = 1451;
		sendOff(p);
		expect(ending(left)).toBe(L.REASON_MTU);
	});
});

describe("the outer header", () => {
	beforeEach(() => {
		nodes();
	});

	it("has one source port a flow, out of 32768–60999, and spreads flows over many", () => {
		const ports = new Set<i32>();
		for (let sport = 0; sport < 200; sport++) {
			const port = outerPort(sport);
			expect(port).toBeGreaterThanOrEqual(32768);
			expect(port).toBeLessThan(61000);
			if (outerPort(sport) == port) ports.add(port);
		}
		expect(ports.size).toBeGreaterThan(190);
	});

	it("keeps the mark, as the node's rules see it, and the packet inside loses it", () => {
		const p = packet(left, L.PROTO_UDP, LEFT, 5000, POD, 53);
		p.dmac = tunnelRight;
		p.mark = 0x4000;
		const outer = encapsulate(p, tunnelLeft);
		if (outer === null) throw new Error("no slot is free");
		expect(outer.mark).toBe(0x4000);
		expect(packetAt(outer.tunnel).mark).toBe(0);
		expect(outer.ttl).toBe(64);
	});
});

describe("a UDP packet", () => {
	it("is a tunnel's by its port, in a netns that has such a device", () => {
		nodes();
		const p = packet(right, L.PROTO_UDP, LEFT, 40000, RIGHT, PORT);
		expect(isForTunnel(p)).toBe(true);
		expect(decapsulate(p)).toBe(tunnelRight);
		p.dport = 4789;
		expect(isForTunnel(p)).toBe(false);
		p.dport = <u16>PORT;
		p.proto = <u8>L.PROTO_TCP;
		expect(isForTunnel(p)).toBe(false);
	});
});
