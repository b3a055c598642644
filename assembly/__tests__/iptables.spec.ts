// The rule walk over rows laid by hand: targets that rewrite or leave conntrack alone, gotos and returns, sets by index
// and by scan, and counters when the path table is full. Random rules are compared in tests/encode.

import { place, row } from "../arena";
import { hintRules } from "../compile/hints";
import { linkJumps } from "../compile/jumps";
import { compileSet } from "../compile/sets";
import { conn } from "../netfilter/conn";
import { conntrackIn } from "../netfilter/conntrack";
import { setHolds, SET_NO, SET_YES } from "../netfilter/ipset";
import { walk } from "../netfilter/iptables";
import { netns } from "../netns";
import { Packet } from "../packet";
import { Silent } from "../trace";
import { CLIENT, NODE, packet, SERVER, start } from "./wire";
import * as L from "../layout";

const RULES: u32 = 64;
let placed = false;
let rules = 0;

// Chain 0 is the base chain of every hook of mangle and nat, chain 1 a user chain; rules 0-7 and 8-15.
function lay(): void {
	start();
	if (!placed) {
		place(L.TABLE_CHAIN, 4, L.CHAIN_STRIDE);
		place(L.TABLE_RULE, RULES, L.RULE_STRIDE);
		place(L.TABLE_MATCH, 8, L.MATCH_STRIDE);
		place(L.TABLE_PATH, 3, L.PATH_STRIDE);
		place(L.TABLE_PATHRULE, 16, 4);
		place(L.TABLE_COUNTER, RULES, L.COUNTER_STRIDE);
		place(L.TABLE_DEVICE, 2, L.DEVICE_STRIDE);
		place(L.TABLE_ADDRESS, 2, L.ADDRESS_STRIDE);
		place(L.TABLE_SET, 1, L.SET_STRIDE);
		place(L.TABLE_ENTRY, 64, L.ENTRY_STRIDE);
		place(L.TABLE_WORD, 256, 4);
		placed = true;
	}
	for (let i = 0; i < L.HOOK_COUNT * L.XT_COUNT; i++) store<i32>(netns(0) + <usize>(i << 2), 0, L.NETNS_CHAINS);
	memory.fill(row(L.TABLE_PATH, 0, L.PATH_STRIDE), 0, 3 * L.PATH_STRIDE);
	memory.fill(row(L.TABLE_COUNTER, 0, L.COUNTER_STRIDE), 0, RULES * L.COUNTER_STRIDE);
	memory.fill(row(L.TABLE_RULE, 0, L.RULE_STRIDE), 0, RULES * L.RULE_STRIDE);
	for (let chain = 0; chain < 2; chain++) {
		const at = row(L.TABLE_CHAIN, chain, L.CHAIN_STRIDE);
		store<u32>(at, chain * 8, L.CHAIN_RULE_FIRST);
		store<u32>(at, 0, L.CHAIN_RULE_COUNT);
		store<u32>(at, 0, L.CHAIN_JUMPS);
		store<u32>(at, chain == 0 ? L.POLICY_ACCEPT : L.POLICY_RETURN, L.CHAIN_POLICY);
	}
	rules = 0;
	end(0, L.TARGET_ACCEPT, 0);
	end(1, L.TARGET_RETURN, L.RULEF_UNCOUNTED);
	const at = row(L.TABLE_DEVICE, 0, L.DEVICE_STRIDE);
	store<u32>(at, NODE, L.DEVICE_ADDRESS);
	store<u32>(row(L.TABLE_DEVICE, 1, L.DEVICE_STRIDE), 0, L.DEVICE_ADDRESS);
}

function target(index: i32, code: i32, flags: u32): usize {
	const at = row(L.TABLE_RULE, index, L.RULE_STRIDE);
	store<i32>(at, -1, L.RULE_IIF);
	store<i32>(at, -1, L.RULE_OIF);
	store<u8>(at, <u8>code, L.RULE_TARGET);
	store<u32>(at, flags, L.RULE_FLAGS);
	store<i32>(at, index >> 3, L.RULE_CHAIN);
	return at;
}

function end(chain: i32, code: i32, flags: u32): void {
	const count = load<i32>(row(L.TABLE_CHAIN, chain, L.CHAIN_STRIDE), L.CHAIN_RULE_COUNT);
	target(chain * 8 + count, code, flags | L.RULEF_POLICY | L.RULEF_TAIL);
}

