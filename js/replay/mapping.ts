// Addresses of a recording that belong to someone else in the network it is replayed over (`--map CIDR=REF`): rewritten in
// the columns before anything looks at them. Where a reference means several pods, an address always goes to the same one.

import type { PacketColumns } from "../flows/columns.ts";
import { ipv4ToNumber, parsePrefix } from "../net/address.ts";

export interface Mapping {
	base: number;
	length: number;
	/** IPv4 addresses, at least one. */
	targets: readonly number[];
}

/** Throws a RangeError where the prefix is none of IPv4, or there is no target. */
export function mappingOf(prefix: string, targets: readonly string[]): Mapping {
	const parsed = parsePrefix(prefix.includes("/") ? prefix : `${prefix}/32`);
	if (parsed === null || parsed.family !== "ipv4") throw new RangeError(`${prefix}: expected an IPv4 prefix`);
	if (targets.length === 0) throw new RangeError(`${prefix}: nothing here has an address for it`);
	return {
		base: network(ipv4ToNumber(parsed.address), parsed.length),
		length: parsed.length,
		targets: targets.map(ipv4ToNumber),
	};
}

/** Rewrites sources and destinations; the longest prefix counts. */
export function mapAddresses(columns: PacketColumns, mappings: readonly Mapping[]): void {
	if (mappings.length === 0) return;
	const longest = [...mappings].sort((a, b) => b.length - a.length);
	for (let row = 0; row < columns.count; row++) {
		if (columns.family[row] !== 4) continue;
		columns.src[row] = mapped(columns.src[row] as number, longest);
		columns.dst[row] = mapped(columns.dst[row] as number, longest);
	}
}

function mapped(address: number, mappings: readonly Mapping[]): number {
	for (const { base, length, targets } of mappings) {
		if (network(address, length) === base) return targets[(address - base) % targets.length] ?? address;
	}
	return address;
}

function network(address: number, length: number): number {
	return length === 0 ? 0 : (address & (0xffffffff << (32 - length))) >>> 0;
}
