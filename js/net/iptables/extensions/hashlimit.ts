// The match `hashlimit` (revision 3): packet rates in 1/1000000 s between packets, byte rates as the kernel's cost.
// Option values: `rate` with the interval, or with the negative cost for byte rates, see `RATE_OF_BYTES`.

import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, optionOf, Refusal, type ValueType } from "../extension.ts";
import { flag, text, uint, wordList } from "../values.ts";
import { inTableOrder } from "./order.ts";
import { periodSeconds } from "./rates.ts";

/** Units of an interval: 1/1000000 s. */
const SCALE = 1000000;
const PERIODS: [name: string, seconds: number][] = [
	["day", 86400],
	["hour", 3600],
	["min", 60],
	["sec", 1],
];
const BYTE_UNITS: [suffix: string, bytes: bigint][] = [
	["m", 1024n * 1024n],
	["k", 1024n],
	["", 1n],
];
const UINT32_MAX = 0xffffffffn;
/** The kernel counts bytes in units of 16. */
const BYTE_SHIFT = 4n;
const BURST_DEFAULT = 5;
const BURST_MAX = 1000000;
/** Default expiry of an entry under a byte rate, in milliseconds: without and with a burst. */
const BYTE_EXPIRE_MS = 15000;
const BYTE_EXPIRE_BURST_MS = 60000;

function costOfBytes(bytes: bigint): bigint {
	return UINT32_MAX / ((bytes >> BYTE_SHIFT) + 1n);
}

function bytesOfCost(cost: bigint): bigint {
	const ratio = cost === 0n ? UINT32_MAX : UINT32_MAX / cost;
	return (ratio - 1n) << BYTE_SHIFT;
}

const RATE_EXPECTED = "a rate N[/second|/minute|/hour|/day] or N[k|m]b/s";

/** Bytes of `20kb`, `1mb`, `512b`; null where the text is no number of bytes. */
function readBytes(word: string): bigint | null {
	const match = /^([0-9]+)([kKmM]?)[bB]$/.exec(word);
	if (match === null) return null;
	const unit = BYTE_UNITS.find(([suffix]) => suffix === (match[2] as string).toLowerCase());
	return BigInt(match[1] as string) * (unit?.[1] ?? 1n);
}

/** `1000/sec 5` as words: interval and the seconds of its unit, or `bytes` and the cost. */
const rate: ValueType = {
	wordCount: 1,
	expected: RATE_EXPECTED,
	parse: ([word = ""], context) => {
		const [amount = "", period, ...more] = word.split("/");
		const bytes = readBytes(amount);
		if (bytes !== null) {
			if (period !== "s" || bytes > UINT32_MAX << BYTE_SHIFT || (bytes === 0n && context.strict))
				throw new Refusal(RATE_EXPECTED);
			return { kind: "words", words: ["bytes", String(costOfBytes(bytes))] };
		}
		const seconds = period === undefined ? 1 : periodSeconds(period);
		const count = /^[0-9]+$/.test(amount) ? Number(amount) : 0;
		if (more.length > 0 || seconds === null || count < 1) throw new Refusal(RATE_EXPECTED);
		if (count / seconds > SCALE) throw new Refusal(`a rate of at most ${SCALE}/second`);
		return { kind: "words", words: [String(Math.floor((SCALE * seconds) / count)), String(seconds)] };
	},
	print: (value) => (value.kind === "words" ? printHashRate(value.words) : ""),
};

function isByteRate(option: Option | undefined): boolean {
	return option?.value.kind === "words" && option.value.words[0] === "bytes";
}

function printHashRate([first = "0", second = "0"]: string[]): string {
	if (first !== "bytes")
		return `${Math.floor((SCALE * printedPeriod(Number(first))[1]) / Number(first))}/${printedPeriod(Number(first))[0]}`;
	const cost = BigInt(second);
	const bytes = bytesOfCost(cost);
	const [suffix, unit] = BYTE_UNITS.find(
		([, size]) => bytes >= size && costOfBytes(bytes & ~(size - 1n) & UINT32_MAX) === cost,
	) ?? ["", 1n];
	return `${bytes / unit}${suffix}b/s`;
}

