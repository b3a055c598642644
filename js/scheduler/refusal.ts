// Why a node is not for a pod, and what the scheduler says of all of them (pkg/scheduler/framework/types.go: FitError).

export interface Refusal {
	/** In upstream's words. */
	reasons: readonly string[];
	/** Whether it could be another answer with fewer pods there (Unschedulable, not UnschedulableAndUnresolvable). */
	resolvable: boolean;
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
export function explain(nodes: number, refusals: Iterable<Refusal>): string {
	if (nodes === 0) return "no nodes available to schedule pods";
	const counts = new Map<string, number>();
	for (const { reasons } of refusals) for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
	const sorted = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
	return `0/${nodes} nodes are available:${sorted.length === 0 ? "" : ` ${sorted.join(", ")}.`}`;
}
