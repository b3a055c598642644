// IP addresses and prefixes as kube-proxy reads them out of API objects. Reading is lenient as upstream's: leading
// zeros are decimal (`172.30.0.041` is `.41`, `/025` is `/25`), because objects written before validation was strict
// may hold them, and an IPv4-mapped IPv6 address is IPv4. What comes out is canonical.
// Upstream: k8s.io/utils/net ParseIPSloppy, ParseCIDRSloppy.

import { type AddressPrefix, canonicalAddress, familyOf, maskPrefix, parsePrefix } from "../net/address.ts";
import type { Family } from "../net/ruleset.ts";

const IPV4_MAPPED = "::ffff:";

/** An address in an API object that cannot be read; `where` names the object and field. */
export class AddressError extends Error {
	readonly text: string;
	readonly where: string;

	constructor(text: string, where: string) {
		super(`${where}: expected an IP address, got ${JSON.stringify(text)}`);
		this.name = "AddressError";
		this.text = text;
		this.where = where;
	}
}

function dropLeadingZeros(text: string): string {
	return text.replace(/(^|[.:])0+(?=\d+\.)|(\.)0+(?=\d)/g, "$1$2");
}

/** The canonical text of an address, null where it is none. */
export function readAddress(text: string): string | null {
	const address = canonicalAddress(dropLeadingZeros(text));
	return address?.startsWith(IPV4_MAPPED) && address.includes(".") ? address.slice(IPV4_MAPPED.length) : address;
}

/** @throws AddressError naming `where` */
export function requireAddress(text: string, where: string): string {
	const address = readAddress(text);
	if (address === null) throw new AddressError(text, where);
	return address;
}

/** A prefix with its host bits cleared, null where the text is none. */
export function readPrefix(text: string): AddressPrefix | null {
	const [address = "", length, ...more] = text.split("/");
	if (length === undefined || more.length > 0) return null;
	const prefix = parsePrefix(`${dropLeadingZeros(address)}/${length.replace(/^0+(?=\d)/, "")}`);
	return prefix === null ? null : maskPrefix(prefix);
}

/** Those of the texts that are addresses of the family; others are left out, as upstream leaves them out. */
export function addressesOf(texts: readonly string[], family: Family): string[] {
	const addresses = texts.map(readAddress);
	return addresses.filter((address): address is string => address !== null && familyOf(address) === family);
}

/** Those of the texts that are prefixes of the family, spaces around them allowed. */
export function prefixesOf(texts: readonly string[], family: Family): AddressPrefix[] {
	const prefixes = texts.map((text) => readPrefix(text.trim()));
	return prefixes.filter((prefix): prefix is AddressPrefix => prefix?.family === family);
}

/** `address:port`, an IPv6 address in brackets. */
export function joinHostPort(address: string, port: number): string {
	return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
