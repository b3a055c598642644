// The rule walk (net/ipv4/netfilter/ip_tables.c, ipt_do_table): rules in order, matches in order, counters, jumps with a
// stack, gotos without. The literal list is the truth; where a chain has an index, rules that it says cannot match are
// not read, and nothing else is different.
// Linux bounds the jump stack by the number of chains; here 64 jumps and a million rules a packet, beyond that unknown.

import { base, row } from "../arena";
import { askedBeyond, asksBeyond, notAlike, watchBeyond, watchedAlike } from "../journey";
import { baseChain } from "../netns";
import { Packet } from "../packet";
import { event, tracing } from "../trace";
import { chainRow, policyOf, rulesOf } from "./chain";
import { candidate, indexAt } from "./chainindex";
import { matches, MATCHES_NO, MATCHES_YES, portsDiffer } from "./match";
import { pathCount, pathCounted, PATH_MAX, PATH_SEED, pathPush } from "./path";
import { patternHolds } from "./pattern";
import { act, XT_CONTINUE } from "./target";
import { countWalk, findWalk, keepWalk, remembersWalks } from "./walks";
import * as L from "../layout";

const JUMPS_MAX: i32 = 64;
const RULES_MAX: i32 = 1_000_000;

// Where to return to: the rule's address, the chain's index
const stack: usize = memory.data(512, 16);

/**
 * Asks the base chain of (p.netns, hook, table). NF_ACCEPT, NF_DROP, NF_REJECT (an answer is due: RULE_A of p.rule),
 * NF_UNKNOWN (a carried match or target was reached, or a limit). All but NF_ACCEPT set p.rule and p.reason.
 */
export function walk<T>(p: Packet, hook: i32, table: i32): i32 {
	const chain = baseChain(p.netns, hook, table, p.family);
	if (chain < 0) return L.NF_ACCEPT;
	if (!tracing<T>() && remembersWalks(chain)) return recall<T>(p, hook, table, chain);
	return walkRules<T>(p, hook, table, chain);
}

// Which rule ended the last walk, 0 for a limit, and whether it looked at more than what is remembered.
let ending: usize = 0;
let beyond: bool = false;

// The walk as it is remembered; else it is walked, and remembered.
function recall<T>(p: Packet, hook: i32, table: i32, chain: i32): i32 {
	const w = findWalk(p, chain);
	if (w == 0) return learn<T>(p, hook, table, chain);
	const how = load<u8>(w, L.WALK_END);
	if (how == <u8>L.WALK_OPEN) return walkRules<T>(p, hook, table, chain);
	countWalk(w, p);
	if (how == <u8>L.WALK_ACCEPTED) return L.NF_ACCEPT;
	const rule = load<i32>(w, L.WALK_RULE);
	const verdict = how == <u8>L.WALK_DROPPED ? L.NF_DROP : act<T>(p, w + L.WALK_ENDING, hook, table, rule);
	return end<T>(p, hook, table, row(L.TABLE_RULE, rule, L.RULE_STRIDE), verdict, L.REASON_RULE);
}

function learn<T>(p: Packet, hook: i32, table: i32, chain: i32): i32 {
	ending = 0;
	watchBeyond();
	const verdict = walkRules<T>(p, hook, table, chain);
	const alike = watchedAlike();
	const path = pathCounted();
	// A policy without a counter is none: every walk of a base chain counts its end.
	if (ending == 0 || beyond || path == 0) {
		keepWalk(<u8>L.WALK_OPEN, -1, 0, 0, alike);
		return verdict;
	}
	const target = load<u8>(ending, L.RULE_TARGET);
	let how = <u8>L.WALK_ACTED;
	if (target == L.TARGET_ACCEPT) how = <u8>L.WALK_ACCEPTED;
	else if (target == L.TARGET_DROP) how = <u8>L.WALK_DROPPED;
	keepWalk(how, indexOf(ending), path, p.mark, alike);
	return verdict;
}

