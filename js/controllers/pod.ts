// A pod made from a template, owned by its controller (pkg/controller/controller_utils.go), and which pods a
// controller owns already.

import type { Pod, PodTemplateSpec } from "../api/core.ts";
import { withMember } from "../api/member.ts";
import type { KubernetesObject, LabelSelector, ObjectMeta, OwnerReference } from "../api/meta.ts";
import { isFinished } from "../api/pod.ts";
import { selects } from "../api/selector.ts";

/** Longest name of a pod: a DNS subdomain. */
const SUBDOMAIN_MAX = 253;

export function ownerReference(owner: KubernetesObject): OwnerReference {
	const { name = "", uid = "" } = owner.metadata;
	return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Of the names that pods are given: the controller's and a dash, where a name can be made of that. */
export function podPrefix({ metadata }: KubernetesObject): string {
	const { name = "" } = metadata;
	return name.length < SUBDOMAIN_MAX ? `${name}-` : name;
}

export function podFromTemplate(owner: KubernetesObject, template: PodTemplateSpec, metadata: ObjectMeta): Pod {
	const { labels, annotations, finalizers } = template.metadata ?? {};
	const made = withMember(metadata, "namespace", owner.metadata.namespace ?? "default");
	made.labels = { ...labels, ...metadata.labels };
	made.ownerReferences = [ownerReference(owner)];
	const pod: Pod = {
		apiVersion: "v1",
		kind: "Pod",
		metadata: made,
		spec: { ...template.spec, containers: template.spec?.containers ?? [] },
	};
	if (annotations) pod.metadata.annotations = { ...annotations };
	if (finalizers) pod.metadata.finalizers = [...finalizers];
	return pod;
}

/** The controller among an object's owners. */
export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
	return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** Whether the pod is the owner's: by its owner reference, or an orphan that the selector adopts. */
export function owns(owner: KubernetesObject, selector: LabelSelector, pod: Pod): boolean {
	if (pod.metadata.namespace !== owner.metadata.namespace) return false;
	const controller = controllerOf(pod);
	if (controller === undefined) return selects(selector, pod.metadata.labels);
	return (
		controller.kind === owner.kind &&
		controller.name === owner.metadata.name &&
		(!controller.uid || !owner.metadata.uid || controller.uid === owner.metadata.uid)
	);
}

/** Whether the pod is on its way out and its containers may still run (IsPodTerminating). */
export function isTerminating(pod: Pod): boolean {
	return pod.metadata.deletionTimestamp !== undefined && !isFinished(pod);
}

/** Whether the pod counts as one of its controller's replicas: neither finished nor being deleted. */
export function isActive(pod: Pod): boolean {
	return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}
