// Properties over random input: addresses and rule texts read and print back to themselves.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
	addressFromBigInt,
	addressToBigInt,
	canonicalAddress,
	ipv4FromNumber,
	ipv4ToNumber,
	ipv6FromBigInt,
	ipv6ToBigInt,
	maskPrefix,
	parseIpv4,
	parseIpv6,
	parsePrefix,
	prefixContains,
	printPrefix,
} from "../../js/net/address.ts";
import { TextError } from "../../js/net/error.ts";
import { parseIptablesSave, printIptablesSave } from "../../js/net/iptables/index.ts";
import { quoteWord, splitRestoreLine } from "../../js/net/iptables/words.ts";
import { runs } from "../runs.ts";
import { measuredRules } from "./measured.ts";

describe("addresses", () => {
	test("IPv4 and IPv6 numbers", () => {
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 0xffffffff }), (number) => ipv4ToNumber(ipv4FromNumber(number)) === number),
		);
		fc.assert(
			fc.property(
				fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
				(number) => ipv6ToBigInt(ipv6FromBigInt(number)) === number,
			),
		);
	});

	test("what the URL parser of the host makes of it agrees", () => {
		fc.assert(
			fc.property(fc.ipV6(), (text) => {
				if (text.includes(".")) return;
				expect(canonicalAddress(text)?.replace(/^::ffff:(\d+\.\d+\.\d+\.\d+)$/, (_, v4) => `::ffff:${hex(v4)}`)).toBe(
					new URL(`http://[${text}]/`).hostname.slice(1, -1),
				);
			}),
		);
		function hex(text: string): string {
			const number = ipv4ToNumber(text);
			return `${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}`;
		}
	});

	test.each(["1.2.3", "1.2.3.04", "1.2.3.256", "1.2.3.4.5", " 1.2.3.4", "0x1.2.3.4", ""])(
		"%j is no IPv4 address",
		(text) => expect(parseIpv4(text)).toBeNull(),
	);
	test.each([
		":",
		":::",
		"1::2::3",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"12345::",
		"::1.2.3",
		"1.2.3.4::",
		"fe80::1%eth0",
		"1:2:3:4:5:6:7::8:9",
	])("%j is no IPv6 address", (text) => expect(parseIpv6(text)).toBeNull());
	test.each([
		["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
		["::FFFF:1.2.3.4", "::ffff:1.2.3.4"],
		["0:0:0:0:0:0:0:0", "::"],
		["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
		["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
		["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
	])("%s is %s", (text, canonical) => expect(canonicalAddress(text)).toBe(canonical));

	test("a masked prefix holds its addresses and prints back", () => {
		const prefix = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }));
		fc.assert(
			fc.property(prefix, fc.integer({ min: 0, max: 0xffffffff }), ([address, length], noise) => {
				const masked = maskPrefix({ family: "ipv4", address, length });
				expect(parsePrefix(printPrefix(masked))).toEqual(masked);
				const host = addressToBigInt(masked.address) | (BigInt(noise) & ((1n << BigInt(32 - length)) - 1n));
				expect(prefixContains(masked, addressFromBigInt(host, "ipv4"))).toBe(true);
			}),
		);
	});
});

describe("rule texts", () => {
	test("a quoted word reads back", () => {
		// The tool writes \' inside quotes, and reads it back as '.
		fc.assert(
			fc.property(
				fc.string({ minLength: 1 }).filter((text) => !/[\r\n]/.test(text)),
				(text) => {
					expect(splitRestoreLine(quoteWord(text), { file: "-", line: 1 }).map((word) => word.text)).toEqual([text]);
				},
			),
		);
	});

	test.each(["ipv4", "ipv6"] as const)("printing is a fixed point, %s", (family) => {
		const rules = measuredRules(family).filter(
			({ rule, saved, table, chain }) =>
				saved.legacy !== null && table === "filter" && chain === "INPUT" && !/['\\]|a b/.test(rule),
		);
		const source = fc.ipV4().map((address) => (family === "ipv4" ? `-s ${address}/24 ` : "! -s 2001:db8::/32 "));
		const line = fc
			.tuple(fc.constantFrom(...rules), fc.option(source, { nil: "" }))
			.map(([{ rule }, extra]) => `-A INPUT ${/(^| )(-s|--sou|--src)/.test(rule) ? "" : extra}${rule}`);
		fc.assert(
			fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
				const text = ["*filter", ":INPUT ACCEPT [1:2]", ...lines, "COMMIT", ""].join("\n");
				const first = printIptablesSave(parseIptablesSave(text, { family }), { counters: true });
				expect(printIptablesSave(parseIptablesSave(first, { family }), { counters: true })).toBe(first);
			}),
			runs(30),
		);
	});

	test("no text breaks the reader: it is read or refused with a place", () => {
		const words = fc.constantFrom(
			"*nat",
			"*filter",
			":A - [0:0]",
			"COMMIT",
			"-A A",
			"-A INPUT -p tcp",
			"-m tcp",
			"--dport 80",
			"! ",
			"-j",
			'"',
			"[1:2] ",
			"-s 1.2.3.4",
			"-j DNAT --to-destination",
			"\n",
			"\n",
			"\n",
			" ",
			"-X",
			"\\",
		);
		fc.assert(
			fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 40 }), (parts) => {
				const text = parts.join("");
				try {
					parseIptablesSave(text);
				} catch (error) {
					expect(error).toBeInstanceOf(TextError);
					expect((error as TextError).line).toBeLessThanOrEqual(text.split("\n").length);
					expect((error as TextError).column).toBeGreaterThan(0);
				}
			}),
			runs(500),
		);
	});
});
