// Schedules of CronJobs (robfig/cron v3, ParseStandard): minute, hour, day of the month, month and day of the week, or a descriptor.
// A time that clocks leave out does not come, one that they pass twice comes twice.

import { parseGoDuration } from "./goduration.ts";
import { zoneOffset } from "./timezone.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const NS_PER_MS = 1e6;
/** How far ahead a time is looked for. */
const YEARS = 5;

interface Bounds {
	least: number;
	most: number;
	names: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MINUTE: Bounds = { least: 0, most: 59, names: [] };
const HOUR: Bounds = { least: 0, most: 23, names: [] };
const DAY: Bounds = { least: 1, most: 31, names: [] };
const MONTH: Bounds = { least: 1, most: 12, names: MONTHS };
const WEEKDAY: Bounds = { least: 0, most: 6, names: WEEKDAYS };
const FIELDS = [MINUTE, HOUR, DAY, MONTH, WEEKDAY];

const DESCRIPTORS: Readonly<Record<string, string>> = {
	"@yearly": "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
	"@monthly": "0 0 1 * *",
	"@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@hourly": "0 * * * *",
};
const EVERY = "@every ";

/** Values that a field takes. `isStar`: `*` without a step above 1, which leaves the choice of days to the other field. */
interface Field {
	values: ReadonlySet<number>;
	isStar: boolean;
}

export interface Schedule {
	/**
	 * The first time after `after`, both in ms since the epoch; null where five years have none. `zone`: an IANA name, of which
	 * clocks count.
	 */
	next(after: number, zone: string): number | null;
}

/** What a schedule's text asks for, or what is wrong with it in the parser's words. */
export function parseSchedule(text: string): Schedule | string {
	if (text === "") return "empty spec string";
	if (text.startsWith(EVERY)) return parseEvery(text);
	const descriptor = Object.hasOwn(DESCRIPTORS, text) ? DESCRIPTORS[text] : undefined;
	if (text.startsWith("@") && descriptor === undefined) return `unrecognized descriptor: ${text}`;
	const words = (descriptor ?? text).split(/\s+/).filter((word) => word !== "");
	if (words.length !== FIELDS.length)
		return `expected exactly ${FIELDS.length} fields, found ${words.length}: [${words.join(" ")}]`;
	const fields: Field[] = [];
	for (const [i, word] of words.entries()) {
		const field = parseField(word, FIELDS[i] as Bounds);
		if (typeof field === "string") return field;
		fields.push(field);
	}
	return new Crontab(fields);
}

function parseEvery(text: string): Schedule | string {
	const duration = parseGoDuration(text.slice(EVERY.length));
	if (typeof duration === "string") return `failed to parse duration ${text}: ${duration}`;
	const delay = Math.max(1, Math.floor(duration / NS_PER_MS / SECOND_MS)) * SECOND_MS;
	return { next: (after) => wholeSecond(after) + delay };
}

function parseField(text: string, bounds: Bounds): Field | string {
	const values = new Set<number>();
	let isStar = false;
	for (const range of text.split(",").filter((one) => one !== "")) {
		const parsed = parseRange(range, bounds);
		if (typeof parsed === "string") return parsed;
		const { from, to, step } = parsed;
		for (let value = from; value <= to; value += step) values.add(value);
		isStar ||= parsed.isStar;
	}
	return { values, isStar };
}

function parseRange(
	range: string,
	{ least, most, names }: Bounds,
): { from: number; to: number; step: number; isStar: boolean } | string {
	const [span = "", stepText, ...moreSteps] = range.split("/");
	const [lowText = "", highText, ...moreEnds] = span.split("-");
	const isAny = lowText === "*" || lowText === "?";
	const from = isAny ? least : parseValue(lowText, names, least);
	if (typeof from === "string") return from;
	let to: number | string = isAny ? most : from;
	if (!isAny && highText !== undefined) {
		if (moreEnds.length > 0) return `too many hyphens: ${range}`;
		to = parseValue(highText, names, least);
	}
	if (typeof to === "string") return to;
	if (moreSteps.length > 0) return `too many slashes: ${range}`;
	const step = stepText === undefined ? 1 : parseNumber(stepText);
	if (typeof step === "string") return step;
	if (stepText !== undefined && highText === undefined) to = most;
	if (from < least) return `beginning of range (${from}) below minimum (${least}): ${range}`;
	if (to > most) return `end of range (${to}) above maximum (${most}): ${range}`;
	if (from > to) return `beginning of range (${from}) beyond end of range (${to}): ${range}`;
	if (step === 0) return `step of range should be a positive number: ${range}`;
	return { from, to, step, isStar: isAny && step === 1 };
}

function parseValue(text: string, names: readonly string[], least: number): number | string {
	const named = names.indexOf(text.toLowerCase());
	return named >= 0 ? named + least : parseNumber(text);
}

/** Largest int64. */
const INT_MOST = 2n ** 63n - 1n;

function parseNumber(text: string): number | string {
	const failed = (why: string) =>
		`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: ${why}`;
	if (!/^[+-]?\d+$/.test(text)) return failed("invalid syntax");
	const value = BigInt(text.replace(/^\+/, ""));
	if (value > INT_MOST || value < -INT_MOST - 1n) return failed("value out of range");
	return value < 0n ? `negative number (${value}) not allowed: ${text}` : Number(value);
}

const wholeSecond = (at: number) => Math.floor(at / SECOND_MS) * SECOND_MS;

class Crontab implements Schedule {
	readonly #minutes: ReadonlySet<number>;
	readonly #hours: ReadonlySet<number>;
	readonly #days: Field;
	readonly #months: ReadonlySet<number>;
	readonly #weekdays: Field;

