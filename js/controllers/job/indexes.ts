// Completion indexes of an Indexed Job: of its pods, and as the text in its status (pkg/controller/job/indexed_job_utils.go).

import type { Pod } from "../../api/core.ts";

export const INDEX = "batch.kubernetes.io/job-completion-index";

/** -1 of a pod without one. */
export function indexOf({ metadata }: Pod): number {
	const text = metadata.annotations?.[INDEX] ?? "";
	return /^[0-9]+$/.test(text) ? Number(text) : -1;
}

/** `0-2,5` as 0, 1, 2 and 5; those from `completions` on are left out. */
export function parseIndexes(text: string, completions: number): Set<number> {
	const indexes = new Set<number>();
	for (const part of text.split(",").filter((one) => one !== "")) {
		const [from = 0, to = from] = part.split("-").map(Number);
		for (let i = from; i <= Math.min(to, completions - 1); i++) indexes.add(i);
	}
	return indexes;
}

/** Runs of three and more are joined by a dash. */
export function printIndexes(indexes: ReadonlySet<number>): string {
	const parts: string[] = [];
	const sorted = [...indexes].sort((a, b) => a - b);
	for (let i = 0; i < sorted.length; ) {
		let end = i;
		while (sorted[end + 1] === (sorted[end] as number) + 1) end++;
		const [first, last] = [sorted[i], sorted[end]];
		parts.push(end === i ? `${first}` : end === i + 1 ? `${first},${last}` : `${first}-${last}`);
		i = end + 1;
	}
	return parts.join(",");
}

/** The lowest indexes that are not taken. */
export function pendingIndexes(isTaken: (index: number) => boolean, count: number, completions: number): number[] {
	const pending: number[] = [];
	for (let i = 0; i < completions && pending.length < count; i++) if (!isTaken(i)) pending.push(i);
	return pending;
}

/** Pods of no index of the Job, and a second one of an index. */
export function superfluous(pods: readonly Pod[], completions: number): Pod[] {
	const seen = new Set<number>();
	return pods.filter((pod) => {
		const index = indexOf(pod);
		if (index < 0 || index >= completions || seen.has(index)) return true;
		seen.add(index);
		return false;
	});
}
