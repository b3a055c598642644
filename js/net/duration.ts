// Durations as Go writes them (time.ParseDuration), which is how Kubernetes' configurations have them.

const UNITS: Readonly<Record<string, number>> = {
	ns: 1e-6,
	us: 1e-3,
	µs: 1e-3,
	ms: 1,
	s: 1000,
	m: 60_000,
	h: 3_600_000,
};
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g;

/** Milliseconds of `1m30s`, `500ms`, `0`, not negative; null of anything else. */
export function parseGoDuration(text: string): number | null {
	if (text === "0") return 0;
	const parts = [...text.matchAll(PART)];
	if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return null;
	return parts.reduce((sum, [, number = "", unit = ""]) => sum + Number(number) * (UNITS[unit] ?? 0), 0);
}
