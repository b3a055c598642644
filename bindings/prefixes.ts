// `-s` and `-d` of a rule. IPv4: a network and a mask in the rule's row. IPv6: an address's number with a full mask where the
// prefix is one address, so that such rules are found as fast as any; else a match of 128 bits in front of the others.

import * as L from "../assembly/layout.ts";
import type { Family, Rule } from "../js/net/ruleset.ts";
import type { Interned } from "./interned.ts";
import { type MatchRow, plain } from "./matchrow.ts";
import { network, network6 } from "./option.ts";
import type { Rows } from "./views.ts";

type Side = Rule["source"];

/** Does the side need a match of its own? A prefix of length 0 is any address. */
export function isPrefix6(side: Side, family: Family): boolean {
	return family === "ipv6" && side !== null && side.value.mask !== 128 && side.value.mask !== 0;
}

/** The matches for IPv6 prefixes of a rule. */
export function prefixRows(interned: Interned, { source, destination }: Rule, family: Family): MatchRow[] {
	return [source, destination].flatMap((side, index) => {
		if (side === null || !isPrefix6(side, family)) return [];
		return [plain(L.MATCH_PREFIX6, Number(side.not), interned.words(network6(side.value)), index + 1)];
	});
}

/** Writes the two words of a side: address, mask. */
export function writeNetwork(rows: Rows, at: number, side: Side, family: Family): void {
	const { address, mask } = headerOf(rows, side, family);
	rows.setU32(at, address);
	rows.setU32(at + (L.RULE_SMASK - L.RULE_SRC), mask);
}

function headerOf(rows: Rows, side: Side, family: Family): { address: number; mask: number } {
	if (side === null) return { address: 0, mask: 0 };
	if (family === "ipv4") return network(side.value);
	if (side.value.mask !== 128) return { address: 0, mask: 0 };
	return { address: rows.addresses.number(side.value.address), mask: 0xffffffff };
}
