// A chain: consecutive rows of TABLE_RULE, the last its policy or a user chain's implicit return. A view on a row of
// TABLE_CHAIN; the host writes the rows, `compile/purity` and `compile/chains` what can be said of them beforehand.

import { row } from "../arena";
import * as L from "../layout";

// @ts-ignore: decorator
@inline
export function chainRow(chain: i32): usize {
	return row(L.TABLE_CHAIN, chain, L.CHAIN_STRIDE);
}

/** Address of its first rule. */
// @ts-ignore: decorator
@inline
export function rulesOf(chain: i32): usize {
	return row(L.TABLE_RULE, load<i32>(chainRow(chain), L.CHAIN_RULE_FIRST), L.RULE_STRIDE);
}

/** Address of the row behind its rules. */
export function policyOf(chain: i32): usize {
	const at = chainRow(chain);
	return row(L.TABLE_RULE, load<i32>(at, L.CHAIN_RULE_FIRST) + load<i32>(at, L.CHAIN_RULE_COUNT), L.RULE_STRIDE);
}

/**
 * Is a walk of this chain, and of all that it can jump to, a function of the packet's addresses, ports (ICMP: id, type,
 * code), protocol, devices, mark and ctinfo, of its entry's tuples and translations, and of what the host configured
 * (rules, sets, routes, addresses)? Then the same rules match, the mark comes out the same and so does the verdict,
 * and nothing but counters is written. False where the chain has not been compiled.
 */
export function chainIsPure(chain: i32): bool {
	const known = L.CHAINF_COMPILED | L.CHAINF_IMPURE;
	return (load<i32>(chainRow(chain), L.CHAIN_FLAGS) & known) == L.CHAINF_COMPILED;
}
