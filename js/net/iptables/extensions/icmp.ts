// Matches on ICMP types: icmp (IPv4) and icmp6. Types and codes are IANA's; the names are those that the tools list.

import { nearestWord } from "../../error.ts";
import type { Family } from "../../ruleset.ts";
import { type ExtensionTable, Refusal, type ValueType } from "../extension.ts";
import { ICMP, ICMPV6 } from "../protocols.ts";
import { readUint } from "../values.ts";

type TypeName = [name: string, type: number, codeMin: number, codeMax: number];

const any = (name: string, type: number): TypeName => [name, type, 0, 255];
const one = (name: string, type: number, code: number): TypeName => [name, type, code, code];

/** The kernel's "any type" of IPv4. */
const ANY_TYPE = 255;

const ICMP_NAMES: TypeName[] = [
	any("any", ANY_TYPE),
	any("echo-reply", 0),
	any("pong", 0),
	any("destination-unreachable", 3),
	one("network-unreachable", 3, 0),
	one("host-unreachable", 3, 1),
	one("protocol-unreachable", 3, 2),
	one("port-unreachable", 3, 3),
	one("fragmentation-needed", 3, 4),
	one("source-route-failed", 3, 5),
	one("network-unknown", 3, 6),
	one("host-unknown", 3, 7),
	one("network-prohibited", 3, 9),
	one("host-prohibited", 3, 10),
	one("TOS-network-unreachable", 3, 11),
	one("TOS-host-unreachable", 3, 12),
	one("communication-prohibited", 3, 13),
	one("host-precedence-violation", 3, 14),
	one("precedence-cutoff", 3, 15),
	any("source-quench", 4),
	any("redirect", 5),
	one("network-redirect", 5, 0),
	one("host-redirect", 5, 1),
	one("TOS-network-redirect", 5, 2),
	one("TOS-host-redirect", 5, 3),
	any("echo-request", 8),
	any("ping", 8),
	any("router-advertisement", 9),
	any("router-solicitation", 10),
	any("time-exceeded", 11),
	any("ttl-exceeded", 11),
	one("ttl-zero-during-transit", 11, 0),
	one("ttl-zero-during-reassembly", 11, 1),
	any("parameter-problem", 12),
	one("ip-header-bad", 12, 0),
	one("required-option-missing", 12, 1),
	any("timestamp-request", 13),
	any("timestamp-reply", 14),
	any("address-mask-request", 17),
	any("address-mask-reply", 18),
];

const ICMPV6_NAMES: TypeName[] = [
	any("destination-unreachable", 1),
	one("no-route", 1, 0),
	one("communication-prohibited", 1, 1),
	one("beyond-scope", 1, 2),
	one("address-unreachable", 1, 3),
	one("port-unreachable", 1, 4),
	one("failed-policy", 1, 5),
	one("reject-route", 1, 6),
	any("packet-too-big", 2),
	any("time-exceeded", 3),
	any("ttl-exceeded", 3),
	one("ttl-zero-during-transit", 3, 0),
	one("ttl-zero-during-reassembly", 3, 1),
	any("parameter-problem", 4),
	one("bad-header", 4, 0),
	one("unknown-header-type", 4, 1),
	one("unknown-option", 4, 2),
	any("echo-request", 128),
	any("ping", 128),
	any("echo-reply", 129),
	any("pong", 129),
	any("router-solicitation", 133),
	any("router-advertisement", 134),
	any("neighbour-solicitation", 135),
	any("neighbor-solicitation", 135),
	any("neighbour-advertisement", 136),
	any("neighbor-advertisement", 136),
	any("redirect", 137),
];

function icmpType(names: TypeName[]): ValueType {
	const expected = "an ICMP type's name, a type 0–255 or type/code";
	return {
		wordCount: 1,
		expected,
		parse: ([word = ""]) => {
			const lower = word.toLowerCase();
			const exact = names.find(([name]) => name.toLowerCase() === lower);
			const begun = names.filter(([name]) => lower !== "" && name.toLowerCase().startsWith(lower));
			const named = exact ?? (begun.length === 1 ? begun[0] : undefined);
			if (named !== undefined) return { kind: "icmptype", type: named[1], codeMin: named[2], codeMax: named[3] };
			if (begun.length > 1) throw new Refusal(`one of ${begun.map(([name]) => name).join(" ")}`);
			return readNumericType(word, expected, names);
		},
		print: (value, context) => {
			if (value.kind !== "icmptype") return "";
			const { type, codeMin, codeMax } = value;
			if (type === ANY_TYPE && names === ICMP_NAMES && context.version === "1.8.9") return "any";
			if (codeMin === 0 && codeMax === 255) return type === ANY_TYPE && names === ICMP_NAMES ? "any" : String(type);
			return codeMin === codeMax ? `${type}/${codeMin}` : `${type}/${codeMin}-${codeMax}`;
		},
	};
}

function readNumericType(
	word: string,
	expected: string,
	names: TypeName[],
): { kind: "icmptype"; type: number; codeMin: number; codeMax: number } {
	const [typeText = "", codeText, ...more] = word.split("/");
	if (!/^[0-9]/.test(typeText) || more.length > 0) {
		throw new Refusal(
			expected,
			nearestWord(
				word,
				names.map(([name]) => name),
			),
		);
	}
	const type = readUint(typeText, 0, 255, expected);
	if (codeText === undefined) return { kind: "icmptype", type, codeMin: 0, codeMax: 255 };
	const code = readUint(codeText, 0, 255, expected);
	return { kind: "icmptype", type, codeMin: code, codeMax: code };
}

function namesOf(family: Family): TypeName[] {
	return family === "ipv4" ? ICMP_NAMES : ICMPV6_NAMES;
}

/** Type and codes of a name, `type` or `type/code`; null where the text is none of them. */
export function readIcmpType(text: string, family: Family): { type: number; codeMin: number; codeMax: number } | null {
	const named = namesOf(family).find(([name]) => name.toLowerCase() === text.toLowerCase());
	if (named !== undefined) return { type: named[1], codeMin: named[2], codeMax: named[3] };
	const [, type, code] = /^([0-9]{1,3})(?:\/([0-9]{1,3}))?$/.exec(text) ?? [];
	if (type === undefined || Number(type) > 255 || Number(code ?? 0) > 255) return null;
	return { type: Number(type), codeMin: Number(code ?? 0), codeMax: code === undefined ? 255 : Number(code) };
}

/** The name of a type with this code: one for the very code, else for code 0 the type's; null where there is none. */
export function icmpTypeName(type: number, code: number, family: Family): string | null {
	const names = namesOf(family).filter(([, known]) => known === type);
	const exact = names.find(([, , min, max]) => min === code && max === code);
	const whole = code === 0 ? names.find(([, , min, max]) => min === 0 && max === 255) : undefined;
	return (exact ?? whole)?.[0] ?? null;
}

const icmp: ExtensionTable = {
	name: "icmp",
	kind: "match",
	families: ["ipv4"],
	protocols: [ICMP],
	options: [{ name: "icmp-type", type: icmpType(ICMP_NAMES), negatable: true, mandatory: true }],
};

const icmp6: ExtensionTable = {
	name: "icmp6",
	aliases: ["icmpv6"],
	kind: "match",
	families: ["ipv6"],
	protocols: [ICMPV6],
	options: [{ name: "icmpv6-type", type: icmpType(ICMPV6_NAMES), negatable: true, mandatory: true }],
};

export const icmpMatches: ExtensionTable[] = [icmp, icmp6];
