// Connections opened by what an earlier one did: which packets are, and that what they leave behind is what carrying them does.

import { row } from "../arena";
import { flow, flowCount, flowsReset } from "../flow";
import {
	cacheHits,
	conntrackFlush,
	offer,
	pathCache,
	replayMode,
	replayReset,
	seed,
	sequels,
	settleAll,
} from "../index";
import * as L from "../layout";
import { conn } from "../netfilter/conn";
import { netns } from "../netns";
import { openings } from "../opening";
import { changed } from "../pathcache";
import { closeSocket, openSocket } from "../socket";
import { A, B, cluster, node, podA, podB, SECOND, translate, VIP } from "./network";

let listener: i32 = 0;
let before: u32 = 0;
let clock: i64 = SECOND;
let hints: u8 = 0;

function opened(): u32 {
	return openings() - before;
}

/** A SYN from pod A to VIP:80, `delta` bytes above 60; whether anybody carried it. */
function syn(sport: i32, delta: u32 = 0): u32 {
	return segment(sport, L.TCP_SYN, false, 60 + delta, 100, 0);
}

/** A segment of such a connection, or of one to another port of `dst`, or a recorded answer in it. */
function segment(sport: i32, tcp: i32, reply: bool, len: u32, seq: u32, ack: u32, port: i32 = 80, dst: u32 = VIP): u32 {
	const at = row(L.TABLE_BATCH, 0, L.BATCH_STRIDE);
	memory.fill(at, 0, L.BATCH_STRIDE);
	store<u32>(at, reply ? dst : A, L.PACKET_SRC);
	store<u32>(at, reply ? A : dst, L.PACKET_DST);
	store<u16>(at, <u16>(reply ? port : sport), L.PACKET_SPORT);
	store<u16>(at, <u16>(reply ? sport : port), L.PACKET_DPORT);
	store<u8>(at, <u8>L.PROTO_TCP, L.PACKET_PROTO);
	store<u8>(at, 4, L.PACKET_FAMILY);
	store<u8>(at, <u8>tcp, L.PACKET_TCP);
	store<u32>(at, len, L.PACKET_LEN);
	store<i64>(at, clock, L.PACKET_TIME);
	store<i32>(at, podA, L.BATCH_NETNS);
	store<u8>(at, <u8>(reply ? L.BATCH_REPLY : L.BATCH_OFFER), L.BATCH_KIND);
	store<u8>(at, reply ? 0 : hints, L.BATCH_FLAGS);
	store<u32>(at, seq, L.BATCH_SEQ);
	store<u32>(at, ack, L.BATCH_ACK);
	store<u16>(at, 1000, L.BATCH_WINDOW);
	return offer(1);
}

/** Of flow `index`: its verdict, and the reply tuple of its entry. */
function outcome(index: i32): u64[] {
	const f = flow(index);
	const c = conn(load<i32>(f, L.FLOW_CT));
	return [
		<u64>load<u8>(f, L.FLOW_VERDICT),
		<u64>load<i32>(f, L.FLOW_SERVER),
		c.replyLo,
		c.replyHi & ~(<u64>0xffff0000),
		<u64>c.status,
		<u64>(c.deadline - load<i64>(f, L.FLOW_TIME)),
	];
}

