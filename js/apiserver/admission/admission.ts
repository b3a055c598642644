// Admission: what a cluster's plugins make of an object before it is checked, and whether they let it in afterwards
// (k8s.io/apiserver/pkg/admission). These are the ones of a default API server that look at what a client of a network can see:
// Priority, DefaultTolerationSeconds, LimitRanger; ResourceQuota in a file of its own, and for namespaces NamespaceLifecycle, which is
// where those are.

import type { KubernetesObject } from "../../api/meta.ts";
import type {
	CoreV1PersistentVolumeClaim,
	CoreV1Pod,
	SchedulingV1PriorityClass,
} from "../../api/schema/types.generated.ts";
import type { ServedResource } from "../registry/catalogue.ts";
import type { Registry } from "../registry/request.ts";
import { forbidden } from "../status.ts";
import { claimProblems, podProblems, withLimits } from "./limitranger.ts";
import { secondDefault, withPriority } from "./priority.ts";
import { withTolerations } from "./tolerations.ts";

/** A new object as the plugins leave it. Throws StatusError 403. */
export function admitted(registry: Registry, resource: ServedResource, object: KubernetesObject): KubernetesObject {
	if (resource.name !== "pods") return object;
	const { storage } = registry;
	const { namespace = "", name = "" } = object.metadata;
	const prioritised = withPriority(storage, object as CoreV1Pod);
	if (typeof prioritised === "string") throw forbidden({ group: "", resource: "pods" }, name, prioritised);
	return withTolerations(withLimits(storage, namespace, prioritised)) as KubernetesObject;
}

/** Throws StatusError 403. `before`: undefined of a new object. */
export function checkAdmission(
	{ storage }: Registry,
	{ name: resource, group, plural }: ServedResource,
	object: KubernetesObject,
	before: KubernetesObject | undefined,
): void {
	const { namespace = "", name = "" } = object.metadata;
	const problems: string[] = [];
	if (resource === "pods" && before === undefined)
		problems.push(...podProblems(storage, namespace, object as CoreV1Pod));
	if (resource === "persistentvolumeclaims" && before?.metadata.deletionTimestamp === undefined)
		problems.push(...claimProblems(storage, namespace, object as CoreV1PersistentVolumeClaim));
	if (resource === "priorityclasses.scheduling.k8s.io") {
		const problem = secondDefault(storage, object as SchedulingV1PriorityClass, before === undefined);
		if (problem !== undefined) problems.push(problem);
	}
	const [problem] = problems;
	if (problem !== undefined)
		throw forbidden({ group, resource: plural }, name, problems.length === 1 ? problem : `[${problems.join(", ")}]`);
}
