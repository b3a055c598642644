// Connection tracking: states, timeouts and verdicts as a Linux 6.18 kernel gave them for the same packets.

import { row } from "../arena";
import * as L from "../layout";
import { conn } from "../netfilter/conn";
import {
	conntrackAttach,
	conntrackConfirm,
	conntrackDelete,
	conntrackIn,
	conntrackUnconfirmedDrop,
	ctExpires,
} from "../netfilter/conntrack";
import { conntrackExpire, conntrackSweep } from "../netfilter/expiry";
import { netns } from "../netns";
import {
	CLIENT,
	cross,
	datagram,
	DROPPED,
	entry,
	icmp,
	INVALID,
	left,
	live,
	now,
	packet,
	ROWS,
	SECOND,
	segment,
	SERVER,
	setFlags,
	start,
	wait,
} from "./wire";

const S = L.TCP_SYN;
const A = L.TCP_ACK;
const F = L.TCP_FIN;
const R = L.TCP_RST;

function toServer(flags: i32, seq: u32, ack: u32, payload: u32 = 0): i32 {
	return cross(segment(CLIENT, 41001, SERVER, 8080, flags, seq, ack, payload));
}

function toClient(flags: i32, seq: u32, ack: u32, payload: u32 = 0): i32 {
	return cross(segment(SERVER, 8080, CLIENT, 41001, flags, seq, ack, payload));
}

// Of the only live entry, -1 without one: read from the table, since a packet would move it.
function state(): i32 {
	for (let i = 0; i < <i32>ROWS; i++) {
		const c = conn(i);
		if (c.has(L.IPS_CONFIRMED) && !c.has(L.IPS_DYING) && c.deadline > now()) return <i32>c.state;
	}
	return -1;
}

function seconds(): i64 {
	for (let i = 0; i < <i32>ROWS; i++) {
		const c = conn(i);
		if (c.has(L.IPS_CONFIRMED) && !c.has(L.IPS_DYING) && c.deadline > now()) return (c.deadline - now()) / SECOND;
	}
	return -1;
}

function handshake(): void {
	toServer(S, 1000, 0);
	toClient(S | A, 9000, 1001);
	toServer(A, 1001, 9001);
}

function close(): void {
	toServer(F | A, 1001, 9001);
	toClient(F | A, 9001, 1002);
	toServer(A, 1002, 9002);
}

