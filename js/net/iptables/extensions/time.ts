// The match `time`: dates and times of day, in UTC, and days of week and month. iptables-save always prints a stop date.

import type { Option } from "../../ruleset.ts";
import { type ExtensionTable, optionOf, Refusal, type ValueType } from "../extension.ts";
import { flag, readUint } from "../values.ts";
import { inTableOrder } from "./order.ts";

const SECONDS_MAX = 0x7fffffff;
const DAY_SECONDS = 86400;
const DATE_EXPECTED = "a date YYYY[-MM[-DD[Thh[:mm[:ss]]]]] of 1970–2038";

function readDate(word: string): number {
	const match = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:T(\d{1,2})(?::(\d{1,2})(?::(\d{1,2}))?)?)?)?)?$/.exec(word);
	if (match === null) throw new Refusal(DATE_EXPECTED);
	const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match
		.slice(1)
		.map((part) => (part === undefined ? undefined : Number(part)));
	if (
		year < 1970 ||
		year > 2038 ||
		month < 1 ||
		month > 12 ||
		day < 1 ||
		day > 31 ||
		hour > 23 ||
		minute > 59 ||
		second > 59
	) {
		throw new Refusal(DATE_EXPECTED);
	}
	const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
	if (seconds > SECONDS_MAX) throw new Refusal(DATE_EXPECTED);
	return seconds;
}

const date: ValueType = {
	wordCount: 1,
	expected: DATE_EXPECTED,
	parse: ([word = ""]) => ({ kind: "uint", value: readDate(word) }),
	print: (value) => (value.kind === "uint" ? new Date(value.value * 1000).toISOString().slice(0, 19) : ""),
};

const clock: ValueType = {
	wordCount: 1,
	expected: "a time of day hh:mm[:ss]",
	parse: ([word = ""]) => {
		const match = /^(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?$/.exec(word);
		const [hour = 24, minute = 60, second = 0] = (match ?? [])
			.slice(1)
			.map((part) => (part === undefined ? undefined : Number(part)));
		if (hour > 23 || minute > 59 || second > 59) throw new Refusal("a time of day hh:mm[:ss]");
		return { kind: "uint", value: hour * 3600 + minute * 60 + second };
	},
	print: (value) => (value.kind === "uint" ? printClock(value.value) : ""),
};

function printClock(seconds: number): string {
	return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
		.map((part) => String(part).padStart(2, "0"))
		.join(":");
}

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const weekdays: ValueType = {
	wordCount: 1,
	expected: `a comma list of ${WEEKDAYS.join(" ")} or 1–7`,
	parse: ([word = ""]) => {
		const found = new Set(word.split(",").map(readWeekday));
		return { kind: "words", words: WEEKDAYS.filter((day) => found.has(day)) };
	},
	print: (value) => (value.kind === "words" ? value.words.join(",") : ""),
};

function readWeekday(part: string): string {
	const day = /^[1-7]$/.test(part)
		? WEEKDAYS[Number(part) - 1]
		: WEEKDAYS.find((name) => part.startsWith(name.slice(0, 2)));
	if (day === undefined) throw new Refusal(weekdays.expected);
	return day;
}

const MONTH_DAYS = 31;

const monthdays: ValueType = {
	wordCount: 1,
	expected: `a comma list of days 1–${MONTH_DAYS}`,
	parse: ([word = ""]) => {
		const days = new Set(
			word.split(",").map((part) => readUint(part.replace(/^0+(?=\d)/, ""), 1, MONTH_DAYS, monthdays.expected)),
		);
		return { kind: "words", words: [...days].sort((a, b) => a - b).map(String) };
	},
	print: (value) => (value.kind === "words" ? value.words.join(",") : ""),
};

/** `! --weekdays` names the other days; all days are no condition. */
function positiveDays(option: Option, all: string[]): Option | null {
	if (option.value.kind !== "words") return option;
	const { words } = option.value;
	const days = option.not ? all.filter((day) => !words.includes(day)) : words;
	return days.length === all.length ? null : { ...option, not: false, value: { kind: "words", words: days } };
}

const ALL_MONTH_DAYS = Array.from({ length: MONTH_DAYS }, (_, index) => String(index + 1));

const time: ExtensionTable = {
	name: "time",
	kind: "match",
	options: [
		{ name: "timestart", type: clock },
		{ name: "timestop", type: clock },
		{ name: "monthdays", type: monthdays, negatable: true },
		{ name: "weekdays", type: weekdays, negatable: true },
		{ name: "datestart", type: date },
		{ name: "datestop", type: date },
		{ name: "localtz", type: flag, excludes: ["utc", "kerneltz"] },
		{ name: "utc", type: flag, excludes: ["localtz", "kerneltz"] },
		{ name: "kerneltz", type: flag, excludes: ["utc"] },
		{ name: "contiguous", type: flag },
	],
	canonical: (options) => {
		const start = optionOf(options, "timestart");
		const stop = optionOf(options, "timestop");
		const seconds = (option: Option | undefined, fallback: number): number =>
			option?.value.kind === "uint" ? option.value.value : fallback;
		const timestart = seconds(start, 0);
		const timestop = seconds(stop, DAY_SECONDS - 1);
		if (optionOf(options, "contiguous") && timestart <= timestop) {
			throw new Refusal("a stop time before the start time beside --contiguous", null, 0, "contiguous");
		}
		const out: Option[] = [];
		for (const option of options) {
			const kept =
				option.name === "monthdays"
					? positiveDays(option, ALL_MONTH_DAYS)
					: option.name === "weekdays"
						? positiveDays(option, WEEKDAYS)
						: option;
			if (kept === null || kept.name === "utc" || kept.name === "timestart" || kept.name === "timestop") continue;
			out.push(kept.name === "localtz" ? { ...kept, name: "kerneltz" } : kept);
		}
		if (timestart !== 0 || timestop !== DAY_SECONDS - 1) {
			out.push({ name: "timestart", not: false, value: { kind: "uint", value: timestart } });
			out.push({ name: "timestop", not: false, value: { kind: "uint", value: timestop } });
		}
		if (!optionOf(out, "datestop"))
			out.push({ name: "datestop", not: false, value: { kind: "uint", value: SECONDS_MAX } });
		const epoch = ({ name, value }: Option): boolean =>
			name === "datestart" && value.kind === "uint" && value.value === 0;
		return inTableOrder(
			out.filter((option) => !epoch(option)),
			time.options,
		);
	},
};

export const timeMatches: ExtensionTable[] = [time];
