// What Go's `omitempty` leaves of a status.

/** Counts that are not zero. */
export function withoutZeros<T extends Record<string, number>>(counts: T): Partial<T> {
	return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)) as Partial<T>;
}