describe("a TCP connection", () => {
	beforeEach(() => {
		start();
	});

	it("goes SYN_SENT, SYN_RECV, ESTABLISHED with the timeouts of each", () => {
		expect(toServer(S, 1000, 0)).toBe(L.CTINFO_NEW);
		expect(state()).toBe(L.TCP_CT_SYN_SENT);
		expect(seconds()).toBe(120);
		expect(toClient(S | A, 9000, 1001)).toBe(L.CTINFO_ESTABLISHED_REPLY);
		expect(state()).toBe(L.TCP_CT_SYN_RECV);
		expect(seconds()).toBe(60);
		expect(toServer(A, 1001, 9001)).toBe(L.CTINFO_ESTABLISHED);
		expect(state()).toBe(L.TCP_CT_ESTABLISHED);
		expect(seconds()).toBe(432000);
	});

	it("is ASSURED only after the third segment", () => {
		toServer(S, 1000, 0);
		toClient(S | A, 9000, 1001);
		const p = segment(CLIENT, 41001, SERVER, 8080, A, 1001, 9001);
		conntrackIn(p, L.HOOK_PREROUTING);
		expect(entry(p).has(L.IPS_ASSURED)).toBe(true);
	});

	it("keeps data that nobody acknowledged for 300 s, and is renewed by the acknowledgement", () => {
		handshake();
		toServer(A | L.TCP_PSH, 1001, 9001, 10);
		expect(seconds()).toBe(300);
		toClient(A, 9001, 1011);
		expect(seconds()).toBe(432000);
	});

	it("closes by FIN from both sides to TIME_WAIT, 120 s", () => {
		handshake();
		toServer(F | A, 1001, 9001);
		expect(state()).toBe(L.TCP_CT_FIN_WAIT);
		toClient(A, 9001, 1002);
		expect(state()).toBe(L.TCP_CT_CLOSE_WAIT);
		toClient(F | A, 9001, 1002);
		expect(state()).toBe(L.TCP_CT_LAST_ACK);
		expect(seconds()).toBe(30);
		toServer(A, 1002, 9002);
		expect(state()).toBe(L.TCP_CT_TIME_WAIT);
		expect(seconds()).toBe(120);
	});

	it("is forgotten at once when a reset answers the SYN, yet the reset still belongs to it", () => {
		toServer(S, 1000, 0);
		expect(toClient(R | A, 0, 1001)).toBe(L.CTINFO_ESTABLISHED_REPLY);
		expect(state()).toBe(-1);
		expect(live()).toBe(0);
	});

	it("stays 10 s in CLOSE after a reset, and later segments still belong to it", () => {
		handshake();
		toClient(R, 9001, 0);
		expect(state()).toBe(L.TCP_CT_CLOSE);
		expect(seconds()).toBe(10);
		expect(toServer(A, 1001, 9001)).toBe(L.CTINFO_ESTABLISHED);
	});

	it("does not believe a reset whose number does not match exactly", () => {
		handshake();
		expect(toClient(R, 9050, 0)).toBe(L.CTINFO_ESTABLISHED_REPLY);
		expect(state()).toBe(L.TCP_CT_ESTABLISHED);
		expect(toClient(R, 5000, 0)).toBe(INVALID);
	});

	it("opens anew, NEW, by a SYN on TIME_WAIT from either side", () => {
		handshake();
		close();
		expect(toServer(S, 500000, 0)).toBe(L.CTINFO_NEW);
		expect(state()).toBe(L.TCP_CT_SYN_SENT);
		start();
		handshake();
		close();
		expect(toClient(S, 500000, 0)).toBe(L.CTINFO_NEW);
		expect(live()).toBe(1);
	});

	it("lets a SYN pass an established entry unchanged, and follows it when a SYN-ACK confirms it", () => {
		handshake();
		expect(toServer(S, 700000, 0)).toBe(L.CTINFO_ESTABLISHED);
		expect(state()).toBe(L.TCP_CT_ESTABLISHED);
		toClient(S | A, 80000, 700001);
		expect(state()).toBe(L.TCP_CT_SYN_RECV);
		toServer(A, 700001, 80001);
		expect(state()).toBe(L.TCP_CT_ESTABLISHED);
	});

	it("does not take a challenge ACK in LAST_ACK for the last acknowledgement", () => {
		handshake();
		toServer(F | A, 1001, 9001);
		toClient(F | A, 9001, 1002);
		expect(state()).toBe(L.TCP_CT_LAST_ACK);
		toServer(S, 600000, 0);
		toClient(A, 9002, 1002);
		expect(state()).toBe(L.TCP_CT_LAST_ACK);
		toServer(A, 1002, 9002);
		expect(state()).toBe(L.TCP_CT_TIME_WAIT);
	});

	it("opens from both sides at once", () => {
		toServer(S, 1000, 0);
		toClient(S, 9000, 0);
		expect(state()).toBe(L.TCP_CT_SYN_SENT2);
		toServer(S | A, 1000, 9001);
		expect(state()).toBe(L.TCP_CT_SYN_RECV);
		toClient(A, 9001, 1001);
		expect(state()).toBe(L.TCP_CT_ESTABLISHED);
	});

	it("does not live longer for a repeated SYN", () => {
		toServer(S, 1000, 0);
		wait(50);
		expect(toServer(S, 1000, 0)).toBe(L.CTINFO_NEW);
		expect(seconds()).toBe(70);
	});

	it("is cut to 300 s by the same segment sent three times more", () => {
		handshake();
		for (let i = 0; i < 3; i++) toServer(A, 1001, 9001);
		expect(seconds()).toBe(300);
	});

	it("is picked up by a plain ACK, for 300 s, but never by FIN, SYN-ACK or RST", () => {
		expect(toServer(F | A, 1000, 9000)).toBe(INVALID);
		expect(toServer(S | A, 1000, 9000)).toBe(INVALID);
		expect(toServer(R, 1000, 0)).toBe(INVALID);
		expect(live()).toBe(0);
		expect(toServer(A, 1000, 9000)).toBe(L.CTINFO_NEW);
		expect(state()).toBe(L.TCP_CT_ESTABLISHED);
		expect(seconds()).toBe(300);
	});

	it("is not picked up with tcp_loose off", () => {
		setFlags(0, L.NS_CONNTRACK | L.NS_TCP_WINDOWS);
		expect(toServer(A, 1000, 9000)).toBe(INVALID);
	});

	it("takes no flags that TCP cannot send", () => {
		handshake();
		expect(toServer(S | F, 1001, 9001)).toBe(INVALID);
		expect(toServer(0, 1001, 9001)).toBe(INVALID);
		expect(toServer(F, 1001, 9001)).toBe(INVALID);
	});
});