/** Adds a rule before the end of a chain. */
function add(chain: i32, code: i32, a: u32, b: u32 = 0, flags: u32 = 0): usize {
	const at = row(L.TABLE_CHAIN, chain, L.CHAIN_STRIDE);
	const count = load<i32>(at, L.CHAIN_RULE_COUNT);
	store<i32>(at, count + 1, L.CHAIN_RULE_COUNT);
	end(chain, chain == 0 ? L.TARGET_ACCEPT : L.TARGET_RETURN, chain == 0 ? 0 : L.RULEF_UNCOUNTED);
	const rule = target(chain * 8 + count, code, flags);
	store<u32>(rule, a, L.RULE_A);
	store<u32>(rule, b, L.RULE_B);
	return rule;
}

function tracked(): Packet {
	const p = packet(0, L.PROTO_TCP, CLIENT, 40000, SERVER, 80);
	p.tcp = <u8>L.TCP_SYN;
	p.len = 60;
	conntrackIn(p, L.HOOK_PREROUTING);
	return p;
}

function hits(rule: i32): u64 {
	for (let slot = 0; slot < <i32>RULES; slot++) {
		const at = row(L.TABLE_COUNTER, slot, L.COUNTER_STRIDE);
		if (load<u32>(at, L.COUNTER_NETNS) == 1 && load<u32>(at, L.COUNTER_RULE) == rule)
			return load<u64>(at, L.COUNTER_PACKETS);
	}
	return 0;
}

/** A rule of the base chain that jumps where one match of ports, match row `match`, holds. */
function jumpByPorts(match: i32, kind: i32, invert: i32, sports: u32, dports: u32): usize {
	const m = row(L.TABLE_MATCH, match, L.MATCH_STRIDE);
	memory.fill(m, 0, L.MATCH_STRIDE);
	store<u16>(m, <u16>kind, L.MATCH_KIND);
	store<u16>(m, <u16>invert, L.MATCH_INVERT);
	store<u32>(m, sports, L.MATCH_A);
	store<u32>(m, dports, L.MATCH_B);
	const rule = add(0, L.TARGET_JUMP, 1);
	store<u8>(rule, <u8>L.PROTO_TCP, L.RULE_PROTO);
	store<u8>(rule, 1, L.RULE_MATCH_COUNT);
	store<u32>(rule, match, L.RULE_MATCH_FIRST);
	return rule;
}

// The one path that has been walked: the first rule, what it jumps to, the policy.
function pathOf(): i32 {
	let found = 0;
	for (let i = 1; i < 3; i++) {
		if (load<u32>(row(L.TABLE_PATH, i, L.PATH_STRIDE), L.PATH_COUNT) == 0) continue;
		expect(load<u32>(row(L.TABLE_PATH, i, L.PATH_STRIDE), L.PATH_COUNT)).toBe(3);
		expect(found).toBe(0);
		found = i;
	}
	return found;
}

describe("hints", () => {
	beforeEach(lay);

	it("say what the rows say: ports, devices, the chain of a jump", () => {
		const any: u32 = 0xffff0000;
		const port80: u32 = 80 | (80 << 16);
		const plain = jumpByPorts(0, L.MATCH_UDP, 0, any, port80);
		const inverted = jumpByPorts(1, L.MATCH_UDP, 2, any, port80);
		const sourced = jumpByPorts(2, L.MATCH_UDP, 0, port80, any);
		const flagged = jumpByPorts(3, L.MATCH_TCP, 0, any, port80);
		const device = add(0, L.TARGET_NONE, 0);
		store<i32>(device, 0, L.RULE_OIF);
		add(1, L.TARGET_MARK, 1, 1);
		hintRules(0);
		linkJumps(0);
		const led: u32 = L.RULEF_LED | L.RULEF_NO_DEVICE;
		expect(load<u32>(plain, L.RULE_FLAGS)).toBe(led | L.RULEF_DPORTS);
		expect(load<u32>(plain, L.RULE_DPORTS)).toBe(port80);
		expect(load<u32>(inverted, L.RULE_FLAGS)).toBe(led);
		expect(load<u32>(sourced, L.RULE_FLAGS)).toBe(led);
		expect(load<u32>(flagged, L.RULE_FLAGS)).toBe(led);
		expect(load<u32>(device, L.RULE_FLAGS)).toBe(0);
	});

	it("change no walk", () => {
		const any: u32 = 0xffff0000;
		jumpByPorts(0, L.MATCH_UDP, 0, any, 79 | (80 << 16));
		jumpByPorts(1, L.MATCH_UDP, 0, any, 81 | (90 << 16));
		jumpByPorts(2, L.MATCH_UDP, 2, any, 80 | (80 << 16));
		add(1, L.TARGET_NONE, 0);
		const p = tracked();
		for (let round: u64 = 1; round <= 2; round++) {
			expect(walk<Silent>(p, L.HOOK_PREROUTING, L.XT_MANGLE)).toBe(L.NF_ACCEPT);
			expect(load<u64>(row(L.TABLE_PATH, pathOf(), L.PATH_STRIDE), L.PATH_PACKETS)).toBe(round);
			hintRules(0);
			linkJumps(0);
		}
	});
});

