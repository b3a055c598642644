// A bridge with br_netfilter: what passes between its ports, and what of it the node's rules see.

import { device } from "../device";
import { learn, portOf } from "../fdb";
import { run } from "../forward";
import { eventsReset } from "../index";
import * as L from "../layout";
import { netns } from "../netns";
import { Packet } from "../packet";
import { enqueue, TO_DEVICE } from "../queue";
import { openSocket } from "../socket";
import { Traced } from "../trace";
import {
	A,
	B,
	BRIDGE,
	cbr0,
	cluster,
	ending,
	eventAt,
	find,
	node,
	NODE,
	packet,
	podA,
	podB,
	portA,
	sendOff,
	times,
	translate,
	uplink,
	VIP,
} from "./network";

function delivered(index: i32): usize {
	const i = find(L.EVENT_DELIVER, index);
	return i < 0 ? 0 : eventAt(i) + L.EVENT_WIRE;
}

/** A datagram of pod A, to its end. */
function ask(dst: u32, ttl: u8 = 64): void {
	const p = packet(podA, L.PROTO_UDP, A, 5000, dst, 53);
	p.ttl = ttl;
	sendOff(p);
}

/** Pod B answers the datagram that it got from pod A. */
function answer(): void {
	eventsReset();
	sendOff(packet(podB, L.PROTO_UDP, B, 53, A, 5000));
}

/** A frame of pod A for the device `mac`, as the node's port receives it. */
function frame(mac: i32, dst: u32): Packet {
	const p = packet(node, L.PROTO_UDP, A, 5000, dst, 53);
	p.smac = load<i32>(device(portA), L.DEVICE_PEER);
	p.dmac = mac;
	return p;
}

function arrive(p: Packet): void {
	enqueue(p, TO_DEVICE, portA);
	run<Traced>();
}

describe("two pods on a bridge", () => {
	beforeEach(() => {
		cluster(L.NS_BRIDGE_NF);
		openSocket(podB, <u8>L.PROTO_UDP, 0, 53, 0, 0);
	});

	it("reach each other without being routed: TTL 1 is enough", () => {
		ask(B, 1);
		expect(delivered(podB)).not.toBe(0);
		expect(load<u8>(delivered(podB), L.PACKET_TTL)).toBe(1);
		expect(times(L.EVENT_ROUTE, node)).toBe(0);
	});

	it("show the node's rules the bridge as both interfaces, and the ports", () => {
		translate(B);
		ask(VIP);
		// out by the port to B: FORWARD and POSTROUTING had set both
		const out = eventAt(find(L.EVENT_OUT, node, find(L.EVENT_OUT, node) + 1));
		expect(load<i32>(out, L.EVENT_IIF)).toBe(cbr0);
		expect(load<i32>(out, L.EVENT_OIF)).toBe(cbr0);
		expect(load<i32>(out, L.EVENT_PHYSIN)).toBe(portA);
		expect(load<i32>(out, L.EVENT_PHYSOUT)).toBe(load<i32>(out, L.EVENT_DEVICE));
	});

	it("talk through a Service that the node translates, both ways, still bridged", () => {
		translate(B);
		openSocket(podA, <u8>L.PROTO_UDP, 0, 5000, VIP, 53);
		ask(VIP, 1);
		expect(load<u32>(delivered(podB), L.PACKET_DST)).toBe(B);
		answer();
		expect(load<u32>(delivered(podA), L.PACKET_SRC)).toBe(VIP);
	});

	it("lose the answer through a Service without bridge-nf-call-iptables: it goes by the port past the translation", () => {
		store<u32>(netns(node), L.NS_IP_FORWARD, L.NETNS_FLAGS);
		translate(B);
		openSocket(podA, <u8>L.PROTO_UDP, 0, 5000, VIP, 53);
		ask(VIP);
		expect(load<u32>(delivered(podB), L.PACKET_DST)).toBe(B);
		expect(load<u8>(delivered(podB), L.PACKET_TTL)).toBe(63);
		answer();
		expect(ending(podA)).toBe(L.REASON_PORT_CLOSED);
	});
});

