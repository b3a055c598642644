// What is done to a pod by posting beneath it: bound to a node by a scheduler, evicted by whoever drains one
// (pkg/registry/core/pod/storage/storage.go: BindingREST; eviction.go).

import type { KubernetesObject } from "../../api/meta.ts";
import type {
	CoreV1Binding,
	CoreV1Pod,
	MetaV1DeleteOptions,
	PolicyV1Eviction,
	PolicyV1PodDisruptionBudget,
} from "../../api/schema/types.generated.ts";
import { selects } from "../../api/selector.ts";
import { conflict, invalid, notFound, required, StatusError } from "../status.ts";
import { remove } from "./delete.ts";
import { type DeleteOptions, type Registry, type Subject, stored, timestamp, type WriteOptions } from "./request.ts";

function podOf(registry: Registry, subject: Subject): KubernetesObject {
	const pod = stored(registry, subject);
	if (pod === undefined) throw notFound({ group: "", resource: "pods" }, subject.name);
	return pod;
}

/** Throws StatusError 409 where the pod has a node already, or is going. */
export function bind(registry: Registry, subject: Subject, binding: KubernetesObject, options: WriteOptions): void {
	const pod = podOf(registry, subject);
	const target = (binding as unknown as CoreV1Binding).target?.name ?? "";
	const { name } = subject;
	if (target === "") throw invalid("", "Binding", name, [required("target.name")]);
	const { spec, status } = pod as CoreV1Pod;
	const refuse = (why: string) => conflict({ group: "", resource: "pods/binding" }, name, why);
	if (pod.metadata.deletionTimestamp !== undefined)
		throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
	if (spec?.nodeName) throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
	const conditions = (status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
	const scheduled = {
		type: "PodScheduled",
		status: "True",
		lastProbeTime: null,
		lastTransitionTime: timestamp(registry.clock),
	};
	if (options.dryRun === true) return;
	// It is where it was to go.
	const { nominatedNodeName: _, ...others } = status ?? {};
	registry.storage.put("pods", {
		...pod,
		spec: { ...spec, nodeName: target },
		status: { ...others, conditions: [...conditions, scheduled] },
	});
}

/** Throws StatusError 429 where a disruption budget does not allow it now. */
export function evict(registry: Registry, subject: Subject, eviction: KubernetesObject, options: WriteOptions): void {
	const pod = podOf(registry, subject);
	const { phase } = (pod as CoreV1Pod).status ?? {};
	const asked: MetaV1DeleteOptions = (eviction as unknown as PolicyV1Eviction).deleteOptions ?? {};
	// What runs no more is nobody's budget.
	const runs = phase !== "Succeeded" && phase !== "Failed" && phase !== "Pending" && !pod.metadata.deletionTimestamp;
	if (runs) spend(registry, subject, pod, options);
	const { gracePeriodSeconds, preconditions } = asked;
	const given = JSON.parse(JSON.stringify({ gracePeriodSeconds, preconditions })) as DeleteOptions;
	remove(registry, subject, { ...options, ...given });
}

function spend(registry: Registry, { namespace, name }: Subject, pod: KubernetesObject, options: WriteOptions): void {
	const budgets = registry.storage
		.list("poddisruptionbudgets.policy", { namespace })
		.items.filter((object) =>
			selects((object as unknown as PolicyV1PodDisruptionBudget).spec?.selector as never, pod.metadata.labels),
		);
	if (budgets.length > 1)
		throw new StatusError(
			500,
			"InternalError",
			"This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
		);
	const [budget] = budgets;
	if (budget === undefined) return;
	const { status } = budget as unknown as PolicyV1PodDisruptionBudget;
	const allowed = status?.disruptionsAllowed ?? 0;
	if (allowed <= 0)
		throw new StatusError(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
			causes: [
				{
					reason: "DisruptionBudget",
					message: `The disruption budget ${budget.metadata.name} needs ${status?.desiredHealthy ?? 0} healthy pods and has ${status?.currentHealthy ?? 0} currently`,
					field: "",
				},
			],
		});
	if (options.dryRun === true) return;
	const disruptedPods = { ...status?.disruptedPods, [name]: timestamp(registry.clock) };
	registry.storage.put("poddisruptionbudgets.policy", {
		...budget,
		status: { ...status, disruptionsAllowed: allowed - 1, disruptedPods },
	});
}
