// IPv4 and IPv6 addresses and prefixes: strict reading (as Go's net/netip: no leading zeros, no shorthand) and
// canonical printing (RFC 5952). No zones (`%eth0`), no host names.

import type { Family } from "./ruleset.ts";

/** An address prefix in canonical form: host bits are zero. */
export interface AddressPrefix {
	family: Family;
	address: string;
	/** 0–32 or 0–128. */
	length: number;
}

const [DOT, ZERO, NINE] = [0x2e, 0x30, 0x39];

/** u32 of a dotted quad, or null where the text is not one. */
export function parseIpv4(text: string): number | null {
	let number = 0;
	let byte = 0;
	let digits = 0;
	let dots = 0;
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		if (code === DOT) {
			if (digits === 0 || ++dots > 3) return null;
			number = number * 256 + byte;
			byte = 0;
			digits = 0;
		} else if (code < ZERO || code > NINE || (digits > 0 && byte === 0)) {
			return null;
		} else {
			byte = byte * 10 + code - ZERO;
			digits++;
			if (byte > 255) return null;
		}
	}
	return dots === 3 && digits > 0 ? number * 256 + byte : null;
}

/** u32 of a dotted quad; RangeError where the text is not one. */
export function ipv4ToNumber(text: string): number {
	const number = parseIpv4(text);
	if (number === null) throw new RangeError(`expected an IPv4 address, got ${JSON.stringify(text)}`);
	return number;
}

