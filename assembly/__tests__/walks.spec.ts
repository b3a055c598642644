// Walks remembered: what is taken from memory is what walking the rules gives, and what looks at more is walked.

import { place, row } from "../arena";
import { hintRules } from "../compile/hints";
import { indexSwitch, settleAll } from "../index";
import { walk } from "../netfilter/iptables";
import { netns } from "../netns";
import { Packet } from "../packet";
import { changed, pathCache } from "../pathcache";
import { Silent } from "../trace";
import { CLIENT, packet, SERVER, start } from "./wire";
import * as L from "../layout";

const WALKS: i32 = 8;
let placed = false;

// Chain 0 is the base chain of FORWARD in filter: a jump to chain 1, policy ACCEPT. Chain 1: one rule, then the return.
function lay(match: i32, target: i32): void {
	start();
	if (!placed) {
		place(L.TABLE_CHAIN, 2, L.CHAIN_STRIDE);
		place(L.TABLE_RULE, 4, L.RULE_STRIDE);
		place(L.TABLE_MATCH, 1, L.MATCH_STRIDE);
		place(L.TABLE_PATH, 16, L.PATH_STRIDE);
		place(L.TABLE_PATHRULE, 16, 4);
		place(L.TABLE_COUNTER, 4, L.COUNTER_STRIDE);
		place(L.TABLE_WALK, WALKS, L.WALK_STRIDE);
		placed = true;
	}
	memory.fill(row(L.TABLE_PATH, 0, L.PATH_STRIDE), 0, 16 * L.PATH_STRIDE);
	memory.fill(row(L.TABLE_CHAIN, 0, L.CHAIN_STRIDE), 0, 2 * L.CHAIN_STRIDE);
	memory.fill(row(L.TABLE_RULE, 0, L.RULE_STRIDE), 0, 4 * L.RULE_STRIDE);
	memory.fill(row(L.TABLE_MATCH, 0, L.MATCH_STRIDE), 0, L.MATCH_STRIDE);
	memory.fill(row(L.TABLE_WALK, 0, L.WALK_STRIDE), 0, WALKS * L.WALK_STRIDE);
	for (let i = 0; i < L.HOOK_COUNT * L.XT_COUNT; i++) store<i32>(netns(0) + <usize>(i << 2), -1, L.NETNS_CHAINS);
	store<i32>(netns(0) + <usize>((L.HOOK_FORWARD * L.XT_COUNT + L.XT_FILTER) << 2), 0, L.NETNS_CHAINS);
	for (let chain = 0; chain < 2; chain++) {
		const at = row(L.TABLE_CHAIN, chain, L.CHAIN_STRIDE);
		store<u32>(at, chain * 2, L.CHAIN_RULE_FIRST);
		store<u32>(at, 1, L.CHAIN_RULE_COUNT);
		store<u32>(at, chain == 0 ? L.POLICY_ACCEPT : L.POLICY_RETURN, L.CHAIN_POLICY);
	}
	const codes = [L.TARGET_JUMP, L.TARGET_ACCEPT, target, L.TARGET_RETURN];
	for (let i = 0; i < 4; i++) {
		const at = row(L.TABLE_RULE, i, L.RULE_STRIDE);
		store<i32>(at, -1, L.RULE_IIF);
		store<i32>(at, -1, L.RULE_OIF);
		store<u8>(at, <u8>codes[i], L.RULE_TARGET);
		store<u32>(at, i == 3 ? L.RULEF_POLICY | L.RULEF_TAIL | L.RULEF_UNCOUNTED : 0, L.RULE_FLAGS);
		store<i32>(at, i >> 1, L.RULE_CHAIN);
	}
	store<u32>(row(L.TABLE_RULE, 0, L.RULE_STRIDE), 1, L.RULE_A);
	const rule = row(L.TABLE_RULE, 2, L.RULE_STRIDE);
	store<u32>(rule, 7, L.RULE_A);
	store<u32>(rule, 0xff, L.RULE_B);
	if (match != 0) {
		store<u8>(rule, 1, L.RULE_MATCH_COUNT);
		const m = row(L.TABLE_MATCH, 0, L.MATCH_STRIDE);
		store<u16>(m, <u16>match, L.MATCH_KIND);
		store<u32>(m, 64, L.MATCH_A);
		store<u32>(m, match == L.MATCH_UDP ? 0xffff0000 : 0, L.MATCH_B);
	}
	hintRules(0);
	hintRules(1);
	pathCache(true);
	indexSwitch(true);
	changed(0);
}