describe("an opening", () => {
	beforeEach(() => {
		cluster(L.NS_BRIDGE_NF);
		translate(B);
		listener = openSocket(podB, <u8>L.PROTO_TCP, 0, 80, 0, 0);
		flowsReset();
		replayReset();
		pathCache(true);
		replayMode(L.REPLIES_NONE);
		syn(4000); // asks the neighbours
		syn(4001); // is learnt from
		before = openings();
	});

	it("does for another source port what the first packet did", () => {
		syn(4002);
		expect(opened()).toBe(1);
		expect(flowCount()).toBe(3);
		const learnt = outcome(1);
		const own = outcome(2);
		for (let i = 0; i < learnt.length; i++) expect(own[i]).toBe(learnt[i]);
		expect(load<u16>(flow(2), L.FLOW_SEEN_SPORT)).toBe(4002);
		expect(load<u32>(netns(node), L.NETNS_CT_COUNT)).toBe(3);
	});

	it("is not taken where it is switched off, or the packet is too long", () => {
		syn(4002, 1441);
		expect(opened()).toBe(0);
		pathCache(false);
		syn(4003);
		expect(opened()).toBe(0);
		pathCache(true);
		syn(4004);
		expect(opened()).toBe(1);
	});

	it("is not taken where its tuple is known, the table is full, or ports coincide", () => {
		flowsReset();
		syn(4001);
		syn(80);
		expect(opened()).toBe(0);
		store<u32>(netns(node), 3, L.NETNS_CT_MAX);
		syn(4002);
		expect(opened()).toBe(0);
		store<u32>(netns(node), 1024, L.NETNS_CT_MAX);
		syn(4003);
		expect(opened()).toBe(1);
	});

	it("keeps its row as a rule where there are more kinds than rows, and now and then another takes it", () => {
		// The table has two groups of four rows; each port is a kind of its own, and they come in turns.
		const ports = 12;
		for (let i = 0; i < ports; i++) openSocket(podB, <u8>L.PROTO_TCP, 0, <u16>(100 + i), 0, 0);
		const often = new StaticArray<u32>(ports);
		for (let round = 0; round < 60; round++) {
			conntrackFlush(node, clock);
			flowsReset();
			for (let i = 0; i < ports; i++) {
				const first = openings();
				segment(5000, L.TCP_SYN, false, 60, 100, 0, 100 + i, B);
				if (round >= 10) often[i] += openings() - first;
			}
		}
		let sum: u32 = 0;
		let kinds: u32 = 0;
		for (let i = 0; i < ports; i++) {
			sum += often[i];
			if (often[i] > 0) kinds++;
		}
		expect(sum).toBeGreaterThan(50 * 7);
		expect(kinds).toBeGreaterThan(8);
	});

	it("is learnt anew where a netns on the way or a socket has changed, or a neighbour ages", () => {
		changed(node);
		syn(4002);
		expect(opened()).toBe(0);
		syn(4003);
		expect(opened()).toBe(1);
		closeSocket(listener);
		syn(4004);
		expect(opened()).toBe(1);
		listener = openSocket(podB, <u8>L.PROTO_TCP, 0, 80, 0, 0);
		syn(4005);
		syn(4006);
		expect(opened()).toBe(2);
		clock += 40 * SECOND;
		syn(4007);
		expect(opened()).toBe(2);
		clock = SECOND;
		conntrackFlush(node, clock);
	});

	it("is taken where the draws on the way come out as they did", () => {
		const rule = row(L.TABLE_RULE, 0, L.RULE_STRIDE);
		const match = row(L.TABLE_MATCH, 0, L.MATCH_STRIDE);
		memory.fill(match, 0, L.MATCH_STRIDE);
		store<u16>(match, <u16>L.MATCH_STATISTIC_RANDOM, L.MATCH_KIND);
		store<u32>(match, 0x40000000, L.MATCH_A);
		store<u8>(rule, 1, L.RULE_MATCH_COUNT);
		store<u32>(rule, 0, L.RULE_MATCH_FIRST);
		changed(node);
		const reached: bool[] = [];
		for (let cached = 0; cached < 2; cached++) {
			pathCache(cached == 1);
			conntrackFlush(node, clock);
			flowsReset();
			seed(9);
			before = openings();
			for (let i = 0; i < 24; i++) {
				syn(5000 + i);
				const verdict = load<u8>(flow(i), L.FLOW_VERDICT) == <u8>L.VERDICT_DELIVERED;
				if (cached == 0) reached.push(verdict);
				else expect(verdict).toBe(reached[i]);
			}
		}
		let delivered = 0;
		for (let i = 0; i < 24; i++) if (reached[i]) delivered++;
		expect(delivered).toBeGreaterThan(4);
		expect(delivered).toBeLessThan(20);
		expect(<i32>opened()).toBeGreaterThan(delivered / 2);
		store<u8>(rule, 0, L.RULE_MATCH_COUNT);
	});

	it("counts rules and devices when that is asked for", () => {
		const device = row(L.TABLE_DEVICE, load<i32>(netns(podA), L.NETNS_DEVICE_FIRST) + 1, L.DEVICE_STRIDE);
		settleAll();
		const sent = load<u64>(device, L.DEVICE_TX_PACKETS);
		syn(4002);
		syn(4003);
		expect(opened()).toBe(2);
		settleAll();
		expect(load<u64>(device, L.DEVICE_TX_PACKETS)).toBe(sent + 2);
	});
});

