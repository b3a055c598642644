// Admission: what a cluster's plugins make of an object before it is checked, and whether they let it in afterwards
// (k8s.io/apiserver/pkg/admission). These are the ones of a default API server that look at what a client of a network can see:
// LimitRanger, ServiceAccount, Priority, DefaultTolerationSeconds; ResourceQuota in a file of its own, and for namespaces
// NamespaceLifecycle, which is where those are.

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
import { withServiceAccount } from "./serviceaccount.ts";
import { withTolerations } from "./tolerations.ts";

/** A new object as the plugins leave it. `called`: its name, or what its name is made from. Throws StatusError 403. */
export function admitted(
	registry: Registry,
	resource: ServedResource,
	object: KubernetesObject,
	called: string,
): KubernetesObject {
	if (resource.name !== "pods") return object;
	const { storage } = registry;
	const { namespace = "" } = object.metadata;
	const unrefused = (pod: CoreV1Pod | string): CoreV1Pod => {
		if (typeof pod === "string") throw forbidden({ group: "", resource: "pods" }, called, pod);
		return pod;
	};
	const limited = withLimits(storage, namespace, object as CoreV1Pod);
	const running = registry.serviceAccounts === true ? unrefused(withServiceAccount(registry, limited)) : limited;
	return withTolerations(unrefused(withPriority(storage, running))) as KubernetesObject;
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
