// The rule walk (net/ipv4/netfilter/ip_tables.c, ipt_do_table): rules in order, matches in order, counters, jumps with a
// stack, gotos without. The literal list is the truth; where a chain has an index, rules that it says cannot match are
// not read, and nothing else is different.
// Linux bounds the jump stack by the number of chains; here 64 jumps and a million rules a packet, beyond that unknown.

import { base, row } from "../arena";
import { baseChain } from "../netns";
import { Packet } from "../packet";
import { event, tracing } from "../trace";
import { chainRow, policyOf, rulesOf } from "./chain";
import { candidate, indexAt } from "./chainindex";
import { matches, MATCHES_NO, MATCHES_YES, portsDiffer } from "./match";
import { pathCount, pathPush, pathStart } from "./path";
import { patternHolds } from "./pattern";
import { act, XT_CONTINUE } from "./target";
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
	const src = p.src;
	const dst = p.dst;
	const proto = p.proto;
	const sport: u32 = p.sport;
	const dport: u32 = p.dport;
	const underflow = policyOf(chain);
	let at = rulesOf(chain);
	let index = indexAt(load<u32>(chainRow(chain), L.CHAIN_INDEX));
	let depth = 0;
	pathStart();
	for (let left = RULES_MAX; left > 0; left--) {
		if (index != 0) {
			const next = seek(p, hook, index, at);
			left -= <i32>((next - at) / L.RULE_STRIDE);
			if (left <= 0) break;
			at = next;
		}
		// The last row of a chain matches everything and ends or leaves it, so `at` stays in the table.
		const want = load<u8>(at, L.RULE_PROTO);
		const not = load<u8>(at, L.RULE_INVERT);
		if (
			((dst & load<u32>(at, L.RULE_DMASK)) != load<u32>(at, L.RULE_DST)) != ((not & L.INV_DST) != 0) ||
			(want != 0 && (want != proto) != ((not & L.INV_PROTO) != 0)) ||
			((src & load<u32>(at, L.RULE_SMASK)) != load<u32>(at, L.RULE_SRC)) != ((not & L.INV_SRC) != 0) ||
			!devicesFit(p, at, not, hook)
		) {
			at += L.RULE_STRIDE;
			continue;
		}
		if (load<u8>(at, L.RULE_MATCH_COUNT) != 0) {
			if (portsDiffer(at, sport, dport)) {
				at += L.RULE_STRIDE;
				continue;
			}
			const answer = matches(p, at, hook);
			if (answer == MATCHES_NO) {
				at += L.RULE_STRIDE;
				continue;
			}
			if (answer != MATCHES_YES) return end<T>(p, hook, table, at, L.NF_UNKNOWN, L.REASON_RULE);
		}
		if (!(load<u32>(at, L.RULE_FLAGS) & L.RULEF_UNCOUNTED)) pathPush(p, indexOf(at));
		if (tracing<T>()) event(p, wordOf(at), hook, table, -1, indexOf(at));
		switch (<i32>load<u8>(at, L.RULE_TARGET)) {
			case L.TARGET_NONE:
				at += L.RULE_STRIDE;
				break;
			case L.TARGET_JUMP: {
				if (!(load<u32>(at, L.RULE_FLAGS) & L.RULEF_GOTO)) {
					if (depth == JUMPS_MAX) return end<T>(p, hook, table, at, L.NF_UNKNOWN, L.REASON_RULE_BUDGET);
					const frame = stack + <usize>(depth++ << 3);
					store<u32>(frame, <u32>at + L.RULE_STRIDE);
					store<u32>(frame, <u32>index, 4);
				}
				const to = chainRow(load<i32>(at, L.RULE_A));
				const led = (load<u32>(at, L.RULE_FLAGS) & L.RULEF_LED) != 0;
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
				pathCount(p);
				return L.NF_ACCEPT;
			case L.TARGET_DROP:
				return end<T>(p, hook, table, at, L.NF_DROP, L.REASON_RULE);
			default: {
				const verdict = act<T>(p, at, hook, table, indexOf(at));
				if (verdict != XT_CONTINUE) return end<T>(p, hook, table, at, verdict, L.REASON_RULE);
				at += L.RULE_STRIDE;
			}
		}
	}
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

// Counts the walk and says which rule ended it. A target that found its own reason (no free NAT tuple) keeps it.
function end<T>(p: Packet, hook: i32, table: i32, at: usize, verdict: i32, reason: i32): i32 {
	pathCount(p);
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

// `-i`, `-o` and `-f`. A hook before routing knows no device to leave by, one after it none to have come in by.
// @ts-ignore: decorator
@inline
function devicesFit(p: Packet, at: usize, not: u8, hook: i32): bool {
	const iif = load<i32>(at, L.RULE_IIF);
	const oif = load<i32>(at, L.RULE_OIF);
	if ((iif & oif) == -1 && !(load<u32>(at, L.RULE_FLAGS) & L.RULEF_FRAGMENT)) return true;
	return devicesFitSlow(p, at, not, hook, iif, oif);
}

function devicesFitSlow(p: Packet, at: usize, not: u8, hook: i32, iif: i32, oif: i32): bool {
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