describe("window tracking", () => {
	beforeEach(() => {
		start();
		handshake();
	});

	it("calls a sequence beyond the window and an acknowledgement of unsent data INVALID", () => {
		expect(toServer(A | L.TCP_PSH, 300000, 9001, 10)).toBe(INVALID);
		expect(toServer(A, 1001, 20000)).toBe(INVALID);
	});

	it("lets old data and very old acknowledgements pass", () => {
		expect(toServer(A | L.TCP_PSH, 500, 9001, 10)).toBe(L.CTINFO_ESTABLISHED);
		expect(toServer(A, 1001, <u32>(9001 - 200000))).toBe(L.CTINFO_ESTABLISHED);
	});

	it("takes everything with be_liberal", () => {
		setFlags(0, L.NS_CONNTRACK | L.NS_TCP_WINDOWS | L.NS_TCP_BE_LIBERAL);
		expect(toServer(A | L.TCP_PSH, 300000, 9001, 10)).toBe(L.CTINFO_ESTABLISHED);
		expect(toServer(A, 1001, 20000)).toBe(L.CTINFO_ESTABLISHED);
	});

	it("looks at no number when it is off", () => {
		setFlags(0, L.NS_CONNTRACK);
		expect(toServer(A | L.TCP_PSH, 300000, 20000, 10)).toBe(L.CTINFO_ESTABLISHED);
		expect(seconds()).toBe(432000);
	});

	it("scales windows when both SYNs carry the option", () => {
		start();
		let p = segment(CLIENT, 41001, SERVER, 8080, S, 1000, 0);
		p.portId = <u8>(L.TCPOPT_WINDOW | 7);
		cross(p);
		p = segment(SERVER, 8080, CLIENT, 41001, S | A, 9000, 1001);
		p.portId = <u8>(L.TCPOPT_WINDOW | 7);
		cross(p);
		p = segment(CLIENT, 41001, SERVER, 8080, A, 1001, 9001);
		p.window = 1000; // 128,000 bytes
		cross(p);
		expect(toClient(A | L.TCP_PSH, 9001 + 100000, 1001, 10)).toBe(L.CTINFO_ESTABLISHED_REPLY);
		expect(toClient(A | L.TCP_PSH, 9001 + 900000, 1001, 10)).toBe(INVALID);
	});

	it("holds across the wrap of sequence numbers", () => {
		start();
		toServer(S, 0xfffffff0, 0);
		toClient(S | A, 0xfffffffe, 0xfffffff1);
		toServer(A, 0xfffffff1, 0xffffffff);
		expect(toServer(A | L.TCP_PSH, 0xfffffff1, 0xffffffff, 100)).toBe(L.CTINFO_ESTABLISHED);
		expect(toClient(A, 0xffffffff, 0x55)).toBe(L.CTINFO_ESTABLISHED_REPLY);
		expect(seconds()).toBe(432000);
	});
});

