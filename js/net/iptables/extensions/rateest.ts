// Rate estimators: the target RATEEST that measures and the match rateest that compares. Rates of bytes are kept in
// bytes a second and printed in bits; a comparison of two estimators has no rates.

import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, type OptionTable, optionOf, Refusal, type ValueType } from "../extension.ts";
import { flag, readUint, text } from "../values.ts";
import { inTableOrder } from "./order.ts";

const SECOND_US = 1000000;
const TIME_UNITS: Readonly<Record<string, number>> = { "": SECOND_US, s: SECOND_US, ms: 1000, us: 1 };

const duration: ValueType = {
	wordCount: 1,
	expected: "a time N[s|ms|us]",
	parse: ([word = ""]) => {
		const match = /^([0-9]*\.?[0-9]+)(s|ms|us|)$/.exec(word);
		if (match === null) throw new Refusal("a time N[s|ms|us]");
		return { kind: "uint", value: Math.round(Number(match[1]) * (TIME_UNITS[match[2] as string] as number)) };
	},
	print: (value) => (value.kind === "uint" ? printDuration(value.value) : ""),
};

function printDuration(us: number): string {
	if (us >= SECOND_US) return `${(us / SECOND_US).toFixed(1)}s`;
	return us >= 1000 ? `${(us / 1000).toFixed(1)}ms` : `${us}us`;
}

const rateestTarget: ExtensionTable = {
	name: "RATEEST",
	kind: "target",
	options: [
		{ name: "rateest-name", type: text({ max: 15, min: 1, cut: true }), mandatory: true },
		{ name: "rateest-interval", type: duration, mandatory: true },
		{ name: "rateest-ewmalog", type: duration, mandatory: true },
	],
	canonical: (options) => {
		const us = (name: string): number => {
			const value = optionOf(options, name)?.value;
			return value?.kind === "uint" ? value.value : 0;
		};
		const [interval, average] = estimatorTimes(us("rateest-interval"), us("rateest-ewmalog"));
		const rounded: Readonly<Record<string, number>> = { "rateest-interval": interval, "rateest-ewmalog": average };
		return inTableOrder(
			options.map((option) => {
				const value = rounded[option.name];
				return value === undefined ? option : { ...option, value: { kind: "uint", value } };
			}),
			rateestTarget.options,
		);
	},
};

/** The estimator's own steps: an interval of 1/4 s times a power of two, and a power of two of intervals to average over. */
function estimatorTimes(intervalUs: number, averageUs: number): [number, number] {
	const step = [0, 1, 2, 3, 4].find((exponent) => intervalUs <= 2 ** exponent * (SECOND_US / 4));
	if (step === undefined) throw new Refusal("an interval of at most 4s", null, 0, "rateest-interval");
	let log = 1;
	while (log < 32 && intervalUs / -Math.log(1 - 1 / 2 ** log) <= averageUs) log++;
	log -= 1;
	if (log === 0 || log >= 31) throw new Refusal("an average over more than the interval", null, 0, "rateest-ewmalog");
	const interval = 2 ** step * (SECOND_US / 4);
	return [interval, interval * 2 ** log];
}

const RATE_UNITS: Readonly<Record<string, number>> = {
	"": 1,
	k: 1000,
	m: 1000 ** 2,
	g: 1000 ** 3,
	t: 1000 ** 4,
	ki: 1024,
	mi: 1024 ** 2,
	gi: 1024 ** 3,
	ti: 1024 ** 4,
};

/** Bytes a second from `5kbit`, `1mbps` (bytes), `100` (bits); may be missing. */
const byteRate: ValueType = {
	wordCount: 1,
	optional: true,
	expected: "a rate N[k|m|g|t][i]bit or …bps",
	parse: ([word]) => {
		if (word === undefined) return { kind: "flag" };
		const match = /^([0-9]*\.?[0-9]+)(?:([kmgt]i?|)(bit|bps))?$/i.exec(word);
		if (match === null) throw new Refusal(byteRate.expected);
		const unit = RATE_UNITS[(match[2] ?? "").toLowerCase()] ?? 1;
		const bits = Number(match[1]) * unit * ((match[3] ?? "").toLowerCase() === "bps" ? 8 : 1);
		if (bits / 8 > 0xffffffff) throw new Refusal(byteRate.expected);
		return { kind: "bigint", value: BigInt(Math.floor(bits / 8)) };
	},
	print: (value) => (value.kind === "bigint" ? printBits(Number(value.value) * 8) : ""),
};

function printBits(bits: number): string {
	if (bits >= 1000 * 1000000) return `${(bits / 1000000).toFixed(0)}Mbit`;
	return bits >= 1000 * 1000 ? `${(bits / 1000).toFixed(0)}Kbit` : `${bits}bit`;
}

const packetRate: ValueType = {
	wordCount: 1,
	optional: true,
	expected: "packets a second",
	parse: ([word]) =>
		word === undefined ? { kind: "flag" } : { kind: "uint", value: readUint(word, 0, 0xffffffff, "packets a second") },
	print: (value) => (value.kind === "uint" ? String(value.value) : ""),
};

const estimator = text({ min: 1, max: 15, cut: true });
const COMPARISONS = ["rateest-lt", "rateest-gt", "rateest-eq"];

const rateestOptions: OptionTable[] = [
	{ name: "rateest", type: estimator },
	{ name: "rateest1", type: estimator },
	{ name: "rateest2", type: estimator },
	{ name: "rateest-bps1", type: byteRate },
	{ name: "rateest-bps2", type: byteRate },
	{ name: "rateest-bps", type: byteRate },
	{ name: "rateest-pps1", type: packetRate },
	{ name: "rateest-pps2", type: packetRate },
	{ name: "rateest-pps", type: packetRate },
	{ name: "rateest-delta", type: flag },
	...COMPARISONS.map((name): OptionTable => ({ name, type: flag, negatable: true, excludes: COMPARISONS })),
];

const rateestMatch: ExtensionTable = {
	name: "rateest",
	kind: "match",
	options: rateestOptions,
	oneOf: [["rateest", "rateest1"], COMPARISONS],
	canonical: (options) => {
		const find = (...names: string[]): Option | undefined => options.find(({ name }) => names.includes(name));
		const renamed = (option: Option | undefined, name: string): Option[] =>
			option === undefined ? [] : [{ ...option, name }];
		const compare = find(...COMPARISONS) as Option;
		const second = optionOf(options, "rateest2");
		const first = renamed(find("rateest", "rateest1"), second ? "rateest1" : "rateest");
		const delta = optionOf(options, "rateest-delta");
		const unit = options.some(({ name }) => name.startsWith("rateest-bps")) ? "bps" : "pps";
		const [rate1, rate2] = [find(`rateest-${unit}1`), find(`rateest-${unit}2`, `rateest-${unit}`)];
		if (rate1 === undefined && rate2 === undefined) throw new Refusal("--rateest-bps or --rateest-pps");
		if (delta)
			return [
				delta,
				...first,
				...renamed(rate1, `rateest-${unit}1`),
				compare,
				...renamed(rate2, `rateest-${unit}2`),
				...renamed(second, "rateest2"),
			];
		if (second) return [...first, compare, { name: `rateest-${unit}`, not: false, value: { kind: "flag" } }, second];
		return [...first, compare, ...renamed(rate2 ?? rate1, `rateest-${unit}`)];
	},
};

export const rateestTargets: ExtensionTable[] = [rateestTarget];
export const rateestMatches: ExtensionTable[] = [rateestMatch];