function go(p: Packet): i32 {
	return walk<Silent>(p, L.HOOK_FORWARD, L.XT_FILTER);
}

function segment(sport: i32 = 40000): Packet {
	const p = packet(0, L.PROTO_TCP, CLIENT, sport, SERVER, 80);
	p.len = 100;
	p.ttl = 64;
	p.ct = L.CT_NONE;
	return p;
}

/** Rows of TABLE_WALK in use. */
function known(end: i32): i32 {
	let count = 0;
	for (let i = 0; i < WALKS; i++) {
		const w = row(L.TABLE_WALK, i, L.WALK_STRIDE);
		if (load<u32>(w, L.WALK_EPOCH) != 0 && load<u8>(w, L.WALK_END) == <u8>end) count++;
	}
	return count;
}

/** Packets counted by paths of this many rules. */
function counted(rules: u32): u64 {
	settleAll();
	let sum: u64 = 0;
	for (let i = 1; i < 16; i++) {
		const path = row(L.TABLE_PATH, i, L.PATH_STRIDE);
		if ((load<u32>(path, L.PATH_COUNT) & 0xffff) == rules) sum += load<u64>(path, L.PATH_PACKETS);
	}
	return sum;
}

describe("a walk that is remembered", () => {
	it("accepts, marks and counts as the rules do, whatever the source port", () => {
		lay(0, L.TARGET_MARK);
		for (let i = 0; i < 3; i++) {
			const p = segment(40000 + i);
			expect(go(p)).toBe(L.NF_ACCEPT);
			expect(p.mark).toBe(7);
		}
		expect(known(L.WALK_ACCEPTED)).toBe(1);
		expect(counted(3)).toBe(3);
	});

	it("drops and rejects in the name of the rule", () => {
		for (let target = L.TARGET_DROP; target <= L.TARGET_REJECT; target += L.TARGET_REJECT - L.TARGET_DROP) {
			lay(0, target);
			for (let i = 0; i < 3; i++) {
				const p = segment();
				expect(go(p)).toBe(target == L.TARGET_DROP ? L.NF_DROP : L.NF_REJECT);
				expect(p.rule).toBe(2);
				expect(p.reason).toBe(<u8>L.REASON_RULE);
			}
			expect(known(target == L.TARGET_DROP ? L.WALK_DROPPED : L.WALK_ACTED)).toBe(1);
			expect(counted(2)).toBe(3);
		}
	});

	it("is another one by destination, devices, mark and connection state", () => {
		lay(0, L.TARGET_NONE);
		for (let i = 0; i < 5; i++) {
			const p = segment();
			if (i == 1) p.dst++;
			else if (i == 2) p.mark = 1;
			else if (i == 3) p.ct = L.CT_UNTRACKED;
			else if (i == 4) p.dport++;
			expect(go(p)).toBe(L.NF_ACCEPT);
			expect(p.mark).toBe(i == 2 ? 1 : 0);
		}
		expect(known(L.WALK_ACCEPTED)).toBe(5);
		expect(counted(3)).toBe(5);
	});

	it("is walked where it looks at more than that", () => {
		const more = [
			L.MATCH_TTL,
			L.MATCH_LENGTH,
			L.MATCH_PHYSDEV,
			L.MATCH_CONNMARK,
			L.MATCH_STATISTIC_RANDOM,
			L.MATCH_UDP,
		];
		for (let i = 0; i < more.length; i++) {
			lay(more[i], L.TARGET_NONE);
			go(segment());
			go(segment());
			expect(known(L.WALK_OPEN)).toBe(1);
			expect(counted(2) + counted(3)).toBe(2);
		}
		lay(L.MATCH_TTL, L.TARGET_NONE);
		const p = segment();
		go(p);
		p.ttl = 63;
		go(p);
		expect(counted(3)).toBe(1);
	});

	it("is forgotten when its netns changes, and not used where indexes or the path cache are off", () => {
		lay(0, L.TARGET_NONE);
		go(segment());
		store<u8>(row(L.TABLE_RULE, 2, L.RULE_STRIDE), <u8>L.TARGET_DROP, L.RULE_TARGET);
		expect(go(segment())).toBe(L.NF_ACCEPT);
		indexSwitch(false);
		expect(go(segment())).toBe(L.NF_DROP);
		indexSwitch(true);
		pathCache(false);
		expect(go(segment())).toBe(L.NF_DROP);
		pathCache(true);
		expect(go(segment())).toBe(L.NF_ACCEPT);
		changed(0);
		expect(go(segment())).toBe(L.NF_DROP);
	});
});
