// How long ago, as kubectl says it: `5s`, `4m32s`, `3h2m`, `2d`, `1y30d` (k8s.io/apimachinery/pkg/util/duration/duration.go).

const [MINUTE, HOUR, DAY, YEAR] = [60, 3600, 86_400, 365 * 86_400] as const;

/** Of a length of time in seconds. */
export function humanDuration(seconds: number): string {
	if (seconds < -1) return "<invalid>";
	const s = Math.max(0, Math.floor(seconds));
	if (s < 2 * MINUTE) return `${s}s`;
	if (s < 10 * MINUTE) return two(Math.floor(s / MINUTE), "m", s % MINUTE, "s");
	if (s < 3 * HOUR) return `${Math.floor(s / MINUTE)}m`;
	if (s < 8 * HOUR) return two(Math.floor(s / HOUR), "h", Math.floor(s / MINUTE) % 60, "m");
	if (s < 2 * DAY) return `${Math.floor(s / HOUR)}h`;
	if (s < 8 * DAY) return two(Math.floor(s / DAY), "d", Math.floor(s / HOUR) % 24, "h");
	if (s < 2 * YEAR) return `${Math.floor(s / DAY)}d`;
	if (s < 8 * YEAR) return two(Math.floor(s / YEAR), "y", Math.floor(s / DAY) % 365, "d");
	return `${Math.floor(s / YEAR)}y`;
}

function two(large: number, unit: string, small: number, smallUnit: string): string {
	return small === 0 ? `${large}${unit}` : `${large}${unit}${small}${smallUnit}`;
}

/** From a timestamp (RFC 3339) to `now` (ns since the epoch). */
export function age(since: string | null | undefined, now: bigint): string {
	if (!since) return "<unknown>";
	return humanDuration((Number(now / 1_000_000n) - Date.parse(since)) / 1000);
}
