// Counts that are given in pods or in per cent (apimachinery util/intstr: GetScaledValueFromIntOrPercent), and the two bounds
// of a rolling update (pkg/controller/deployment/util: ResolveFenceposts).

import type { IntOrString } from "../api/meta.ts";

/** Pods of `total`; of a percentage the fraction is rounded. */
export function scaledValue(value: IntOrString, total: number, round: "up" | "down"): number {
	if (typeof value === "number") return value;
	const share = (Number.parseInt(value, 10) * total) / 100;
	return round === "up" ? Math.ceil(share) : Math.floor(share);
}

/**
 * maxSurge and maxUnavailable in pods: the first is rounded up, the second down, and where both come to nothing one
 * pod may be unavailable.
 */
export function fenceposts(
	maxSurge: IntOrString | undefined,
	maxUnavailable: IntOrString | undefined,
	desired: number,
): [surge: number, unavailable: number] {
	const surge = scaledValue(maxSurge ?? 0, desired, "up");
	const unavailable = scaledValue(maxUnavailable ?? 0, desired, "down");
	return [surge, surge === 0 && unavailable === 0 ? 1 : unavailable];
}
