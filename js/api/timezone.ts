// Time zones by their IANA names: which there are (Go's time.LoadLocation), and how far each is from UTC at a moment. The host's
// own tables answer (ECMA-402), which is where the years end that they know.

const MINUTE_MS = 60_000;

// biome-ignore lint/style/noRestrictedGlobals: no text of a locale is read, only numbers of the Gregorian calendar
const { DateTimeFormat } = Intl;
type ZoneFormat = InstanceType<typeof DateTimeFormat>;

const formats = new Map<string, ZoneFormat | null>();

function formatOf(zone: string): ZoneFormat | null {
	const known = formats.get(zone);
	if (known !== undefined) return known;
	const format = newFormat(zone);
	formats.set(zone, format);
	return format;
}

function newFormat(timeZone: string): ZoneFormat | null {
	// ECMA-402 also takes offsets as names.
	if (/^[+-]/.test(timeZone)) return null;
	const fields = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" } as const;
	try {
		const format = new DateTimeFormat("en-US", { timeZone, ...fields, second: "numeric", hourCycle: "h23" });
		const { timeZone: resolved } = format.resolvedOptions();
		// Names are files to Go, so their case counts; ECMA-402 does not look at it.
		const isOtherCase = resolved !== timeZone && resolved.toLowerCase() === timeZone.toLowerCase();
		return isOtherCase ? null : format;
	} catch (error) {
		if (error instanceof RangeError) return null;
		throw error;
	}
}

/** Whether there is a zone of that name; `UTC` and the empty one are UTC. */
export function isTimeZone(zone: string): boolean {
	return zone === "" || zone === "UTC" || formatOf(zone) !== null;
}

/** Milliseconds that a zone's clocks are ahead of UTC. `at`: ms since the epoch. Throws RangeError for a zone that is none. */
export function zoneOffset(at: number, zone: string): number {
	if (zone === "" || zone === "UTC") return 0;
	const format = formatOf(zone);
	if (format === null) throw new RangeError(`unknown time zone ${zone}`);
	const parts = new Map(format.formatToParts(at).map(({ type, value }): [string, number] => [type, Number(value)]));
	const part = (type: string) => parts.get(type) ?? 0;
	const civil = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
	return civil - Math.floor(at / 1000) * 1000;
}

/** `2026-01-02T03:04:05+01:00`, `…Z` where the zone is UTC (RFC 3339, whole seconds). */
export function zonedTime(at: number, zone: string): string {
	const offset = zoneOffset(at, zone);
	const text = new Date(at + offset).toISOString().slice(0, 19);
	if (offset === 0) return `${text}Z`;
	const minutes = Math.abs(Math.round(offset / MINUTE_MS));
	const two = (value: number) => String(value).padStart(2, "0");
	return `${text}${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
