// Whether a pod counts as ready, and since when as available (pkg/api/v1/pod/util.go, pkg/controller/controller_utils.go).

import type { Pod } from "../api/core.ts";
import { isReady, readyCondition } from "../api/pod.ts";
import { nanosOf } from "../api/time.ts";

const SECOND = 1_000_000_000n;

/** Nanoseconds since the epoch since when the pod is ready; null of one that is not, or does not say. */
export function readySince(pod: Pod): bigint | null {
	return isReady(pod) ? nanosOf(readyCondition(pod)?.lastTransitionTime) : null;
}

/** IsPodAvailable: ready for `minReadySeconds` at least. `now`: ns. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: bigint): boolean {
	if (!isReady(pod)) return false;
	if (minReadySeconds === 0) return true;
	const since = readySince(pod);
	return since !== null && since + BigInt(minReadySeconds) * SECOND <= now;
}

/** Milliseconds until the next of the ready pods becomes available; null where none is about to. */
export function untilAvailable(pods: readonly Pod[], minReadySeconds: number, now: bigint): number | null {
	if (minReadySeconds <= 0) return null;
	const left = pods.flatMap((pod) => {
		const since = readySince(pod);
		const at = since === null ? now : since + BigInt(minReadySeconds) * SECOND;
		return at > now ? [Number(at - now) / 1e6] : [];
	});
	return left.length === 0 ? null : Math.min(...left);
}