describe("targets", () => {
	beforeEach(lay);

	it("DNAT rewrites where the answer comes from, and ends the walk", () => {
		const rule = add(0, L.TARGET_DNAT, 0x0af4020a, 0x0af4020a);
		store<u32>(rule, 8080, L.RULE_C);
		store<u32>(rule, 8080, L.RULE_D);
		store<u32>(rule, L.NAT_PORTS, L.RULE_E);
		add(0, L.TARGET_DROP, 0);
		const p = tracked();
		expect(walk<Silent>(p, L.HOOK_PREROUTING, L.XT_NAT)).toBe(L.NF_ACCEPT);
		expect(conn(p.ct).reply.src).toBe(0x0af4020a);
		expect(conn(p.ct).reply.sport).toBe(8080);
	});

	it("MASQUERADE takes the outgoing device's address and remembers the device; without an address it drops", () => {
		add(0, L.TARGET_MASQUERADE, 0);
		let p = tracked();
		p.oif = 0;
		expect(walk<Silent>(p, L.HOOK_POSTROUTING, L.XT_NAT)).toBe(L.NF_ACCEPT);
		expect(conn(p.ct).reply.dst).toBe(NODE);
		expect(conn(p.ct).masqDevice).toBe(0);
		lay();
		add(0, L.TARGET_MASQUERADE, 0);
		p = tracked();
		p.oif = 1;
		expect(walk<Silent>(p, L.HOOK_POSTROUTING, L.XT_NAT)).toBe(L.NF_DROP);
		expect(p.rule).toBe(0);
	});

	it("REDIRECT leads to the device that the packet came in by, on OUTPUT to 127.0.0.1", () => {
		add(0, L.TARGET_REDIRECT, 0);
		let p = tracked();
		p.iif = 0;
		walk<Silent>(p, L.HOOK_PREROUTING, L.XT_NAT);
		expect(conn(p.ct).reply.src).toBe(NODE);
		lay();
		add(0, L.TARGET_REDIRECT, 0);
		p = tracked();
		walk<Silent>(p, L.HOOK_OUTPUT, L.XT_NAT);
		expect(conn(p.ct).reply.src).toBe(0x7f000001);
	});

	it("NETMAP keeps the host part", () => {
		add(0, L.TARGET_NETMAP, 0xc6336400, 0xffffff00);
		const p = tracked();
		walk<Silent>(p, L.HOOK_PREROUTING, L.XT_NAT);
		expect(conn(p.ct).reply.src).toBe(0xc6336400 | (SERVER & 0xff));
	});

	it("CT --notrack and --zone act on a packet that conntrack has not seen", () => {
		add(0, L.TARGET_CT, 0, 7);
		add(0, L.TARGET_CT, 1);
		const p = packet(0, L.PROTO_TCP, CLIENT, 40000, SERVER, 80);
		p.ct = L.CT_UNSEEN;
		walk<Silent>(p, L.HOOK_PREROUTING, L.XT_MANGLE);
		expect(p.zone).toBe(7);
		expect(p.ct).toBe(L.CT_UNTRACKED);
		const seen = tracked();
		walk<Silent>(seen, L.HOOK_PREROUTING, L.XT_MANGLE);
		expect(seen.ct).toBeGreaterThanOrEqual(0);
	});
});