describe("UDP", () => {
	beforeEach(() => {
		start();
	});

	it("stays NEW until it is answered, and is a stream of 120 s after two seconds", () => {
		expect(cross(datagram(CLIENT, 5000, SERVER, 53))).toBe(L.CTINFO_NEW);
		expect(cross(datagram(CLIENT, 5000, SERVER, 53))).toBe(L.CTINFO_NEW);
		expect(cross(datagram(SERVER, 53, CLIENT, 5000))).toBe(L.CTINFO_ESTABLISHED_REPLY);
		expect(cross(datagram(CLIENT, 5000, SERVER, 53))).toBe(L.CTINFO_ESTABLISHED);
		expect(seconds()).toBe(30);
		wait(3);
		cross(datagram(CLIENT, 5000, SERVER, 53));
		expect(seconds()).toBe(120);
	});

	it("is a new flow when another address answers", () => {
		cross(datagram(CLIENT, 5000, SERVER, 53));
		expect(cross(datagram(SERVER + 1, 53, CLIENT, 5000))).toBe(L.CTINFO_NEW);
		expect(live()).toBe(2);
	});

	it("is new again at the instant when its timeout is over", () => {
		cross(datagram(CLIENT, 5000, SERVER, 53));
		cross(datagram(SERVER, 53, CLIENT, 5000));
		wait(30);
		expect(cross(datagram(SERVER, 53, CLIENT, 5000))).toBe(L.CTINFO_NEW);
		expect(live()).toBe(1);
	});
});

describe("ICMP", () => {
	beforeEach(() => {
		start();
	});

	it("tracks requests, by id and type, and calls an answer without one INVALID", () => {
		expect(cross(icmp(CLIENT, SERVER, 8, 0, 7))).toBe(L.CTINFO_NEW);
		expect(cross(icmp(SERVER, CLIENT, 0, 0, 7))).toBe(L.CTINFO_ESTABLISHED_REPLY);
		expect(cross(icmp(SERVER, CLIENT, 0, 0, 8))).toBe(INVALID);
		expect(cross(icmp(CLIENT, SERVER, 13, 0, 7))).toBe(L.CTINFO_NEW);
		expect(cross(icmp(SERVER, CLIENT, 14, 0, 7))).toBe(L.CTINFO_ESTABLISHED_REPLY);
		expect(cross(icmp(CLIENT, SERVER, 42, 0, 7))).toBe(INVALID);
		expect(live()).toBe(2);
	});

	it("relates an error to the flow that it quotes, in either direction, and to no other", () => {
		cross(datagram(CLIENT, 5000, SERVER, 53));
		let p = icmp(SERVER, CLIENT, 3, 3, 0);
		quote(CLIENT, 5000, SERVER, 53);
		expect(cross(p)).toBe(L.CTINFO_RELATED_REPLY);
		p = icmp(CLIENT, SERVER, 3, 3, 0);
		quote(SERVER, 53, CLIENT, 5000);
		expect(cross(p)).toBe(L.CTINFO_RELATED);
		p = icmp(SERVER, CLIENT, 3, 3, 0);
		quote(CLIENT, 5001, SERVER, 53);
		expect(cross(p)).toBe(INVALID);
		// addressed to somebody who did not send what it quotes
		p = icmp(SERVER, CLIENT + 5, 3, 3, 0);
		quote(CLIENT, 5000, SERVER, 53);
		expect(cross(p)).toBe(INVALID);
	});
});

function quote(src: u32, sport: i32, dst: u32, dport: i32): void {
	const at = row(L.TABLE_PACKET, 0, L.PACKET_STRIDE);
	store<u32>(at, src, L.PACKET_INNER_SRC);
	store<u32>(at, dst, L.PACKET_INNER_DST);
	store<u16>(at, <u16>sport, L.PACKET_INNER_SPORT);
	store<u16>(at, <u16>dport, L.PACKET_INNER_DPORT);
	store<u8>(at, <u8>L.PROTO_UDP, L.PACKET_INNER_PROTO);
}