	constructor([minutes, hours, days, months, weekdays]: readonly Field[]) {
		this.#minutes = (minutes as Field).values;
		this.#hours = (hours as Field).values;
		this.#days = days as Field;
		this.#months = (months as Field).values;
		this.#weekdays = weekdays as Field;
	}

	next(after: number, zone: string): number | null {
		if (this.#minutes.size === 0 || this.#hours.size === 0) return null;
		let at = (Math.floor(after / MINUTE_MS) + 1) * MINUTE_MS;
		const last = civilOf(at, zone).getUTCFullYear() + YEARS;
		for (;;) {
			const civil = civilOf(at, zone);
			if (civil.getUTCFullYear() > last) return null;
			if (!this.#hasDay(civil)) at = nextDay(at, zone);
			else if (!this.#hours.has(civil.getUTCHours())) at += HOUR_MS - civil.getUTCMinutes() * MINUTE_MS;
			else if (!this.#minutes.has(civil.getUTCMinutes())) at += MINUTE_MS;
			else return at;
		}
	}

	/** Where both fields choose days, either does. */
	#hasDay(civil: Date): boolean {
		if (!this.#months.has(civil.getUTCMonth() + 1)) return false;
		const byDate = this.#days.values.has(civil.getUTCDate());
		const byWeekday = this.#weekdays.values.has(civil.getUTCDay());
		return this.#days.isStar || this.#weekdays.isStar ? byDate && byWeekday : byDate || byWeekday;
	}
}

/** What the zone's clocks show, as the UTC fields of a date. */
const civilOf = (at: number, zone: string) => new Date(at + zoneOffset(at, zone));

const civilDay = (at: number, zone: string) => Math.floor(civilOf(at, zone).getTime() / DAY_MS);

/** The first moment of the next day of the zone's calendar: midnight, or where clocks leave that out what comes after. */
function nextDay(at: number, zone: string): number {
	const today = civilDay(at, zone);
	let then = at;
	while (civilDay(then, zone) === today) then += DAY_MS - (civilOf(then, zone).getTime() % DAY_MS);
	const midnight = then - (civilOf(then, zone).getTime() % DAY_MS);
	return civilDay(midnight, zone) > today ? midnight : then;
}