describe("chains", () => {
	beforeEach(lay);

	it("a jump comes back behind its rule, a goto does not come back to its chain", () => {
		add(0, L.TARGET_JUMP, 1);
		add(0, L.TARGET_MARK, 1, 0xffffffff);
		const p = tracked();
		walk<Silent>(p, L.HOOK_FORWARD, L.XT_MANGLE);
		expect(p.mark).toBe(1);
		lay();
		add(0, L.TARGET_JUMP, 1, 0, L.RULEF_GOTO);
		add(0, L.TARGET_MARK, 1, 0xffffffff);
		const q = tracked();
		expect(walk<Silent>(q, L.HOOK_FORWARD, L.XT_MANGLE)).toBe(L.NF_ACCEPT);
		expect(q.mark).toBe(0);
	});

	it("RETURN in a base chain is its policy; the rule that rejects is named", () => {
		add(0, L.TARGET_RETURN, 0);
		add(0, L.TARGET_DROP, 0);
		expect(walk<Silent>(tracked(), L.HOOK_FORWARD, L.XT_MANGLE)).toBe(L.NF_ACCEPT);
		lay();
		add(0, L.TARGET_MARK, 0, 0);
		add(0, L.TARGET_REJECT, L.REJECT_PORT);
		const p = tracked();
		expect(walk<Silent>(p, L.HOOK_FORWARD, L.XT_MANGLE)).toBe(L.NF_REJECT);
		expect(p.rule).toBe(1);
		expect(<i32>p.reason).toBe(L.REASON_RULE);
	});

	it("a table that is not loaded accepts", () => {
		store<i32>(netns(0), -1, L.NETNS_CHAINS);
		expect(walk<Silent>(tracked(), L.HOOK_PREROUTING, L.XT_RAW)).toBe(L.NF_ACCEPT);
	});
});

describe("counters", () => {
	beforeEach(lay);

	it("count by path, and rule by rule when no path is free", () => {
		add(0, L.TARGET_MARK, 0, 0);
		// A table of three rows holds its head and one path at most.
		walk<Silent>(tracked(), L.HOOK_FORWARD, L.XT_MANGLE);
		add(0, L.TARGET_MARK, 0, 0);
		walk<Silent>(tracked(), L.HOOK_FORWARD, L.XT_MANGLE);
		add(0, L.TARGET_DROP, 0);
		walk<Silent>(tracked(), L.HOOK_FORWARD, L.XT_MANGLE);
		let counted = hits(0);
		for (let slot = 1; slot < 3; slot++) {
			const path = row(L.TABLE_PATH, slot, L.PATH_STRIDE);
			if (load<u32>(path, L.PATH_COUNT) != 0) counted += load<u64>(path, L.PATH_PACKETS);
		}
		expect(counted).toBe(3);
		expect(load<u64>(row(L.TABLE_PATH, 0, L.PATH_STRIDE), L.PATH_SPILLED)).toBeGreaterThan(0);
		expect(load<u64>(row(L.TABLE_PATH, 0, L.PATH_STRIDE), L.PATH_LOST)).toBe(0);
	});
});

describe("sets", () => {
	beforeEach(lay);

	it("an index answers as a scan does, the longest prefix first", () => {
		const set = row(L.TABLE_SET, 0, L.SET_STRIDE);
		memory.fill(set, 0, L.SET_STRIDE);
		store<u32>(set, L.SET_TYPE_NET, L.SET_TYPE);
		store<u32>(set, 4, L.SET_FAMILY);
		store<u32>(set, 17, L.SET_ENTRY_COUNT);
		for (let i = 0; i < 17; i++) {
			// 10.0.0.0/8, then 10.I.0.0/16, every second one nomatch
			const at = row(L.TABLE_ENTRY, i, L.ENTRY_STRIDE);
			memory.fill(at, 0, L.ENTRY_STRIDE);
			store<u32>(at, i == 0 ? 0x0a000000 : 0x0a000000 | ((<u32>i) << 16), L.ENTRY_IP);
			store<u8>(at, i == 0 ? 8 : 16, L.ENTRY_PREFIX);
			store<u8>(at, i > 0 && i % 2 == 0 ? 1 : 0, L.ENTRY_FLAGS);
		}
		compileSet(0);
		const p = tracked();
		const scanned = new StaticArray<i32>(32);
		for (let i = 0; i < 32; i++) {
			p.src = 0x0a000001 | ((<u32>i) << 16);
			scanned[i] = setHolds(p, 0, 1, 1, false);
			expect(scanned[i]).toBe(i > 0 && i <= 16 && i % 2 == 0 ? SET_NO : SET_YES);
		}
		store<u32>(set, 64, L.SET_RESERVED);
		compileSet(0);
		for (let i = 0; i < 32; i++) {
			p.src = 0x0a000001 | ((<u32>i) << 16);
			expect(setHolds(p, 0, 1, 1, false)).toBe(scanned[i]);
		}
		p.src = 0x0b000001;
		expect(setHolds(p, 0, 1, 1, false)).toBe(SET_NO);
	});
});