describe("SCTP and protocols without a tracker", () => {
	beforeEach(() => {
		start();
	});

	it("an INIT is CLOSED for 10 s, the cookies lead to ESTABLISHED", () => {
		expect(chunk(false, L.SCTP_INIT)).toBe(L.CTINFO_NEW);
		expect(state()).toBe(L.SCTP_CT_CLOSED);
		expect(seconds()).toBe(10);
		chunk(true, L.SCTP_INIT_ACK);
		expect(state()).toBe(L.SCTP_CT_COOKIE_WAIT);
		chunk(false, L.SCTP_COOKIE_ECHO);
		chunk(true, L.SCTP_COOKIE_ACK);
		expect(state()).toBe(L.SCTP_CT_ESTABLISHED);
		expect(seconds()).toBe(210);
	});

	it("data or an ABORT starts no SCTP flow", () => {
		expect(chunk(false, 0)).toBe(INVALID);
		expect(chunk(false, L.SCTP_ABORT)).toBe(INVALID);
		expect(live()).toBe(0);
	});

	it("any other protocol is one flow between two addresses, 600 s", () => {
		expect(cross(packet(0, 47, CLIENT, 1, SERVER, 2))).toBe(L.CTINFO_NEW);
		expect(cross(packet(0, 47, SERVER, 3, CLIENT, 4))).toBe(L.CTINFO_ESTABLISHED_REPLY);
		expect(seconds()).toBe(600);
	});
});

function chunk(reply: bool, type: i32): i32 {
	const p = packet(0, L.PROTO_SCTP, reply ? SERVER : CLIENT, reply ? 99 : 50, reply ? CLIENT : SERVER, reply ? 50 : 99);
	p.tcp = <u8>type;
	return cross(p);
}