/** Dotted quad of a u32. */
export function ipv4FromNumber(number: number): string {
	return `${(number >>> 24) & 255}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
}

/** The eight 16-bit groups of an IPv6 text, or null where the text is not one. */
export function parseIpv6(text: string): number[] | null {
	const halves = text.split("::");
	if (halves.length > 2) return null;
	const tailText = halves[halves.length - 1] ?? "";
	const head = parseGroups(halves.length === 2 ? (halves[0] ?? "") : "", false);
	const tail = parseGroups(tailText, true);
	if (head === null || tail === null) return null;
	if (halves.length === 1) return tail.length === 8 ? tail : null;
	const missing = 8 - head.length - tail.length;
	return missing < 1 ? null : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function parseGroups(text: string, mayEndInIpv4: boolean): number[] | null {
	if (text === "") return [];
	const groups: number[] = [];
	const parts = text.split(":");
	for (const [index, part] of parts.entries()) {
		if (mayEndInIpv4 && index === parts.length - 1 && part.includes(".")) {
			const number = parseIpv4(part);
			if (number === null) return null;
			groups.push(number >>> 16, number & 0xffff);
		} else {
			if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null;
			groups.push(Number.parseInt(part, 16));
		}
	}
	return groups.length > 8 ? null : groups;
}

/** RFC 5952 text of eight groups; IPv4-mapped addresses end in a dotted quad. */
export function ipv6FromGroups(groups: readonly number[]): string {
	if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
		return `::ffff:${embeddedIpv4(groups)}`;
	}
	return compressGroups(groups);
}

/** As the C library's inet_ntop, which iptables and iproute2 print with: `::a.b.c.d` too ends in a dotted quad. */
export function ipv6FromGroupsAsLibc(groups: readonly number[]): string {
	const zeros = groups.findIndex((group) => group !== 0);
	if (zeros === 6) return `::${embeddedIpv4(groups)}`;
	return ipv6FromGroups(groups);
}

function embeddedIpv4(groups: readonly number[]): string {
	return ipv4FromNumber((((groups[6] ?? 0) << 16) | (groups[7] ?? 0)) >>> 0);
}

function compressGroups(groups: readonly number[]): string {
	let start = -1;
	let length = 1;
	for (let i = 0; i < 8; i++) {
		let run = 0;
		while (i + run < 8 && groups[i + run] === 0) run++;
		if (run > length) {
			start = i;
			length = run;
		}
		i += run;
	}
	const hex = groups.map((group) => group.toString(16));
	if (start < 0) return hex.join(":");
	return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

/** 128-bit number of an IPv6 text; RangeError where the text is not one. */
export function ipv6ToBigInt(text: string): bigint {
	const groups = parseIpv6(text);
	if (groups === null) throw new RangeError(`expected an IPv6 address, got ${JSON.stringify(text)}`);
	return groups.reduce((number, group) => (number << 16n) | BigInt(group), 0n);
}

export function ipv6FromBigInt(number: bigint): string {
	return ipv6FromGroups(groupsFromBigInt(number));
}

export function groupsFromBigInt(number: bigint): number[] {
	return Array.from({ length: 8 }, (_, i) => Number((number >> BigInt(112 - 16 * i)) & 0xffffn));
}

/** The family of an address text, or null where it is no address. */
export function familyOf(text: string): Family | null {
	if (parseIpv4(text) !== null) return "ipv4";
	return parseIpv6(text) === null ? null : "ipv6";
}

/** 127.0.0.0/8 or ::1, of a canonical address. */
export function isLoopback(address: string): boolean {
	return address === "::1" || (familyOf(address) === "ipv4" && address.startsWith("127."));
}

/** The address in canonical text, or null where it is no address. */
export function canonicalAddress(text: string): string | null {
	if (parseIpv4(text) !== null) return text;
	const groups = parseIpv6(text);
	return groups === null ? null : ipv6FromGroups(groups);
}

export function addressBits(family: Family): 32 | 128 {
	return family === "ipv4" ? 32 : 128;
}

/** The address as a number, 32 or 128 bits; RangeError where the text is no address. */
export function addressToBigInt(text: string): bigint {
	const number = parseIpv4(text);
	return number === null ? ipv6ToBigInt(text) : BigInt(number);
}

export function addressFromBigInt(number: bigint, family: Family): string {
	return family === "ipv4" ? ipv4FromNumber(Number(number)) : ipv6FromBigInt(number);
}

/** `address/length` or a bare address (its full length). Host bits may be set: see `maskPrefix`. Null where it is neither. */
export function parsePrefix(text: string): AddressPrefix | null {
	const slash = text.indexOf("/");
	const addressText = slash < 0 ? text : text.slice(0, slash);
	const family = familyOf(addressText);
	const address = canonicalAddress(addressText);
	if (family === null || address === null) return null;
	const bits = addressBits(family);
	if (slash < 0) return { family, address, length: bits };
	const lengthText = text.slice(slash + 1);
	if (!/^(0|[1-9][0-9]{0,2})$/.test(lengthText) || Number(lengthText) > bits) return null;
	return { family, address, length: Number(lengthText) };
}

/** The same prefix with its host bits cleared. */
export function maskPrefix(prefix: AddressPrefix): AddressPrefix {
	const hostBits = BigInt(addressBits(prefix.family) - prefix.length);
	const number = (addressToBigInt(prefix.address) >> hostBits) << hostBits;
	return { ...prefix, address: addressFromBigInt(number, prefix.family) };
}

export function printPrefix(prefix: AddressPrefix): string {
	return `${prefix.address}/${prefix.length}`;
}

/** Whether the prefix holds the address; false across families. */
export function prefixContains(prefix: AddressPrefix, address: string): boolean {
	if (familyOf(address) !== prefix.family) return false;
	const hostBits = BigInt(addressBits(prefix.family) - prefix.length);
	return addressToBigInt(prefix.address) >> hostBits === addressToBigInt(address) >> hostBits;
}

/** Number of leading ones of a contiguous mask, or null where it has a hole. */
export function maskLength(mask: bigint, bits: 32 | 128): number | null {
	const inverse = ~mask & ((1n << BigInt(bits)) - 1n);
	if ((inverse & (inverse + 1n)) !== 0n) return null;
	return bits - (inverse === 0n ? 0 : inverse.toString(2).length);
}

/** The mask of `length` leading ones. */
export function maskOfLength(length: number, bits: 32 | 128): bigint {
	const host = BigInt(bits - length);
	return ((1n << BigInt(length)) - 1n) << host;
}
