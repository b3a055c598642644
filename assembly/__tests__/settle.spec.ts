// Counters of an entry: exact beyond what a packet's own word can hold.

import * as L from "../layout";
import { conn } from "../netfilter/conn";
import { conntrackIn } from "../netfilter/conntrack";
import { count, settle } from "../netfilter/settle";
import { CLIENT, cross, datagram, SERVER, start } from "./wire";

function entryOf(port: i32): usize {
	const p = datagram(CLIENT, port, SERVER, 53);
	cross(p);
	return changetype<usize>(conn(p.ct));
}

function total(entry: usize, field: i32): u64 {
	settle(entry);
	return load<u64>(entry + <usize>field);
}

describe("counters of an entry", () => {
	beforeEach(() => {
		start();
	});

	it("add up packets and bytes by direction", () => {
		const p = datagram(CLIENT, 5000, SERVER, 53);
		p.len = 100;
		cross(p);
		const entry = changetype<usize>(conn(p.ct));
		const q = datagram(SERVER, 53, CLIENT, 5000);
		q.len = 1500;
		cross(q);
		expect(total(entry, L.CT_ORIG_PACKETS)).toBe(1);
		expect(total(entry, L.CT_ORIG_BYTES)).toBe(100);
		expect(total(entry, L.CT_REPLY_PACKETS)).toBe(1);
		expect(total(entry, L.CT_REPLY_BYTES)).toBe(1500);
	});

	it("do not wrap at 4 GiB, nor at 2^24 packets", () => {
		const entry = entryOf(5000);
		const before = total(entry, L.CT_REPLY_BYTES);
		for (let i = 0; i < 20_000_000; i++) count(entry, 1, 65535);
		expect(total(entry, L.CT_REPLY_PACKETS)).toBe(20_000_000);
		expect(total(entry, L.CT_REPLY_BYTES)).toBe(before + <u64>20_000_000 * 65535);
		expect(total(entry, L.CT_ORIG_PACKETS)).toBe(1);
	});

	it("take the largest length that a packet record can have", () => {
		const entry = entryOf(5001);
		for (let i = 0; i < 1000; i++) count(entry, 0, 0xffffffff);
		expect(total(entry, L.CT_ORIG_PACKETS)).toBe(1001);
		expect(total(entry, L.CT_ORIG_BYTES)).toBeGreaterThan(<u64>1000 * 0xffffffff - 1);
	});

	it("start from nothing when a row is taken again", () => {
		const p = datagram(CLIENT, 5002, SERVER, 53);
		conntrackIn(p, L.HOOK_PREROUTING);
		const entry = changetype<usize>(conn(p.ct));
		expect(total(entry, L.CT_ORIG_PACKETS)).toBe(1);
		expect(total(entry, L.CT_REPLY_PACKETS)).toBe(0);
	});
});
