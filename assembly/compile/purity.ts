// Marks the chains whose walk depends on more than a connection's constants, or writes more than counters
// (`chainIsPure` says what those are): by their own matches and targets, and by any chain that they jump to.

import { row } from "../arena";
import { chainRow, policyOf, rulesOf } from "../netfilter/chain";
import * as L from "../layout";

/** Looks at chains that are new or were written again among the first `count`, then marks all of them. */
export function markPurity(count: i32): void {
	let changed = false;
	for (let chain = 0; chain < count; chain++) {
		const at = chainRow(chain);
		const flags = load<u32>(at, L.CHAIN_FLAGS);
		if (flags & L.CHAINF_COMPILED) continue;
		changed = true;
		store<u32>(at, L.CHAINF_COMPILED | ownFlags(chain), L.CHAIN_FLAGS);
	}
	if (!changed) return;
	for (let chain = 0; chain < count; chain++) setImpure(chain, has(chain, L.CHAINF_IMPURE_OWN));
	// As many rounds as jumps lie one behind another; chains do not loop.
	while (spread(count)) {}
}

// One round: whatever jumps to an impure chain is impure.
function spread(count: i32): bool {
	let more = false;
	for (let chain = 0; chain < count; chain++) {
		if (!has(chain, L.CHAINF_JUMPS) || has(chain, L.CHAINF_IMPURE) || !jumpsToImpure(chain)) continue;
		setImpure(chain, true);
		more = true;
	}
	return more;
}

function jumpsToImpure(chain: i32): bool {
	const end = policyOf(chain);
	for (let rule = rulesOf(chain); rule < end; rule += L.RULE_STRIDE) {
		if (load<u8>(rule, L.RULE_TARGET) == L.TARGET_JUMP && has(load<i32>(rule, L.RULE_A), L.CHAINF_IMPURE)) return true;
	}
	return false;
}

function has(chain: i32, flag: u32): bool {
	return (load<u32>(chainRow(chain), L.CHAIN_FLAGS) & flag) != 0;
}

function setImpure(chain: i32, impure: bool): void {
	const at = chainRow(chain);
	const others = load<u32>(at, L.CHAIN_FLAGS) & ~L.CHAINF_IMPURE;
	store<u32>(at, impure ? others | L.CHAINF_IMPURE : others, L.CHAIN_FLAGS);
}

function ownFlags(chain: i32): u32 {
	let flags = load<u32>(chainRow(chain), L.CHAIN_FLAGS) & L.CHAINF_FREE;
	if (flags) return flags;
	const end = policyOf(chain);
	for (let rule = rulesOf(chain); rule < end; rule += L.RULE_STRIDE) {
		if (load<u8>(rule, L.RULE_TARGET) == L.TARGET_JUMP) flags |= L.CHAINF_JUMPS;
		if (!isPure(rule)) flags |= L.CHAINF_IMPURE_OWN;
	}
	return flags;
}

function isPure(rule: usize): bool {
	let at = row(L.TABLE_MATCH, load<i32>(rule, L.RULE_MATCH_FIRST), L.MATCH_STRIDE);
	const end = at + <usize>(<u32>load<u8>(rule, L.RULE_MATCH_COUNT) * L.MATCH_STRIDE);
	for (; at < end; at += L.MATCH_STRIDE) if (!isPureMatch(at)) return false;
	return isPureTarget(load<u8>(rule, L.RULE_TARGET));
}

function isPureMatch(match: usize): bool {
	switch (<i32>load<u16>(match, L.MATCH_KIND)) {
		case L.MATCH_TCP:
			// Flags differ from segment to segment.
			return load<u32>(match, L.MATCH_C) == 0;
		case L.MATCH_UDP:
		case L.MATCH_ICMP:
		case L.MATCH_MULTIPORT:
		case L.MATCH_MARK:
		case L.MATCH_ADDRTYPE:
		case L.MATCH_IPRANGE:
		case L.MATCH_SET:
		case L.MATCH_PREFIX6:
			return true;
		case L.MATCH_CONNTRACK: {
			// Which bits of its status an entry has changes with its packets, and so does what is left of its time.
			const present = load<u32>(row(L.TABLE_WORD, load<i32>(match, L.MATCH_A), 4), L.CTM_PRESENT << 2);
			return (present & (L.CTM_HAS_STATUS | L.CTM_HAS_EXPIRE)) == 0;
		}
		default:
			return false;
	}
}

function isPureTarget(target: i32): bool {
	switch (target) {
		case L.TARGET_NONE:
		case L.TARGET_ACCEPT:
		case L.TARGET_DROP:
		case L.TARGET_RETURN:
		case L.TARGET_JUMP:
		case L.TARGET_REJECT:
		case L.TARGET_MARK:
			return true;
		default:
			return false;
	}
}