function printedPeriod(interval: number): [string, number] {
	let chosen = PERIODS[0] as [string, number];
	for (const period of PERIODS.slice(1)) {
		const length = period[1] * SCALE;
		if (interval > length || Math.floor(length / interval) < length % interval) break;
		chosen = period;
	}
	return chosen;
}

/** A number of packets, or of bytes under a byte rate. */
const burst: ValueType = {
	wordCount: 1,
	expected: `a number of packets 1–${BURST_MAX} or of bytes N[k|m]b`,
	parse: ([word = ""]) => {
		const bytes = readBytes(word);
		if (bytes !== null) {
			if (bytes > UINT32_MAX) throw new Refusal(burst.expected);
			return { kind: "bigint", value: bytes };
		}
		if (!/^[0-9]+$/.test(word) || Number(word) < 1 || Number(word) > BURST_MAX) throw new Refusal(burst.expected);
		return { kind: "uint", value: Number(word) };
	},
	print: (value) => {
		if (value.kind === "uint") return String(value.value);
		if (value.kind !== "bigint") return "";
		const [suffix, unit] = BYTE_UNITS.find(([, size]) => value.value >= size) ?? ["", 1n];
		return `${value.value / unit}${suffix}b`;
	},
};

const modes = wordList(["srcip", "srcport", "dstip", "dstport"]);

function maskLength(options: { v4: number; v6: number }): ValueType {
	return {
		wordCount: 1,
		expected: "a prefix length",
		parse: ([word = ""], context) => {
			const max = context.family === "ipv4" ? options.v4 : options.v6;
			if (!/^[0-9]+$/.test(word) || Number(word) > max) throw new Refusal(`a prefix length 0–${max}`);
			return { kind: "uint", value: Number(word) };
		},
		print: (value) => (value.kind === "uint" ? String(value.value) : ""),
	};
}

/** Seconds as they are, or with a unit: `10`, `10m`, `1h`. */
const interval: ValueType = {
	wordCount: 1,
	expected: "a number of seconds",
	parse: ([word = ""]) => {
		if (!/^[0-9]+$/.test(word) || Number(word) > 0xffffffff) throw new Refusal("a number of seconds");
		return { kind: "uint", value: Number(word) };
	},
	print: (value) => (value.kind === "uint" ? String(value.value) : ""),
};

const prefixLength = maskLength({ v4: 32, v6: 128 });
const RATES = ["hashlimit-upto", "hashlimit-above"];
const isUint = (number: number) => (option: Option) => option.value.kind === "uint" && option.value.value === number;

const hashlimit: ExtensionTable = {
	name: "hashlimit",
	kind: "match",
	options: [
		{ name: "hashlimit-upto", aliases: ["hashlimit"], type: rate, negatable: true, excludes: RATES },
		{ name: "hashlimit-above", type: rate, negatable: true, excludes: RATES },
		{ name: "hashlimit-burst", type: burst },
		{ name: "hashlimit-mode", type: modes },
		{ name: "hashlimit-name", type: text({ max: 254, min: 1, cut: true }), mandatory: true },
		{ name: "hashlimit-htable-size", type: uint(), silent: isUint(0) },
		{ name: "hashlimit-htable-max", type: uint(), silent: isUint(0) },
		{ name: "hashlimit-htable-gcinterval", type: uint(), silent: isUint(1000) },
		{ name: "hashlimit-htable-expire", type: uint() },
		{ name: "hashlimit-srcmask", type: prefixLength },
		{ name: "hashlimit-dstmask", type: prefixLength },
		{ name: "hashlimit-rate-match", type: flag },
		{ name: "hashlimit-rate-interval", type: interval },
	],
	oneOf: [RATES],
	canonical: (options, context) => {
		const out = options.map((option): Option => {
			if (!option.not) return option;
			return { ...option, not: false, name: option.name === "hashlimit-upto" ? "hashlimit-above" : "hashlimit-upto" };
		});
		const limit = out.find(({ name }) => RATES.includes(name));
		const withBurst = limit === undefined ? out : [...fixBurst(out, limit)];
		checkCredits(withBurst, limit);
		const bits = context.family === "ipv4" ? 32 : 128;
		if (limit !== undefined && !isByteRate(limit) && !optionOf(withBurst, "hashlimit-htable-expire")) {
			withBurst.push({
				name: "hashlimit-htable-expire",
				not: false,
				value: { kind: "uint", value: givenPeriod(limit) * 1000 },
			});
		}
		const kept = withBurst.filter((option) => !isDefault(option, withBurst, limit, bits));
		return inTableOrder(kept, hashlimit.options);
	},
};

