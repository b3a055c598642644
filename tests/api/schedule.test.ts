// Schedules against what robfig/cron 3.0.1 says of the same ones: its refusals, and the times that come next in zones whose clocks
// are put forward and back (schedules.json holds its answers, by Go 1.26 with zone data of 2026).

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseSchedule } from "../../js/api/schedule.ts";
import { isTimeZone, zonedTime } from "../../js/api/timezone.ts";

interface Case {
	schedule: string;
	zone: string;
	after?: string;
	next?: string[];
	error?: string;
}
const CASES: readonly Case[] = JSON.parse(readFileSync(new URL("./schedules.json", import.meta.url), "utf8"));
const REFUSED = CASES.filter(({ error }) => error !== undefined);
const KEPT = CASES.filter(({ error }) => error === undefined);

describe("a schedule", () => {
	it.each(REFUSED)("$schedule is refused", ({ schedule, error }) => {
		expect(parseSchedule(schedule)).toBe(error);
	});

	it.each(KEPT)("$schedule in $zone after $after", ({ schedule, zone, after = "", next = [] }) => {
		const parsed = parseSchedule(schedule);
		if (typeof parsed === "string") throw new Error(parsed);
		const times: string[] = [];
		let at: number | null = Date.parse(after);
		for (const _ of next) {
			at = parsed.next(at, zone);
			if (at === null) break;
			times.push(`${new Date(at).toISOString().slice(0, 19)}Z`);
		}
		expect(times).toEqual(next);
		if (next.length === 0) expect(parsed.next(Date.parse(after), zone)).toBeNull();
	});
});

describe("a time zone", () => {
	it.each([
		["Europe/Berlin", true],
		["Etc/GMT+1", true],
		["", true],
		["UTC", true],
		["europe/berlin", false],
		["Nowhere/City", false],
		["+01:00", false],
	])("%j: %j", (zone, known) => {
		expect(isTimeZone(zone)).toBe(known);
	});

	it("writes times with its offset", () => {
		const at = Date.parse("2026-07-01T12:00:00Z");
		expect(zonedTime(at, "Asia/Kolkata")).toBe("2026-07-01T17:30:00+05:30");
		expect(zonedTime(at, "America/St_Johns")).toBe("2026-07-01T09:30:00-02:30");
		expect(zonedTime(at, "UTC")).toBe("2026-07-01T12:00:00Z");
	});
});
