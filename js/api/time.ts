// Times as the API writes them (apimachinery meta/v1/time.go, micro_time.go): metav1.Time has whole seconds, MicroTime six digits.

const MS = 1_000_000n;

/** What was asked last: many objects are written at one time. */
let last = { ns: 0n, text: "1970-01-01T00:00:00Z" };

/** `2026-01-02T03:04:05Z`, of nanoseconds since the epoch. */
export function timeOf(ns: bigint): string {
	if (ns !== last.ns) last = { ns, text: new Date(Number(ns / MS)).toISOString().replace(/\.\d+Z$/, "Z") };
	return last.text;
}

/** `2026-01-02T03:04:05.000006Z`. */
export function microTimeOf(ns: bigint): string {
	const micros = String((ns / 1000n) % 1_000_000n).padStart(6, "0");
	return timeOf(ns).replace("Z", `.${micros}Z`);
}

/** Nanoseconds since the epoch of what either writes; null of what is no time. */
export function nanosOf(time: string | null | undefined): bigint | null {
	if (!time) return null;
	const ms = Date.parse(time);
	if (Number.isNaN(ms)) return null;
	const micros = /\.\d{3}(\d{3})/.exec(time)?.[1] ?? "0";
	return BigInt(ms) * MS + BigInt(micros) * 1000n;
}