function walkRules<T>(p: Packet, hook: i32, table: i32, chain: i32): i32 {
	const addresses = (<u64>p.src) | ((<u64>p.dst) << 32);
	const proto = <u32>p.proto;
	const sport: u32 = p.sport;
	const dport: u32 = p.dport;
	const underflow = policyOf(chain);
	let at = rulesOf(chain);
	let index = indexAt(load<u32>(chainRow(chain), L.CHAIN_INDEX));
	let depth = 0;
	let length: u32 = 0;
	let hash = PATH_SEED;
	for (let left = RULES_MAX; left > 0; left--) {
		const next = index != 0 ? seek(p, hook, index, at) : addressed(at, addresses);
		const passed = <i32>((next - at) / L.RULE_STRIDE);
		if (passed >= left) {
			at += <usize>left * L.RULE_STRIDE;
			break;
		}
		left -= passed;
		at = next;
		// The last row of a chain matches everything and ends or leaves it, so `at` stays in the table.
		const flags = load<u32>(at, L.RULE_FLAGS);
		const head = load<u32>(at, L.RULE_PROTO); // protocol, inversions, matches, target
		if (!addressesFit(at, addresses, head >>> 8) || !protocolFits(head, proto)) {
			at += L.RULE_STRIDE;
			continue;
		}
		if (!(flags & L.RULEF_NO_DEVICE) && !devicesFit(p, at, hook)) {
			at += L.RULE_STRIDE;
			continue;
		}
		if ((flags & L.RULEF_DPORTS) != 0) {
			const ports = load<u32>(at, L.RULE_DPORTS);
			notAlike();
			if (dport < (ports & 0xffff) || dport > ports >>> 16) {
				at += L.RULE_STRIDE;
				continue;
			}
		} else if ((head & 0xff0000) != 0) {
			if (portsDiffer(at, sport, dport)) {
				at += L.RULE_STRIDE;
				continue;
			}
			const answer = matches(p, at, hook);
			if (answer == MATCHES_NO) {
				at += L.RULE_STRIDE;
				continue;
			}
			if (answer != MATCHES_YES) {
				pathCount(p, length, hash);
				return end<T>(p, hook, table, at, L.NF_UNKNOWN, L.REASON_RULE);
			}
		}
		if (!(flags & L.RULEF_UNCOUNTED)) {
			if (length == PATH_MAX) {
				asksBeyond(); // of several paths none is remembered
				pathCount(p, length, hash);
				length = 0;
				hash = PATH_SEED;
			}
			hash = pathPush(length++, hash, indexOf(at));
		}
		if (tracing<T>()) event(p, wordOf(at), hook, table, -1, indexOf(at));
		switch (head >>> 24) {
			case L.TARGET_NONE:
				at += L.RULE_STRIDE;
				break;
			case L.TARGET_JUMP: {
				if (!(flags & L.RULEF_GOTO)) {
					if (depth == JUMPS_MAX) {
						pathCount(p, length, hash);
						return end<T>(p, hook, table, at, L.NF_UNKNOWN, L.REASON_RULE_BUDGET);
					}
					const frame = stack + <usize>(depth++ << 3);
					store<u32>(frame, <u32>at + L.RULE_STRIDE);
					store<u32>(frame, <u32>index, 4);
				}
				const to = chainRow(load<i32>(at, L.RULE_A));
				const led = (flags & L.RULEF_LED) != 0;
				index = indexAt(led ? load<u32>(at, L.RULE_C) : load<u32>(to, L.CHAIN_INDEX));
				at = row(L.TABLE_RULE, led ? load<i32>(at, L.RULE_B) : load<i32>(to, L.CHAIN_RULE_FIRST), L.RULE_STRIDE);
				break;
			}
			case L.TARGET_RETURN:
				if (depth == 0) {
					at = underflow;
					index = 0;
				} else {
					const frame = stack + <usize>(--depth << 3);
					at = <usize>load<u32>(frame);
					index = <usize>load<u32>(frame, 4);
				}
				break;
			case L.TARGET_ACCEPT:
				ending = at;
				beyond = askedBeyond();
				pathCount(p, length, hash);
				return L.NF_ACCEPT;
			case L.TARGET_DROP:
				ending = at;
				beyond = askedBeyond();
				pathCount(p, length, hash);
				return end<T>(p, hook, table, at, L.NF_DROP, L.REASON_RULE);
			default: {
				const before = askedBeyond();
				const verdict = act<T>(p, at, hook, table, indexOf(at));
				if (verdict != XT_CONTINUE) {
					if (verdict != L.NF_UNKNOWN) ending = at;
					beyond = before;
					pathCount(p, length, hash);
					return end<T>(p, hook, table, at, verdict, L.REASON_RULE);
				}
				at += L.RULE_STRIDE;
			}
		}
	}
	pathCount(p, length, hash);
	return end<T>(p, hook, table, at, L.NF_UNKNOWN, L.REASON_RULE_BUDGET);
}

