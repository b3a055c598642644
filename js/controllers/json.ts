// Values of the API compared and hashed: JSON in one order, where what is unset and what is empty are one
// (apimachinery pkg/api/equality: Semantic).

/** JSON with sorted keys, without undefined, null and empty lists. */
export function canonicalJson(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
	if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
	const entries = Object.entries(value).filter(([, entry]) => !isUnset(entry));
	entries.sort(([a], [b]) => (a < b ? -1 : 1));
	return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(",")}}`;
}

export function equalJson(a: unknown, b: unknown): boolean {
	return a === b || canonicalJson(a) === canonicalJson(b);
}

const isUnset = (value: unknown) =>
	value === undefined || value === null || (Array.isArray(value) && value.length === 0);

/** What Go's `omitempty` leaves of counts: those that are not zero. */
export function withoutZeros<T extends Record<string, number>>(counts: T): Partial<T> {
	return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)) as Partial<T>;
}
