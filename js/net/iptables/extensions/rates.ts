// Matches that count or draw lots: statistic, limit.

import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, optionOf, Refusal, type ValueType } from "../extension.ts";
import { choice, uint } from "../values.ts";
import { inTableOrder } from "./order.ts";

/** The kernel's probability unit: 1/2^31. */
const PROBABILITY_ONE = 0x80000000;

const probability: ValueType = {
	wordCount: 1,
	expected: "a probability 0–1",
	parse: ([word = ""]) => {
		const value = /^[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?$|^[0-9]+\.$/.test(word) ? Number(word) : Number.NaN;
		if (!(value >= 0 && value <= 1)) throw new Refusal("a probability 0–1");
		return { kind: "probability", per31: Math.round(value * PROBABILITY_ONE) };
	},
	print: (value) => (value.kind === "probability" ? printProbability(value.per31) : ""),
};

/** Eleven decimals of per31 / 2^31, a tie to the even digit, as printf(3) rounds. */
export function printProbability(per31: number): string {
	const scaled = BigInt(per31) * 10n ** 11n;
	let digits = scaled >> 31n;
	const rest = scaled & 0x7fffffffn;
	if (rest > 0x40000000n || (rest === 0x40000000n && (digits & 1n) === 1n)) digits += 1n;
	const text = digits.toString().padStart(12, "0");
	return `${text.slice(0, -11)}.${text.slice(-11)}`;
}

const statistic: ExtensionTable = {
	name: "statistic",
	kind: "match",
	options: [
		{ name: "mode", type: choice(["random", "nth"]), mandatory: true },
		{ name: "probability", type: probability, negatable: true },
		{ name: "every", type: uint({ min: 1 }), negatable: true },
		{ name: "packet", type: uint() },
	],
	canonical: (options) => {
		const mode = optionOf(options, "mode");
		const random = mode?.value.kind === "string" && mode.value.value === "random";
		const wanted = random ? ["probability"] : ["every", "packet"];
		for (const { name } of options) {
			if (name !== "mode" && !wanted.includes(name))
				throw new Refusal(`--${wanted.join(" and --")} with this mode`, null, 0, name);
		}
		const missing = (random ? ["probability"] : ["every", "packet"]).find((name) => !optionOf(options, name));
		if (missing !== undefined) throw new Refusal(`--${missing} with this mode`);
		const every = optionOf(options, "every");
		const packet = optionOf(options, "packet");
		if (every?.value.kind === "uint" && packet?.value.kind === "uint" && packet.value.value >= every.value.value) {
			throw new Refusal(`a packet number 0–${every.value.value - 1}`, null, 0, "packet");
		}
		return inTableOrder(options, statistic.options);
	},
};

/** Units of `limit`: 1/10000 s. */
export const LIMIT_SCALE = 10000;
const PERIODS: [string, number][] = [
	["day", 86400 * LIMIT_SCALE],
	["hour", 3600 * LIMIT_SCALE],
	["min", 60 * LIMIT_SCALE],
	["sec", LIMIT_SCALE],
];
const PERIOD_WORDS: [string, number][] = [
	["second", 1],
	["minute", 60],
	["hour", 3600],
	["day", 86400],
];

/** Seconds of a period word, which may be shortened; null where it is none. */
export function periodSeconds(word: string): number | null {
	const lower = word.toLowerCase();
	if (lower === "") return null;
	return PERIOD_WORDS.find(([name]) => name.startsWith(lower))?.[1] ?? null;
}

const RATE_EXPECTED = "a rate N[/second|/minute|/hour|/day]";

const rate: ValueType = {
	wordCount: 1,
	expected: RATE_EXPECTED,
	parse: ([word = ""]) => {
		const [countText = "", period, ...more] = word.split("/");
		const seconds = period === undefined ? 1 : periodSeconds(period);
		const count = /^[0-9]+$/.test(countText) ? Number(countText) : 0;
		if (more.length > 0 || seconds === null || count < 1) throw new Refusal(RATE_EXPECTED);
		if (count / seconds > LIMIT_SCALE) throw new Refusal(`a rate of at most ${LIMIT_SCALE}/second`);
		return { kind: "rate", interval: Math.floor((LIMIT_SCALE * seconds) / count) };
	},
	print: (value) => (value.kind === "rate" ? printRate(value.interval) : ""),
};

export function printRate(interval: number): string {
	if (interval === 0) return "inf";
	let chosen = PERIODS[0] as [string, number];
	for (const period of PERIODS.slice(1)) {
		const length = period[1];
		if (interval > length || Math.floor(length / interval) < length % interval) break;
		chosen = period;
	}
	return `${Math.floor(chosen[1] / interval)}/${chosen[0]}`;
}

const LIMIT_BURST = 5;

const LIMIT_DEFAULTS: Option[] = [
	{ name: "limit", not: false, value: { kind: "rate", interval: (3600 * LIMIT_SCALE) / 3 } },
	{ name: "limit-burst", not: false, value: { kind: "uint", value: LIMIT_BURST } },
];

const limit: ExtensionTable = {
	name: "limit",
	kind: "match",
	options: [
		{ name: "limit", type: rate },
		{
			name: "limit-burst",
			type: uint({ max: 10000 }),
			silent: ({ value }) => value.kind === "uint" && value.value === LIMIT_BURST,
		},
	],
	canonical: (options, context) => {
		const all = [...options, ...LIMIT_DEFAULTS.filter(({ name }) => !optionOf(options, name))];
		if (context.backend === "legacy") checkLimitCredits(all);
		return inTableOrder(all, limit.options);
	},
};

/** Credits per second of the kernel's limit match (32 bits; the same for HZ 250 and 1000). */
const LIMIT_CREDITS = 32000;

/** The kernel refuses a burst whose credits overflow 32 bits. */
function checkLimitCredits(options: Option[]): void {
	const rateValue = optionOf(options, "limit")?.value;
	const burst = optionOf(options, "limit-burst")?.value;
	if (rateValue?.kind !== "rate" || burst?.kind !== "uint") return;
	const credits = (user: number): number =>
		user > 0xffffffff / LIMIT_CREDITS
			? Math.imul(Math.floor(user / LIMIT_SCALE), LIMIT_CREDITS) >>> 0
			: Math.floor((user * LIMIT_CREDITS) / LIMIT_SCALE);
	const product = Math.imul(rateValue.interval, burst.value) >>> 0;
	if (burst.value === 0 || credits(product) < credits(rateValue.interval))
		throw new Refusal("a smaller burst (not 0) or a faster rate", null, 0, "limit-burst");
}

export const rateMatches: ExtensionTable[] = [statistic, limit];