// The first rule from `at` on that can match, by the index of its chain.
// @ts-ignore: decorator
@inline
function seek(p: Packet, hook: i32, index: usize, at: usize): usize {
	const first = row(L.TABLE_RULE, load<i32>(index, L.INDEX_RULE_FIRST), L.RULE_STRIDE);
	const number = candidate(index, p, hook, <u32>(at - first) / L.RULE_STRIDE);
	return first + <usize>(number * L.RULE_STRIDE);
}

// Says which rule ended the walk. A target that found its own reason (no free NAT tuple) keeps it.
function end<T>(p: Packet, hook: i32, table: i32, at: usize, verdict: i32, reason: i32): i32 {
	if (verdict == L.NF_ACCEPT) return verdict;
	p.rule = indexOf(at);
	if (p.reason == L.REASON_NONE) p.reason = <u8>reason;
	if (tracing<T>() && verdict == L.NF_UNKNOWN) event(p, L.EVENT_UNKNOWN, hook, table, -1, p.rule);
	return verdict;
}

// @ts-ignore: decorator
@inline
function indexOf(at: usize): i32 {
	return <i32>((<u32>at - <u32>base(L.TABLE_RULE)) / L.RULE_STRIDE);
}

// Bits of the addresses (source, then destination) that a rule asks for and that are others.
// @ts-ignore: decorator
@inline
function differing(at: usize, addresses: u64): u64 {
	return (addresses ^ load<u64>(at, L.RULE_SRC)) & load<u64>(at, L.RULE_SMASK);
}

// The first rule from `at` on whose addresses fit, or are asked for inverted: the last row of a chain asks for none.
// @ts-ignore: decorator
@inline
function addressed(at: usize, addresses: u64): usize {
	while (differing(at, addresses) != 0 && !(load<u8>(at, L.RULE_INVERT) & (L.INV_SRC | L.INV_DST))) at += L.RULE_STRIDE;
	return at;
}

// @ts-ignore: decorator
@inline
function addressesFit(at: usize, addresses: u64, not: u32): bool {
	const bits = differing(at, addresses);
	if (!(not & (L.INV_SRC | L.INV_DST))) return bits == 0;
	return (<u32>bits != 0) == ((not & L.INV_SRC) != 0) && (bits >> 32 != 0) == ((not & L.INV_DST) != 0);
}

// @ts-ignore: decorator
@inline
function protocolFits(head: u32, proto: u32): bool {
	const want = head & 0xff;
	return want == 0 || (want == proto) != (((head >>> 8) & L.INV_PROTO) != 0);
}

// `-i`, `-o` and `-f`. A hook before routing knows no device to leave by, one after it none to have come in by.
function devicesFit(p: Packet, at: usize, hook: i32): bool {
	const not = load<u8>(at, L.RULE_INVERT);
	const iif = load<i32>(at, L.RULE_IIF);
	const oif = load<i32>(at, L.RULE_OIF);
	if (iif >= 0 && patternHolds(iif, hook <= L.HOOK_FORWARD ? p.iif : -1) == ((not & L.INV_IIF) != 0)) return false;
	if (oif >= 0 && patternHolds(oif, hook >= L.HOOK_FORWARD ? p.oif : -1) == ((not & L.INV_OIF) != 0)) return false;
	return !(load<u32>(at, L.RULE_FLAGS) & L.RULEF_FRAGMENT) || (not & L.INV_FRAGMENT) != 0;
}

// The kernel's trace calls any unconditional verdict that ends its chain `policy` or `return`, written by hand or not.
function wordOf(at: usize): i32 {
	if (!(load<u32>(at, L.RULE_FLAGS) & L.RULEF_TAIL)) return L.EVENT_RULE_MATCH;
	const chain = row(L.TABLE_CHAIN, load<i32>(at, L.RULE_CHAIN), L.CHAIN_STRIDE);
	return load<u32>(chain, L.CHAIN_POLICY) == L.POLICY_RETURN ? L.EVENT_RETURN : L.EVENT_POLICY;
}
