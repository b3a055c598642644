// Passages: which packets go all their way by one row, and what they leave behind.

import { row } from "../arena";
import { device } from "../device";
import { flow, flowsReset } from "../flow";
import { conntrackFlush, megaflows, offer, passages, pathCache, replayMode, replayReset, settleAll } from "../index";
import * as L from "../layout";
import { conn, Conn } from "../netfilter/conn";
import { changed } from "../pathcache";
import { openSocket } from "../socket";
import { A, B, cluster, node, packet, podA, podB, portA, SECOND, sendOff, translate, VIP } from "./network";

let clock: i64 = SECOND;
let before: u64 = 0;

/** Packets that went by a passage since the last time. */
function passed(): u64 {
	const count = passages() - before;
	before = passages();
	return count;
}

/** A segment from pod A to VIP:80, or what the recording answers to one. */
function segment(sport: i32, tcp: i32, len: u32 = 60, kind: i32 = L.BATCH_OFFER): void {
	const at = row(L.TABLE_BATCH, 0, L.BATCH_STRIDE);
	const reply = kind == L.BATCH_REPLY;
	memory.fill(at, 0, L.BATCH_STRIDE);
	store<u32>(at, reply ? VIP : A, L.PACKET_SRC);
	store<u32>(at, reply ? A : VIP, L.PACKET_DST);
	store<u16>(at, <u16>(reply ? 80 : sport), L.PACKET_SPORT);
	store<u16>(at, <u16>(reply ? sport : 80), L.PACKET_DPORT);
	store<u8>(at, <u8>L.PROTO_TCP, L.PACKET_PROTO);
	store<u8>(at, 4, L.PACKET_FAMILY);
	store<u8>(at, <u8>tcp, L.PACKET_TCP);
	store<u32>(at, len, L.PACKET_LEN);
	store<i64>(at, clock, L.PACKET_TIME);
	store<i32>(at, podA, L.BATCH_NETNS);
	store<u8>(at, <u8>kind, L.BATCH_KIND);
	offer(1);
}

function received(): u64 {
	settleAll();
	return load<u64>(device(portA), L.DEVICE_RX_PACKETS);
}

function packetsOf(index: i32): u32 {
	settleAll();
	return load<u32>(flow(index), L.FLOW_PACKETS);
}

function entryOf(index: i32): Conn {
	return conn(load<i32>(flow(index), L.FLOW_CT));
}

describe("a passage", () => {
	beforeEach(() => {
		cluster(L.NS_BRIDGE_NF);
		translate(B);
		openSocket(podB, <u8>L.PROTO_TCP, 0, 80, 0, 0);
		flowsReset();
		replayReset();
		pathCache(false);
		megaflows(true);
		replayMode(L.REPLIES_RECORDED);
		segment(4000, L.TCP_SYN);
		segment(4000, L.TCP_SYN | L.TCP_ACK, 60, L.BATCH_REPLY);
		// Megaflows are made, then joined, then one packet goes by what they are.
		for (let i = 0; i < 6; i++) segment(4000, L.TCP_ACK);
		passed();
	});

	it("takes the next packet of a connection from end to end", () => {
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(1);
	});

	it("takes those of another connection from the second on", () => {
		segment(4001, L.TCP_SYN);
		segment(4001, L.TCP_SYN | L.TCP_ACK, 60, L.BATCH_REPLY);
		segment(4001, L.TCP_ACK);
		segment(4001, L.TCP_ACK);
		passed();
		segment(4001, L.TCP_ACK);
		expect(passed()).toBe(1);
	});

	it("takes both directions in turns", () => {
		for (let i = 0; i < 6; i++) segment(4000, L.TCP_ACK, 60, L.BATCH_REPLY);
		passed();
		segment(4000, L.TCP_ACK);
		segment(4000, L.TCP_ACK, 60, L.BATCH_REPLY);
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(3);
	});

	it("leaves counters, deadlines and times as the stacks would", () => {
		const before = received();
		const packets = packetsOf(0);
		clock += SECOND;
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(1);
		expect(received()).toBe(before + 1);
		expect(packetsOf(0)).toBe(packets + 1);
		expect(load<i64>(flow(0), L.FLOW_LAST)).toBe(clock);
		expect(entryOf(0).deadline).toBe(clock + 100 * SECOND);
	});

	it("takes nothing that ends a connection, is longer than a device takes, or has no entry any more", () => {
		segment(4000, L.TCP_ACK, 1501);
		expect(passed()).toBe(0);
		segment(4000, L.TCP_ACK);
		conntrackFlush(node, clock);
		segment(4000, L.TCP_ACK);
		segment(4000, L.TCP_ACK | L.TCP_FIN);
		expect(passed()).toBe(0);
	});

	it("takes nothing of an entry whose time is over", () => {
		clock += 101 * SECOND;
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(0);
	});

	it("takes nothing of an entry that somebody else's packet has closed", () => {
		// Sent beside the replay: it has no flow, so no line hears of it.
		const p = packet(podA, L.PROTO_TCP, A, 4000, VIP, 80);
		p.tcp = <u8>(L.TCP_RST | L.TCP_ACK);
		p.time = clock;
		sendOff(p);
		expect(entryOf(0).state).toBe(<u8>L.TCP_CT_CLOSE);
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(0);
	});

	it("holds no longer than its netns stay as they are", () => {
		changed(podB);
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(0);
		for (let i = 0; i < 6; i++) segment(4000, L.TCP_ACK);
		passed();
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(1);
	});

	it("takes nothing while megaflows are switched off", () => {
		megaflows(false);
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(0);
	});
});
