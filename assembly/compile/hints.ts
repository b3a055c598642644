// What the walk need not look up in a rule: written into the rows of a chain once it is complete. Nothing but speed depends
// on it: a rule without hints is read in full.

import { row } from "../arena";
import { chainRow, policyOf, rulesOf } from "../netfilter/chain";
import * as L from "../layout";

const ALL_PORTS: u32 = 0xffff0000;

/** Hints for every rule of a chain, its policy among them; where its jumps lead: `jumps`. */
export function hintRules(chain: i32): void {
	const end = policyOf(chain);
	let jumps: u32 = 0;
	for (let rule = rulesOf(chain); rule <= end; rule += L.RULE_STRIDE) {
		let flags = load<u32>(rule, L.RULE_FLAGS) & ~(L.RULEF_NO_DEVICE | L.RULEF_DPORTS);
		if (asksForNoDevice(rule, flags)) flags |= L.RULEF_NO_DEVICE;
		const ports = portsMatch(rule);
		if (ports != 0) {
			store<u32>(rule, load<u32>(ports, L.MATCH_B), L.RULE_DPORTS);
			flags |= L.RULEF_DPORTS;
		}
		store<u32>(rule, flags, L.RULE_FLAGS);
		if (load<u8>(rule, L.RULE_TARGET) == L.TARGET_JUMP) jumps++;
	}
	store<u32>(chainRow(chain), jumps, L.CHAIN_LEAVES);
}

function asksForNoDevice(rule: usize, flags: u32): bool {
	return !(flags & L.RULEF_FRAGMENT) && load<i32>(rule, L.RULE_IIF) == -1 && load<i32>(rule, L.RULE_OIF) == -1;
}

// The only match of a rule, where that asks for destination ports and for nothing else; else 0.
function portsMatch(rule: usize): usize {
	if (load<u8>(rule, L.RULE_MATCH_COUNT) != 1) return 0;
	const match = row(L.TABLE_MATCH, load<i32>(rule, L.RULE_MATCH_FIRST), L.MATCH_STRIDE);
	if (load<u16>(match, L.MATCH_KIND) != <u16>L.MATCH_UDP || load<u16>(match, L.MATCH_INVERT) != 0) return 0;
	return load<u32>(match, L.MATCH_A) == ALL_PORTS ? match : 0;
}
