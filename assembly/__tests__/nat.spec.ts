// NAT: which tuple a flow gets, and what packets look like afterwards, in both directions and inside ICMP errors.

import * as L from "../layout";
import { conntrackConfirm, conntrackIn } from "../netfilter/conntrack";
import { natChanged, natDeviceChanged, natInitialized, natManip, natRecordDevice, natSetup } from "../netfilter/nat";
import { netns } from "../netns";
import { Packet } from "../packet";
import {
	CLIENT,
	cross,
	datagram,
	DROPPED,
	entry,
	icmp,
	leave,
	live,
	NODE,
	segment,
	SERVER,
	setFlags,
	start,
	wait,
} from "./wire";

const VIP: u32 = 0x0a60000a; // 10.96.0.10
const OUTSIDE: u32 = 0xcb007107; // 203.0.113.7

function dnat(p: Packet, address: u32, port: i32): i32 {
	conntrackIn(p, L.HOOK_PREROUTING);
	if (p.ctinfo == <u8>L.CTINFO_NEW && !natInitialized(p, L.MANIP_DST)) {
		natSetup(p, L.MANIP_DST, address, address, port, port, port != 0 ? L.NAT_PORTS : 0);
	}
	return leave(p);
}

function snat(p: Packet, low: u32, high: u32, portLow: i32, portHigh: i32, flags: i32): i32 {
	conntrackIn(p, L.HOOK_PREROUTING);
	if (p.ctinfo == <u8>L.CTINFO_NEW && !natInitialized(p, L.MANIP_SRC))
		natSetup(p, L.MANIP_SRC, low, high, portLow, portHigh, flags);
	return leave(p);
}

function masquerade(p: Packet, flags: i32 = 0): i32 {
	return snat(p, NODE, NODE, 0, 0, flags);
}

function sportOf(src: u32, sport: i32, flags: i32 = 0): i32 {
	const p = datagram(src, sport, OUTSIDE, 53);
	return masquerade(p, flags) == DROPPED ? -1 : <i32>p.sport;
}

describe("DNAT", () => {
	beforeEach(() => {
		start();
	});

	it("sends the flow elsewhere and brings its answers back", () => {
		let p = segment(CLIENT, 41001, VIP, 80, L.TCP_SYN, 1000, 0);
		dnat(p, SERVER, 8080);
		expect(p.dst).toBe(SERVER);
		expect(p.dport).toBe(8080);
		expect(entry(p).has(L.IPS_DST_NAT)).toBe(true);
		expect(entry(p).has(L.IPS_SRC_NAT)).toBe(false);
		p = segment(SERVER, 8080, CLIENT, 41001, L.TCP_SYN | L.TCP_ACK, 9000, 1001);
		cross(p);
		expect(p.src).toBe(VIP);
		expect(p.sport).toBe(80);
		p = segment(CLIENT, 41001, VIP, 80, L.TCP_ACK, 1001, 9001);
		cross(p);
		expect(p.dst).toBe(SERVER);
		expect(p.dport).toBe(8080);
	});

	it("says whether a packet was rewritten", () => {
		const p = datagram(CLIENT, 5000, VIP, 53);
		conntrackIn(p, L.HOOK_PREROUTING);
		natSetup(p, L.MANIP_DST, SERVER, SERVER, 53, 53, L.NAT_PORTS);
		natManip(p, L.HOOK_PREROUTING);
		expect(natChanged()).toBe(true);
		natManip(p, L.HOOK_POSTROUTING);
		expect(natChanged()).toBe(false);
	});

	it("keeps the port without a port range", () => {
		const p = datagram(CLIENT, 5000, VIP, 53);
		dnat(p, SERVER, 0);
		expect(p.dport).toBe(53);
	});

	it("decides once: a second setup is a drop, one on a known flow changes nothing", () => {
		const p = datagram(CLIENT, 5000, VIP, 53);
		conntrackIn(p, L.HOOK_PREROUTING);
		expect(natSetup(p, L.MANIP_DST, SERVER, SERVER, 0, 0, 0)).toBe(L.NF_ACCEPT);
		expect(natSetup(p, L.MANIP_DST, SERVER, SERVER, 0, 0, 0)).toBe(L.NF_DROP);
		conntrackConfirm(p);
		expect(natSetup(p, L.MANIP_SRC, NODE, NODE, 0, 0, 0)).toBe(L.NF_ACCEPT);
		expect(entry(p).has(L.IPS_SRC_NAT)).toBe(false);
	});

	it("un-translates a reset that answers the SYN, although the entry is gone by then", () => {
		dnat(segment(CLIENT, 41001, VIP, 80, L.TCP_SYN, 1000, 0), SERVER, 8080);
		const p = segment(SERVER, 8080, CLIENT, 41001, L.TCP_RST | L.TCP_ACK, 0, 1001);
		cross(p);
		expect(p.src).toBe(VIP);
		expect(p.sport).toBe(80);
		expect(live()).toBe(0);
	});

	it("un-translates ICMP errors, outside and inside", () => {
		dnat(datagram(CLIENT, 5000, VIP, 53), SERVER, 5353);
		const p = icmp(SERVER, CLIENT, 3, 3, 0);
		p.innerSrc = CLIENT;
		p.innerDst = SERVER;
		p.innerSport = 5000;
		p.innerDport = 5353;
		p.innerProto = <u8>L.PROTO_UDP;
		expect(cross(p)).toBe(L.CTINFO_RELATED_REPLY);
		expect(p.src).toBe(VIP);
		expect(p.dst).toBe(CLIENT);
		expect(p.innerDst).toBe(VIP);
		expect(p.innerDport).toBe(53);
		expect(p.innerSrc).toBe(CLIENT);
		expect(p.innerSport).toBe(5000);
	});

	it("drops a redirect that quotes a translated flow", () => {
		dnat(datagram(CLIENT, 5000, VIP, 53), SERVER, 5353);
		const p = icmp(SERVER, CLIENT, 5, 1, 0);
		p.innerSrc = CLIENT;
		p.innerDst = SERVER;
		p.innerSport = 5000;
		p.innerDport = 5353;
		p.innerProto = <u8>L.PROTO_UDP;
		conntrackIn(p, L.HOOK_PREROUTING);
		expect(natManip(p, L.HOOK_PREROUTING)).toBe(L.NF_DROP);
	});

	it("chooses out of a range of addresses as Linux does", () => {
		// conntrack -L of a 6.18 kernel: 10.244.1.102 … .109 to 10.96.0.10, --to-destination 10.244.1.10-10.244.1.13
		const chosen: u32[] = [0, 2, 2, 2, 1, 3, 1, 3];
		for (let i = 0; i < chosen.length; i++) {
			const p = datagram(0x0af40166 + i, 5000, VIP, 53);
			conntrackIn(p, L.HOOK_PREROUTING);
			natSetup(p, L.MANIP_DST, SERVER, SERVER + 3, 0, 0, 0);
			natManip(p, L.HOOK_PREROUTING);
			expect(p.dst).toBe(SERVER + chosen[i]);
		}
	});
});

