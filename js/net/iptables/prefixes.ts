// Addresses and masks as iptables reads and prints them: shorthand (`10/8`), masks as length or as address, host
// bits cleared, non-contiguous masks kept. IPv6 text is inet_ntop's.

import {
	addressBits,
	addressFromBigInt,
	groupsFromBigInt,
	ipv6FromGroupsAsLibc,
	ipv6ToBigInt,
	maskLength,
	maskOfLength,
	parseIpv4,
	parseIpv6,
} from "../address.ts";
import type { Family, Prefix } from "../ruleset.ts";
import { Refusal, type ValueType } from "./extension.ts";

/** The address as a number; null where it is none. IPv4: one to four decimal parts, missing ones are zero. */
export function readAddress(text: string, family: Family): bigint | null {
	if (family === "ipv6") return parseIpv6(text) === null ? null : ipv6ToBigInt(text);
	const parts = text.split(".");
	if (parts.length > 4) return null;
	let number = 0n;
	for (let i = 0; i < 4; i++) {
		const part = parts[i] ?? "0";
		if (!/^[0-9]{1,3}$/.test(part) || Number(part) > 255) return null;
		number = (number << 8n) | BigInt(part);
	}
	return number;
}

export function printAddress(number: bigint, family: Family): string {
	return family === "ipv4" ? addressFromBigInt(number, family) : ipv6FromGroupsAsLibc(groupsFromBigInt(number));
}

/** A mask as a length or as an address; throws Refusal. */
export function readMask(text: string, family: Family): bigint {
	const bits = addressBits(family);
	if (/^[0-9]+$/.test(text)) {
		if (Number(text) > bits) throw new Refusal(`a mask length 0–${bits}`);
		return maskOfLength(Number(text), bits);
	}
	const mask = text === "" ? null : readAddress(text, family);
	if (mask === null) throw new Refusal(`a mask: a length 0–${bits} or an address`);
	return mask;
}

export function expectedAddress(family: Family): string {
	return family === "ipv4" ? "an IPv4 address" : "an IPv6 address";
}

/** `address[/mask]` with the host bits cleared; throws Refusal. */
export function readPrefix(text: string, family: Family): Prefix {
	if (family === "ipv4" && parseIpv4(text) !== null) return { address: text, mask: 32 };
	const slash = text.indexOf("/");
	const address = readAddress(slash < 0 ? text : text.slice(0, slash), family);
	if (address === null) throw new Refusal(`${expectedAddress(family)}[/mask]`);
	const bits = addressBits(family);
	const mask = slash < 0 ? maskOfLength(bits, bits) : readMask(text.slice(slash + 1), family);
	return { address: printAddress(address & mask, family), mask: maskLength(mask, bits) ?? printAddress(mask, family) };
}

export function printPrefixText(prefix: Prefix): string {
	return `${prefix.address}/${prefix.mask}`;
}

/** An address of the rule's family, printed canonically. */
export const address: ValueType = {
	wordCount: 1,
	expected: "an address",
	parse: ([word = ""], context) => {
		const number = readAddress(word, context.family);
		if (number === null) throw new Refusal(expectedAddress(context.family));
		return { kind: "string", value: printAddress(number, context.family) };
	},
	print: (value) => (value.kind === "string" ? value.value : ""),
};

/** As readPrefix, the host bits kept. */
function readHostMask(text: string, family: Family): Prefix {
	const { mask } = readPrefix(text, family);
	const slash = text.indexOf("/");
	const number = readAddress(slash < 0 ? text : text.slice(0, slash), family) as bigint;
	return { address: printAddress(number, family), mask };
}

/**
 * `address[/mask]`. `bareHost`: a full mask is not printed, nor one with holes (the tools lose it).
 * `keepHost`: host bits are not cleared.
 */
export function prefix(options: { bareHost?: boolean; keepHost?: boolean } = {}): ValueType {
	const read = options.keepHost ? readHostMask : readPrefix;
	return {
		wordCount: 1,
		expected: "an address[/mask]",
		parse: ([word = ""], context) => ({ kind: "prefix", prefix: read(word, context.family) }),
		print: (value) => {
			if (value.kind !== "prefix") return "";
			const full = value.prefix.mask === (value.prefix.address.includes(":") ? 128 : 32);
			return options.bareHost && (full || typeof value.prefix.mask === "string")
				? value.prefix.address
				: printPrefixText(value.prefix);
		},
	};
}
