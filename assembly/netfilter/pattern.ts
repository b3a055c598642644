// Interface names in rules: exact, or a prefix (`veth+`) that the host has resolved to a bit set over interned names
// (ifname_compare in include/linux/netfilter/x_tables.h). No device at all fits only `+`.

import { row } from "../arena";
import { deviceName } from "../device";
import * as L from "../layout";

/** Does the device's name fit? `device`: -1 none. */
export function patternHolds(pattern: i32, device: i32): bool {
	const at = row(L.TABLE_PATTERN, pattern, L.PATTERN_STRIDE);
	const exact = load<i32>(at, L.PATTERN_NAME);
	if (device < 0) return exact == -2;
	const name = deviceName(device);
	if (exact >= 0) return exact == name;
	if (exact == -2) return true;
	const word = (<u32>name) >>> 5;
	if (word >= load<u32>(at, L.PATTERN_BIT_WORDS)) return false;
	const bits = load<u32>(row(L.TABLE_WORD, load<u32>(at, L.PATTERN_BITS) + word, 4));
	return ((bits >>> (name & 31)) & 1) != 0;
}

/** The interned name that a pattern asks for; -1: it asks for none in particular. */
export function exactName(pattern: i32): i32 {
	return max(-1, load<i32>(row(L.TABLE_PATTERN, pattern, L.PATTERN_STRIDE), L.PATTERN_NAME));
}
