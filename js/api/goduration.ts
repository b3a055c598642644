// Durations as Go reads them (time.ParseDuration): `1h30m`, `-1.5s`, `0`.

const UNIT_NS: Readonly<Record<string, number>> = {
	ns: 1,
	us: 1e3,
	µs: 1e3,
	μs: 1e3,
	ms: 1e6,
	s: 1e9,
	m: 60e9,
	h: 3600e9,
};
/** Of an int64. */
const MOST_NS = 2 ** 63;

/** Nanoseconds, or what is wrong with the text in Go's words. */
export function parseGoDuration(text: string): number | string {
	const invalid = `time: invalid duration ${JSON.stringify(text)}`;
	const sign = text.startsWith("-") ? -1 : 1;
	let rest = text.replace(/^[+-]/, "");
	if (rest === "0") return 0;
	if (rest === "") return invalid;
	let ns = 0;
	while (rest !== "") {
		const [number = "", digits = ""] = /^(\d*(?:\.\d*)?)/.exec(rest) ?? [];
		if (!/\d/.test(digits)) return invalid;
		rest = rest.slice(number.length);
		const [unit = ""] = /^[^.\d]*/.exec(rest) ?? [];
		if (unit === "") return `time: missing unit in duration ${JSON.stringify(text)}`;
		const each = Object.hasOwn(UNIT_NS, unit) ? UNIT_NS[unit] : undefined;
		if (each === undefined) return `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`;
		ns += Number(digits) * each;
		if (ns > MOST_NS) return invalid;
		rest = rest.slice(unit.length);
	}
	return sign * Math.trunc(ns);
}
