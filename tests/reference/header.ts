// Addresses and device names of rules, as the slow evaluator compares them.

import type { Negatable, Prefix } from "../../js/net/ruleset.ts";

export function number(ip: string): number {
	return ip.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

export function prefixHolds({ address, mask }: Prefix, ip: string): boolean {
	const bits = typeof mask === "string" ? number(mask) : mask === 0 ? 0 : -1 << (32 - mask);
	return ((number(address) ^ number(ip)) & bits) === 0;
}

export function prefixFits(condition: Negatable<Prefix> | null, ip: string): boolean {
	return condition === null || prefixHolds(condition.value, ip) !== condition.not;
}

export function nameFits(pattern: string, device: string): boolean {
	return pattern.endsWith("+") ? device.startsWith(pattern.slice(0, -1)) : device === pattern;
}

export function deviceFits(condition: Negatable<string> | null, device: string | null): boolean {
	if (condition === null) return true;
	const fits = device === null ? condition.value === "+" : nameFits(condition.value, device);
	return fits !== condition.not;
}
