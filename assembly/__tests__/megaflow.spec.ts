// Megaflows: which packets pass a stack by what another one did there, and what they leave behind.

import { capacity, row } from "../arena";
import { device } from "../device";
import { flow, flowsReset } from "../flow";
import { megaflowHits, megaflows, offer, pathCache, replayMode, replayReset, settleAll } from "../index";
import * as L from "../layout";
import { Megaflow } from "../megaflow";
import { conn, Conn } from "../netfilter/conn";
import { changed } from "../pathcache";
import { openSocket } from "../socket";
import { A, B, cluster, node, podA, podB, portA, SECOND, translate, VIP } from "./network";

let clock: i64 = SECOND;
let before: u64 = 0;

/** Stacks passed since the last time. */
function passed(): u64 {
	const hits = megaflowHits() - before;
	before = megaflowHits();
	return hits;
}

/** A segment from pod A to VIP:80; it is carried. */
function segment(sport: i32, tcp: i32, len: u32 = 60): void {
	const at = row(L.TABLE_BATCH, 0, L.BATCH_STRIDE);
	memory.fill(at, 0, L.BATCH_STRIDE);
	store<u32>(at, A, L.PACKET_SRC);
	store<u32>(at, VIP, L.PACKET_DST);
	store<u16>(at, <u16>sport, L.PACKET_SPORT);
	store<u16>(at, 80, L.PACKET_DPORT);
	store<u8>(at, <u8>L.PROTO_TCP, L.PACKET_PROTO);
	store<u8>(at, 4, L.PACKET_FAMILY);
	store<u8>(at, <u8>tcp, L.PACKET_TCP);
	store<u32>(at, len, L.PACKET_LEN);
	store<i64>(at, clock, L.PACKET_TIME);
	store<i32>(at, podA, L.BATCH_NETNS);
	store<u8>(at, <u8>L.BATCH_OFFER, L.BATCH_KIND);
	expect(offer(1)).toBe(1);
}

function received(): u64 {
	settleAll();
	return load<u64>(device(portA), L.DEVICE_RX_PACKETS);
}

/** The entry of the connection that set out as the `index`th. */
function entryOf(index: i32): Conn {
	return conn(load<i32>(flow(index), L.FLOW_CT));
}

/** Stacks that a packet of pod A for the pod behind the VIP passes by one megaflow from the node on. */
function joined(): u32 {
	let most: u32 = 0;
	for (let i: u32 = 0; i < capacity(L.TABLE_MEGAFLOW); i++) {
		const m = changetype<Megaflow>(row(L.TABLE_MEGAFLOW, i, L.MEGAFLOW_STRIDE));
		if (m.journey != 0 && m.addresses == ((<u64>A) | ((<u64>VIP) << 32)) && m.translation != 0)
			most = max<u32>(most, m.stacks);
	}
	return most;
}

// Pod, node and pod: three stacks, each way.
describe("a megaflow", () => {
	beforeEach(() => {
		cluster(L.NS_BRIDGE_NF);
		translate(B);
		openSocket(podB, <u8>L.PROTO_TCP, 0, 80, 0, 0);
		flowsReset();
		replayReset();
		pathCache(false);
		megaflows(true);
		replayMode(L.REPLIES_MIRROR);
		// The first packet asks the neighbours, the first acknowledgement is the one that is looked at.
		segment(4000, L.TCP_SYN);
		segment(4000, L.TCP_ACK);
		segment(4000, L.TCP_ACK);
		passed();
	});

	it("takes the next packet of a connection, and its answer, through every stack", () => {
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(6);
	});

	it("takes packets of other connections that are as far", () => {
		segment(4001, L.TCP_SYN);
		expect(passed()).toBe(0);
		segment(4001, L.TCP_ACK);
		segment(4001, L.TCP_ACK);
		passed();
		segment(4001, L.TCP_ACK);
		expect(passed()).toBe(6);
	});

	it("leaves counters and deadlines as the stacks would", () => {
		const received0 = received();
		clock += SECOND;
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(6);
		expect(received()).toBe(received0 + 1);
		expect(entryOf(0).deadline).toBe(clock + 100 * SECOND);
	});

	it("takes nothing that begins or ends a connection, or is longer than a device takes", () => {
		segment(4000, L.TCP_ACK | L.TCP_FIN);
		expect(passed()).toBe(0);
		segment(4001, L.TCP_ACK, 1501);
		expect(passed()).toBe(0);
	});

	it("holds no longer than its netns stays as it is", () => {
		changed(node);
		segment(4000, L.TCP_ACK);
		// The pods' stacks are what they were.
		expect(passed()).toBe(4);
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(6);
	});

	it("is one with that of a stack behind it that tracks nothing", () => {
		expect(joined()).toBe(1);
		segment(4000, L.TCP_ACK);
		expect(joined()).toBe(2);
		const received0 = received();
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(12);
		expect(received()).toBe(received0 + 1);
		// Both have to be as they were.
		changed(podB);
		segment(4000, L.TCP_ACK);
		expect(passed()).toBeLessThan(6);
		segment(4000, L.TCP_ACK);
		segment(4000, L.TCP_ACK);
		passed();
		expect(joined()).toBe(2);
	});

	it("takes nothing while it is switched off", () => {
		megaflows(false);
		segment(4000, L.TCP_ACK);
		expect(passed()).toBe(0);
	});
});
