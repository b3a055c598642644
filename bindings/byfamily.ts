// What there is once for each family of addresses.

import type { Family } from "../js/net/ruleset.ts";

export type ByFamily<T> = Readonly<Record<Family, T>>;

export function byFamily<T>(of: (family: Family) => T): ByFamily<T> {
	return { ipv4: of("ipv4"), ipv6: of("ipv6") };
}
