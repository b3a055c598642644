// A chain: consecutive rows of TABLE_RULE, the last its policy or a user chain's implicit return. A view on a row of
// TABLE_CHAIN; the host writes the rows, `compile/` the chain's index and what leads to it.

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