describe("SNAT and masquerade", () => {
	beforeEach(() => {
		start();
	});

	it("keeps the port while the tuple is free and translates both ways", () => {
		let p = datagram(CLIENT, 5000, OUTSIDE, 53);
		masquerade(p);
		expect(p.src).toBe(NODE);
		expect(p.sport).toBe(5000);
		p = datagram(OUTSIDE, 53, NODE, 5000);
		cross(p);
		expect(p.dst).toBe(CLIENT);
		expect(p.dport).toBe(5000);
	});

	it("takes another port of the same class when another flow holds the tuple", () => {
		sportOf(CLIENT, 5000);
		expect(sportOf(CLIENT + 1, 5000)).not.toBe(5000);
		expect(sportOf(CLIENT + 2, 5000)).toBeGreaterThanOrEqual(1024);
		sportOf(CLIENT, 400);
		const low = sportOf(CLIENT + 1, 400);
		expect(low).toBeGreaterThanOrEqual(1);
		expect(low).toBeLessThan(512);
		sportOf(CLIENT, 700);
		const middle = sportOf(CLIENT + 1, 700);
		expect(middle).toBeGreaterThanOrEqual(600);
		expect(middle).toBeLessThan(1024);
	});

	it("keeps the port towards another destination: only the whole tuple must be free", () => {
		sportOf(CLIENT, 5000);
		const p = datagram(CLIENT + 1, 5000, OUTSIDE + 1, 53);
		masquerade(p);
		expect(p.sport).toBe(5000);
	});

	it("gives a socket that had to change its port the same one towards other destinations", () => {
		sportOf(CLIENT, 5000);
		const port = sportOf(CLIENT + 1, 5000);
		const p = datagram(CLIENT + 1, 5000, OUTSIDE + 1, 53);
		masquerade(p);
		expect(<i32>p.sport).toBe(port);
	});

	it("forgets that mapping with the entry", () => {
		sportOf(CLIENT, 5000);
		sportOf(CLIENT + 1, 5000);
		wait(31);
		for (let i = 0; i < 2; i++) cross(datagram(OUTSIDE, 53, CLIENT + i, 5000));
		expect(sportOf(CLIENT + 1, 5000)).toBe(5000);
	});

	it("does not keep the port with --random-fully", () => {
		let kept = 0;
		for (let i = 0; i < 50; i++) {
			const port = sportOf(CLIENT + i, 5000 + i, L.NAT_RANDOM_FULLY);
			expect(port).toBeGreaterThanOrEqual(1024);
			if (port == 5000 + i) kept++;
		}
		expect(kept).toBeLessThan(3);
	});

	it("drops the third flow into a range of two ports, at confirm", () => {
		for (let i = 0; i < 3; i++) {
			const p = datagram(CLIENT + i, 5000, OUTSIDE, 53);
			const verdict = snat(p, NODE, NODE, 40000, 40001, L.NAT_PORTS);
			expect(verdict).toBe(i < 2 ? L.CTINFO_NEW : DROPPED);
			if (i == 2) expect(p.reason).toBe(<u8>L.REASON_NAT_EXHAUSTED);
		}
		expect(load<u32>(netns(0), L.NETNS_CT_INSERT_FAILED)).toBe(1);
		expect(live()).toBe(2);
	});

	it("rewrites a flow that no rule matches when its reply would be another's", () => {
		sportOf(CLIENT, 5000);
		const p = datagram(NODE, 5000, OUTSIDE, 53);
		expect(cross(p)).toBe(L.CTINFO_NEW);
		expect(p.src).toBe(NODE);
		expect(p.sport).not.toBe(5000);
	});

	it("leaves the clash to be dropped where NAT is not loaded", () => {
		sportOf(CLIENT, 5000);
		setFlags(0, L.NS_CONNTRACK);
		expect(cross(datagram(NODE, 5000, OUTSIDE, 53))).toBe(DROPPED);
	});

	it("changes ICMP ids as it changes ports", () => {
		let p = icmp(CLIENT, OUTSIDE, 8, 0, 7);
		masquerade(p);
		expect(p.sport).toBe(7);
		p = icmp(CLIENT + 1, OUTSIDE, 8, 0, 7);
		masquerade(p);
		const id = p.sport;
		expect(id).not.toBe(7);
		p = icmp(OUTSIDE, NODE, 0, 0, <i32>id);
		cross(p);
		expect(p.dst).toBe(CLIENT + 1);
		expect(p.sport).toBe(7);
	});

	it("takes over the tuple of a closed connection in the last attempts, if the sequence went on", () => {
		const S = L.TCP_SYN;
		const A = L.TCP_ACK;
		const F = L.TCP_FIN;
		snat(segment(CLIENT, 41001, OUTSIDE, 80, S, 1000, 0), NODE, NODE, 40000, 40000, L.NAT_PORTS);
		cross(segment(OUTSIDE, 80, NODE, 40000, S | A, 9000, 1001));
		cross(segment(CLIENT, 41001, OUTSIDE, 80, A, 1001, 9001));
		cross(segment(CLIENT, 41001, OUTSIDE, 80, F | A, 1001, 9001));
		cross(segment(OUTSIDE, 80, NODE, 40000, F | A, 9001, 1002));
		cross(segment(CLIENT, 41001, OUTSIDE, 80, A, 1002, 9002));
		// a range of one port skips the search when the port is in it already, so ask from another port
		let p = segment(CLIENT + 1, 41002, OUTSIDE, 80, S, 500, 0);
		expect(snat(p, NODE, NODE, 40000, 40000, L.NAT_PORTS)).toBe(DROPPED);
		p = segment(CLIENT + 1, 41003, OUTSIDE, 80, S, 50000, 0);
		expect(snat(p, NODE, NODE, 40000, 40000, L.NAT_PORTS)).toBe(L.CTINFO_NEW);
		expect(live()).toBe(1);
	});

	it("notices that a masqueraded flow leaves by another device", () => {
		const p = datagram(CLIENT, 5000, OUTSIDE, 53);
		conntrackIn(p, L.HOOK_PREROUTING);
		p.oif = 3;
		expect(natDeviceChanged(p, L.HOOK_POSTROUTING)).toBe(false);
		natRecordDevice(p, 3);
		expect(natDeviceChanged(p, L.HOOK_POSTROUTING)).toBe(false);
		p.oif = 4;
		expect(natDeviceChanged(p, L.HOOK_POSTROUTING)).toBe(true);
	});

	it("gives both translations of a hairpin: the pod that reaches itself through its Service", () => {
		let p = datagram(CLIENT, 5000, VIP, 53);
		conntrackIn(p, L.HOOK_PREROUTING);
		natSetup(p, L.MANIP_DST, CLIENT, CLIENT, 5353, 5353, L.NAT_PORTS);
		natManip(p, L.HOOK_PREROUTING);
		natSetup(p, L.MANIP_SRC, NODE, NODE, 0, 0, 0);
		natManip(p, L.HOOK_POSTROUTING);
		expect(conntrackConfirm(p)).toBe(true);
		expect(p.src).toBe(NODE);
		expect(p.dst).toBe(CLIENT);
		p = datagram(CLIENT, 5353, NODE, 5000);
		cross(p);
		expect(p.src).toBe(VIP);
		expect(p.sport).toBe(53);
		expect(p.dst).toBe(CLIENT);
		expect(p.dport).toBe(5000);
	});
});
