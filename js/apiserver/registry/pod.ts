// A pod that is bound to a node by posting beneath it, as a scheduler does (pkg/registry/core/pod/storage/storage.go: BindingREST).

import type { KubernetesObject } from "../../api/meta.ts";
import type { CoreV1Binding, CoreV1Pod } from "../../api/schema/types.generated.ts";
import { conflict, invalid, notFound, required } from "../status.ts";
import { type Registry, type Subject, stored, timestamp, type WriteOptions } from "./request.ts";

/** Throws StatusError 404. */
export function podOf(registry: Registry, subject: Subject): KubernetesObject {
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
