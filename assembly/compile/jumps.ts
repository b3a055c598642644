// Jumps know where their chain begins (RULEF_LED), so that a walk need not look it up; for a chain that moves, all jumps to it
// form a list. Rule rows are copied, led elsewhere and given up here.

import { base, row } from "../arena";
import { chainRow, policyOf, rulesOf } from "../netfilter/chain";
import * as L from "../layout";

/** Leads the jumps of a chain whose rules are new. */
export function linkJumps(chain: i32): void {
	const end = policyOf(chain);
	for (let rule = rulesOf(chain); rule < end; rule += L.RULE_STRIDE) if (isJump(rule)) link(rule);
}

/** Leads the jumps to a chain to where it is now. */
export function leadTo(chain: i32): void {
	const to = chainRow(chain);
	for (let jump = load<u32>(to, L.CHAIN_JUMPS); jump != 0; jump = load<u32>(ruleRow(jump - 1), L.RULE_D)) {
		lead(ruleRow(jump - 1), to);
	}
}

/** Jumps among `count` rules from `first` on are no more. */
export function unlinkJumps(first: u32, count: u32): void {
	const end = ruleRow(first + count);
	for (let rule = ruleRow(first); rule < end; rule += L.RULE_STRIDE) if (isJump(rule)) unlink(rule);
}

/** A linked jump leads to another chain. */
export function redirectJump(rule: u32, chain: i32): void {
	const jump = ruleRow(rule);
	unlink(jump);
	store<i32>(jump, chain, L.RULE_A);
	link(jump);
}

/**
 * Copies `count` rules from `from` to `to` in another chain, jumps not linked, and to where CHAIN_MOVED says; their matches are
 * `matches` rows further.
 */
export function copyRules(from: u32, to: u32, count: u32, chain: i32, matches: i32): void {
	memory.copy(ruleRow(to), ruleRow(from), <usize>(count * L.RULE_STRIDE));
	const end = ruleRow(to + count);
	for (let rule = ruleRow(to); rule < end; rule += L.RULE_STRIDE) {
		store<i32>(rule, chain, L.RULE_CHAIN);
		if (load<u8>(rule, L.RULE_MATCH_COUNT) != 0) {
			store<i32>(rule, load<i32>(rule, L.RULE_MATCH_FIRST) + matches, L.RULE_MATCH_FIRST);
		}
		if (!isJump(rule)) continue;
		const moved = load<i32>(chainRow(load<i32>(rule, L.RULE_A)), L.CHAIN_MOVED);
		if (moved != 0) store<i32>(rule, moved - 1, L.RULE_A);
	}
}

function link(rule: usize): void {
	const to = chainRow(load<i32>(rule, L.RULE_A));
	const next = load<u32>(to, L.CHAIN_JUMPS);
	const own = <u32>(rule - base(L.TABLE_RULE)) / L.RULE_STRIDE + 1;
	store<u32>(rule, next, L.RULE_D);
	store<u32>(rule, 0, L.RULE_E);
	if (next != 0) store<u32>(ruleRow(next - 1), own, L.RULE_E);
	store<u32>(to, own, L.CHAIN_JUMPS);
	lead(rule, to);
}

function unlink(rule: usize): void {
	const next = load<u32>(rule, L.RULE_D);
	const before = load<u32>(rule, L.RULE_E);
	if (next != 0) store<u32>(ruleRow(next - 1), before, L.RULE_E);
	if (before != 0) store<u32>(ruleRow(before - 1), next, L.RULE_D);
	else store<u32>(chainRow(load<i32>(rule, L.RULE_A)), next, L.CHAIN_JUMPS);
}

function lead(rule: usize, to: usize): void {
	store<u32>(rule, load<u32>(to, L.CHAIN_RULE_FIRST), L.RULE_B);
	store<u32>(rule, load<u32>(to, L.CHAIN_INDEX), L.RULE_C);
	store<u32>(rule, load<u32>(rule, L.RULE_FLAGS) | L.RULEF_LED, L.RULE_FLAGS);
}

// @ts-ignore: decorator
@inline
function isJump(rule: usize): bool {
	return load<u8>(rule, L.RULE_TARGET) == L.TARGET_JUMP;
}

// @ts-ignore: decorator
@inline
function ruleRow(rule: u32): usize {
	return row(L.TABLE_RULE, <i32>rule, L.RULE_STRIDE);
}