/** Seconds of the unit that a packet rate was given in: an entry expires after it, unless told otherwise. */
function givenPeriod(limit: Option): number {
	return limit.value.kind === "words" ? Number(limit.value.words[1]) : 1;
}

/** Packet rates have a burst, 5 unless given; under a byte rate it is bytes and absent unless given. */
function fixBurst(options: Option[], limit: Option): Option[] {
	const given = optionOf(options, "hashlimit-burst");
	const inBytes = isByteRate(limit);
	if (given === undefined) {
		return inBytes
			? options
			: [...options, { name: "hashlimit-burst", not: false, value: { kind: "uint", value: BURST_DEFAULT } }];
	}
	if (inBytes !== (given.value.kind === "bigint")) {
		throw new Refusal(
			inBytes ? "a burst in bytes under a byte rate" : "a burst in packets under a packet rate",
			null,
			0,
			given.name,
		);
	}
	if (!inBytes || given.value.kind !== "bigint" || limit.value.kind !== "words") return options;
	const step = bytesOfCost(BigInt(limit.value.words[1] ?? "0"));
	if (given.value.value < step) throw new Refusal(`a burst of at least ${step} bytes`, null, 0, given.name);
	const steps = (given.value.value + step - 1n) / step;
	return options.map((option) =>
		option === given ? { ...given, value: { kind: "bigint", value: steps * step } } : option,
	);
}

/** HZ times the kernel's credits a jiffy in 64 bits; the same for HZ 250 and 1000. */
const CREDITS = 250n << 39n;
const UINT64_MAX = (1n << 64n) - 1n;

function credits(user: bigint): bigint {
	return (user * (CREDITS / BigInt(SCALE))) & UINT64_MAX;
}

/** The kernel refuses a packet rate whose burst overflows its credits. */
function checkCredits(options: Option[], limit: Option | undefined): void {
	const given = optionOf(options, "hashlimit-burst");
	if (limit?.value.kind !== "words" || isByteRate(limit) || given?.value.kind !== "uint") return;
	const average = BigInt(limit.value.words[0] ?? "0");
	if (credits(average * BigInt(given.value.value)) < credits(average))
		throw new Refusal("a smaller burst or a faster rate", null, 0, "hashlimit-burst");
}

function isDefault(option: Option, all: Option[], limit: Option | undefined, bits: number): boolean {
	const number = option.value.kind === "uint" ? option.value.value : null;
	switch (option.name) {
		case "hashlimit-srcmask":
		case "hashlimit-dstmask":
			return number === bits;
		case "hashlimit-rate-interval":
			return number === 1 || !optionOf(all, "hashlimit-rate-match");
		case "hashlimit-htable-expire":
			return number === expiry(limit, all);
		default:
			return false;
	}
}

/** The expiry that goes with the printed unit, in milliseconds. */
function expiry(limit: Option | undefined, all: Option[]): number {
	if (limit?.value.kind !== "words") return 0;
	if (isByteRate(limit)) return optionOf(all, "hashlimit-burst") ? BYTE_EXPIRE_BURST_MS : BYTE_EXPIRE_MS;
	return printedPeriod(Number(limit.value.words[0]))[1] * 1000;
}

export const hashlimitMatches: ExtensionTable[] = [hashlimit];