describe("the table", () => {
	beforeEach(() => {
		start();
	});

	it("keeps namespaces and zones apart", () => {
		cross(datagram(CLIENT, 5000, SERVER, 53));
		let p = datagram(SERVER, 53, CLIENT, 5000);
		p.netns = 1;
		expect(cross(p)).toBe(L.CTINFO_NEW);
		p = datagram(SERVER, 53, CLIENT, 5000);
		p.zone = 7;
		expect(cross(p)).toBe(L.CTINFO_NEW);
		p = datagram(CLIENT, 5000, SERVER, 53);
		p.zone = 7;
		expect(cross(p)).toBe(L.CTINFO_ESTABLISHED_REPLY);
	});

	it("finds nothing before it is confirmed, and frees what is dropped", () => {
		const p = datagram(CLIENT, 5000, SERVER, 53);
		conntrackIn(p, L.HOOK_PREROUTING);
		expect(p.ctinfo).toBe(<u8>L.CTINFO_NEW);
		expect(live()).toBe(1);
		conntrackUnconfirmedDrop(p);
		expect(live()).toBe(0);
		expect(cross(datagram(SERVER, 53, CLIENT, 5000))).toBe(L.CTINFO_NEW);
	});

	it("leaves packets alone that carry an entry or are untracked", () => {
		const p = datagram(CLIENT, 5000, SERVER, 53);
		p.ct = L.CT_UNTRACKED;
		expect(conntrackIn(p, L.HOOK_OUTPUT)).toBe(L.NF_ACCEPT);
		expect(p.ct).toBe(L.CT_UNTRACKED);
		expect(live()).toBe(0);
	});

	it("gives an answer made by the host the flow of what it answers, as RELATED", () => {
		const p = segment(CLIENT, 41001, SERVER, 8080, S, 1000, 0);
		conntrackIn(p, L.HOOK_PREROUTING);
		const reset = packet(1, L.PROTO_TCP, SERVER, 8080, CLIENT, 41001);
		conntrackAttach(reset, p);
		expect(reset.ctinfo).toBe(<u8>L.CTINFO_RELATED_REPLY);
		expect(reset.ct).toBe(p.ct);
		// nothing confirms a flow by the answer alone
		expect(conntrackConfirm(reset)).toBe(true);
		conntrackUnconfirmedDrop(p);
		expect(live()).toBe(0);
	});

	it("drops what does not fit nf_conntrack_max when every entry is ASSURED", () => {
		store<u32>(netns(0), 1, L.NETNS_CT_MAX);
		handshake();
		const p = datagram(CLIENT, 5000, SERVER, 53);
		expect(cross(p)).toBe(DROPPED);
		expect(p.reason).toBe(<u8>L.REASON_CONNTRACK_FULL);
		expect(load<u32>(netns(0), L.NETNS_CT_DROP)).toBe(1);
		expect(live()).toBe(1);
	});

	it("drops an entry that is not ASSURED early, to let a new one in", () => {
		store<u32>(netns(0), 8, L.NETNS_CT_MAX);
		for (let i = 0; i < 40; i++) expect(cross(datagram(CLIENT, 6000 + i, SERVER, 53))).toBe(L.CTINFO_NEW);
		expect(load<u32>(netns(0), L.NETNS_CT_EARLY_DROP)).toBeGreaterThan(0);
		expect(live()).toBeLessThanOrEqual(9);
	});

	it("is full when the engine's rows are used up, and usable again when they expire", () => {
		let made = 0;
		for (let i = 0; i < 400; i++) {
			const p = segment(CLIENT, 1000 + i, SERVER, 80, A, 1, 1);
			if (cross(p) == L.CTINFO_NEW) {
				made++;
				entry(p).set(L.IPS_ASSURED);
			}
		}
		expect(made).toBe(ROWS);
		wait(301);
		let gone = 0;
		for (let i = 0; i < 64; i++) gone += conntrackExpire(now());
		expect(gone).toBe(ROWS);
		expect(live()).toBe(0);
		expect(cross(datagram(CLIENT, 5000, SERVER, 53))).toBe(L.CTINFO_NEW);
	});

	it("counts what lives, once all of it is swept", () => {
		for (let i = 0; i < 10; i++) cross(datagram(CLIENT, 5000 + i, SERVER, 53));
		wait(20);
		for (let i = 0; i < 3; i++) cross(datagram(CLIENT, 6000 + i, SERVER, 53));
		wait(15);
		expect(load<u32>(netns(0), L.NETNS_CT_COUNT)).toBe(13);
		conntrackSweep(now());
		expect(load<u32>(netns(0), L.NETNS_CT_COUNT)).toBe(3);
		expect(live()).toBe(3);
	});

	it("deletes by the fields given, and only those", () => {
		for (let i = 0; i < 10; i++) cross(datagram(CLIENT + (i & 1), 5000 + i, SERVER, 53));
		toServer(S, 1000, 0);
		expect(conntrackDelete(0, now(), L.PROTO_UDP, CLIENT, 0, -1, -1, 0, 0, -1, -1)).toBe(5);
		expect(conntrackDelete(0, now(), 0, 0, 0, -1, -1, SERVER, 0, 53, -1)).toBe(5);
		expect(live()).toBe(1);
	});

	it("stays whole under churn: what a plain list says is there is found, and nothing else", () => {
		const alive = new StaticArray<i32>(200);
		let seed: u32 = 12345;
		for (let step = 0; step < 4000; step++) {
			seed = seed * 1664525 + 1013904223;
			const port = <i32>(seed >>> 8) % 200;
			const kill = seed >>> 28 < 7;
			if (kill) {
				expect(conntrackDelete(0, now(), L.PROTO_UDP, 0, 0, 20000 + port, -1, 0, 0, -1, -1)).toBe(alive[port]);
				alive[port] = 0;
			} else {
				const p = datagram(SERVER, 53, CLIENT, 20000 + port);
				if (alive[port] == 1) expect(cross(p)).toBe(L.CTINFO_ESTABLISHED_REPLY);
				else cross(datagram(CLIENT, 20000 + port, SERVER, 53));
				alive[port] = 1;
			}
		}
		let sum = 0;
		for (let i = 0; i < 200; i++) sum += alive[i];
		expect(live()).toBe(sum);
	});

	it("tells the seconds left of a confirmed entry, and 0 before its timer runs", () => {
		const p = datagram(CLIENT, 5000, SERVER, 53);
		conntrackIn(p, L.HOOK_PREROUTING);
		expect(ctExpires(p.ct, now())).toBe(0);
		conntrackConfirm(p);
		expect(ctExpires(p.ct, now())).toBe(30);
		expect(left(p)).toBe(30);
	});
});
