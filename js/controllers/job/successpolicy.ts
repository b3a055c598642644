// Whether the indexes that have succeeded are enough (pkg/controller/job/success_policy.go).

import type { JobSpec } from "../../api/batch.ts";
import { parseIndexes } from "./indexes.ts";

/** Which rule of the successPolicy holds, in upstream's words; null where none does. */
export function successMessage(
	{ successPolicy, completions = 0 }: JobSpec,
	succeeded: ReadonlySet<number>,
): string | null {
	if (succeeded.size === 0) return null;
	for (const [index, { succeededIndexes, succeededCount }] of (successPolicy?.rules ?? []).entries()) {
		const meant = succeededIndexes === undefined ? null : parseIndexes(succeededIndexes, completions);
		// Indexes that cannot be read hold for nothing.
		if (meant?.size === 0) continue;
		const count = meant === null ? succeeded.size : [...meant].filter((one) => succeeded.has(one)).length;
		const isEnough = count === meant?.size || (succeededCount !== undefined && count >= succeededCount);
		if (isEnough) return `Matched rules at index ${index}`;
	}
	return null;
}