/** The first packets of a connection behind its SYN: SYN-ACK, ACK, an ACK each way; those that followed another connection's. */
function handshake(sport: i32, acked: u32): u32 {
	const since = sequels();
	segment(sport, L.TCP_SYN | L.TCP_ACK, true, 60, 500, 101);
	segment(sport, L.TCP_ACK, false, 52, 101, acked);
	segment(sport, L.TCP_ACK, true, 52, 501, 101);
	segment(sport, L.TCP_ACK, false, 52, 101, acked);
	return sequels() - since;
}

function stateOf(index: i32): u8 {
	return conn(load<i32>(flow(index), L.FLOW_CT)).state;
}

let followedFirst: u32 = 0;

describe("a sequel", () => {
	beforeEach(() => {
		cluster(L.NS_BRIDGE_NF | L.NS_TCP_WINDOWS);
		translate(B);
		openSocket(podB, <u8>L.PROTO_TCP, 0, 80, 0, 0);
		flowsReset();
		replayReset();
		pathCache(true);
		replayMode(L.REPLIES_NONE);
		syn(4000); // asks the neighbours
		hints = <u8>L.BATCHF_RECORDED; // or windows are liberal
		syn(4001); // is learnt from
		followedFirst = handshake(4001, 501); // asks the neighbours on the way back
		syn(4010);
		handshake(4010, 501);
		before = openings();
	});
	afterEach(() => {
		hints = 0;
	});

	it("follows what the packets of a connection of its kind did, up to where its line repeats them", () => {
		syn(4002);
		expect(opened()).toBe(1);
		const before = cacheHits();
		// The ACK that establishes has the line repeat the next one.
		expect(handshake(4002, 501)).toBe(3);
		expect(cacheHits()).toBe(before + 1);
		expect(stateOf(3)).toBe(<u8>L.TCP_CT_ESTABLISHED);
		expect(conn(load<i32>(flow(3), L.FLOW_CT)).has(L.IPS_ASSURED)).toBe(true);
		settleAll();
		expect(load<u32>(flow(3), L.FLOW_PACKETS)).toBe(5);
		const hits = cacheHits();
		segment(4002, L.TCP_ACK, false, 52, 101, 501);
		segment(4002, L.TCP_ACK, true, 52, 501, 101);
		expect(cacheHits()).toBe(hits + 2);
	});

	it("is told by the ACK that establishes as well, if it is the next ACK", () => {
		expect(followedFirst).toBe(1);
	});

	it("is carried where the connection's windows say otherwise", () => {
		syn(4002);
		// What nobody sent is acknowledged: neither of those ACKs establishes anything.
		expect(handshake(4002, 900)).toBe(1);
		expect(stateOf(3)).toBe(<u8>L.TCP_CT_SYN_RECV);
	});

	it("is learnt anew where a netns on the way has changed, and not taken where that is switched off", () => {
		syn(4002);
		changed(node);
		expect(handshake(4002, 501)).toBe(0);
		pathCache(false);
		syn(4003);
		expect(handshake(4003, 501)).toBe(0);
		pathCache(true);
	});
});