describe("a pod that reaches itself through its Service", () => {
	beforeEach(() => {
		cluster(L.NS_BRIDGE_NF);
		translate(A);
	});

	it("is dropped at the bridge: in-port is out-port, FORWARD is not asked, no entry is left", () => {
		ask(VIP);
		expect(ending(node)).toBe(L.REASON_HAIRPIN);
		expect(times(L.EVENT_IN, podA)).toBe(0);
		expect(load<u32>(netns(node), L.NETNS_CT_COUNT)).toBe(0);
	});

	it("gets its packet back with the hairpin flag, and calls its own source a martian where nobody masquerades", () => {
		store<u32>(device(portA), L.DEV_HAIRPIN, L.DEVICE_FLAGS);
		ask(VIP);
		expect(ending(node)).toBe(L.REASON_NONE);
		expect(ending(podA)).toBe(L.REASON_MARTIAN);
	});
});

describe("a frame", () => {
	beforeEach(() => {
		cluster(0);
	});

	it("for an address that the bridge does not know goes out of every other port", () => {
		arrive(frame(uplink, B));
		expect(times(L.EVENT_IN, podB)).toBe(1);
		expect(ending(podB)).toBe(L.REASON_OTHERHOST);
		expect(times(L.EVENT_IN, podA)).toBe(0);
		expect(ending(node)).toBe(L.REASON_NO_BRIDGE_PORT);
	});

	it("for the bridge's own address is the node's", () => {
		arrive(frame(cbr0, NODE));
		expect(ending(node)).toBe(L.REASON_PORT_CLOSED);
		expect(times(L.EVENT_IN, podB)).toBe(0);
	});

	it("between pods arrives once, though a promiscuous bridge overhears it", () => {
		openSocket(podB, <u8>L.PROTO_UDP, 0, 53, 0, 0);
		store<u32>(device(cbr0), L.DEV_PROMISC, L.DEVICE_FLAGS);
		const far = load<i32>(device(portA + 1), L.DEVICE_PEER);
		learn(cbr0, far, portA + 1);
		arrive(frame(far, B));
		expect(times(L.EVENT_IN, podB)).toBe(1);
		expect(load<u64>(device(cbr0), L.DEVICE_RX_PACKETS)).toBe(1);
		// A sniffer on the bridge sees the copy, once the frame is on its way; the stack does nothing with it.
		const out = find(L.EVENT_OUT, node);
		const heard = find(L.EVENT_IN, node, out + 1);
		expect(out).toBeGreaterThan(-1);
		expect(load<i32>(eventAt(heard), L.EVENT_DEVICE)).toBe(cbr0);
		expect(load<u8>(eventAt(heard), L.EVENT_PACKET_TYPE)).toBe(<u8>L.PACKET_OTHERHOST);
		expect(find(L.EVENT_DROP, node)).toBe(-1);
	});

	it("that came for a promiscuous bridge and was translated goes up as well, as a copy that conntrack does not know", () => {
		store<u32>(netns(node), L.NS_IP_FORWARD | L.NS_BRIDGE_NF, L.NETNS_FLAGS);
		store<u32>(device(cbr0), L.DEV_PROMISC, L.DEVICE_FLAGS);
		translate(B);
		arrive(frame(cbr0, VIP));
		let copies = 0;
		for (let i = find(L.EVENT_IN, node); i >= 0; i = find(L.EVENT_IN, node, i + 1)) {
			if (load<i32>(eventAt(i), L.EVENT_DEVICE) != cbr0) continue;
			// What passes by of the answer is for another station.
			if (load<u8>(eventAt(i), L.EVENT_PACKET_TYPE) == <u8>L.PACKET_OTHERHOST) continue;
			copies++;
			expect(load<i32>(eventAt(i), L.EVENT_CT)).toBe(L.CT_NONE);
			expect(load<u32>(eventAt(i) + L.EVENT_WIRE, L.PACKET_DST)).toBe(B);
		}
		expect(copies).toBe(1);
	});

	it("teaches the bridge where its sender is", () => {
		const p = frame(cbr0, NODE);
		p.smac = uplink;
		arrive(p);
		expect(portOf(cbr0, uplink)).toBe(portA);
	});
});
