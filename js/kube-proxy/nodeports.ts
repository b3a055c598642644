// Which of a node's addresses take NodePorts: all local ones, or those inside `nodePortAddresses`.
// A list without a prefix of the proxy's family means all addresses of that family.
// Upstream: pkg/proxy/util/nodeport_addresses.go.

import { type AddressPrefix, familyOf, isLoopback, prefixContains } from "../net/address.ts";
import type { Family } from "../net/ruleset.ts";
import { prefixesOf, readAddress } from "./addresses.ts";
import { compareText } from "./servicemap.ts";

export interface NodePortAddresses {
	/** Every local address takes NodePorts. */
	matchAll: boolean;
	/** Empty where all match. */
	prefixes: AddressPrefix[];
	/** A prefix holds 127.0.0.0 or lies inside 127.0.0.0/8: else NodePorts on localhost are off, whatever is configured. */
	containsIPv4Loopback: boolean;
}

function holdsLoopback(prefix: AddressPrefix): boolean {
	return prefix.family === "ipv4" && (isLoopback(prefix.address) || prefixContains(prefix, "127.0.0.0"));
}

export function nodePortAddresses(texts: readonly string[], family: Family): NodePortAddresses {
	const prefixes = prefixesOf(texts, family);
	const all = prefixes.length === 0 || prefixes.some((prefix) => prefix.length === 0);
	const containsIPv4Loopback = all ? family === "ipv4" : prefixes.some(holdsLoopback);
	return { matchAll: all, prefixes: all ? [] : prefixes, containsIPv4Loopback };
}

/**
 * The node's addresses that take NodePorts, where not all do.
 * Upstream lists them in Go's random map order; here by prefix, then by text.
 * @param addresses of all interfaces, loopback among them
 */
export function matchingAddresses(wanted: NodePortAddresses, addresses: readonly string[], family: Family): string[] {
	const own = addresses.map(readAddress).filter((address) => address !== null && familyOf(address) === family);
	const sorted = [...new Set(own)].filter((address) => address !== null).sort(compareText);
	const matches = wanted.prefixes.flatMap((prefix) => sorted.filter((address) => prefixContains(prefix, address)));
	return [...new Set(matches)];
}

/** The addresses that health-check node ports listen on: the wildcard, or those that take NodePorts. */
export function healthCheckAddresses(
	wanted: NodePortAddresses,
	addresses: readonly string[],
	family: Family,
): string[] {
	if (wanted.matchAll) return [family === "ipv4" ? "0.0.0.0" : "::"];
	return matchingAddresses(wanted, addresses, family);
}
