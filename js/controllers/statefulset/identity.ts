// A StatefulSet's pods by their ordinals: names, labels, host names and claims (pkg/controller/statefulset/stateful_set_utils.go).

import type { StatefulSet } from "../../api/apps.ts";
import type { Pod, PodTemplateSpec } from "../../api/core.ts";
import type { KubernetesObject } from "../../api/meta.ts";
import { podFromTemplate, podPrefix } from "../pod.ts";

export const REVISION_LABEL = "controller-revision-hash";
/** Of a revision: the hash of its template. */
export const TEMPLATE_LABEL = "controller.kubernetes.io/hash";
const NAME_LABEL = "statefulset.kubernetes.io/pod-name";
const INDEX_LABEL = "apps.kubernetes.io/pod-index";

interface Volume {
	name: string;
	persistentVolumeClaim?: { claimName: string };
}

/** The set's name and the ordinal in a pod's name; null of any other name. */
export function parentOf(pod: Pod): { parent: string; ordinal: number } | null {
	const match = /^(.*)-([0-9]+)$/.exec(pod.metadata.name ?? "");
	const ordinal = Number(match?.[2] ?? "");
	return match === null || ordinal >= 2 ** 31 ? null : { parent: match[1] ?? "", ordinal };
}

export function isMember({ metadata }: StatefulSet, pod: Pod): boolean {
	return parentOf(pod)?.parent === metadata.name;
}

/** -1 of one whose name has none. */
export const ordinalOf = (pod: Pod) => parentOf(pod)?.ordinal ?? -1;

export const startOf = ({ spec }: StatefulSet) => spec?.ordinals?.start ?? 0;
export const replicasOf = ({ spec }: StatefulSet) => spec?.replicas ?? 1;

export function isInRange(set: StatefulSet, pod: Pod): boolean {
	const index = ordinalOf(pod) - startOf(set);
	return index >= 0 && index < replicasOf(set);
}

/** A pod as it is made. `revision`: the name of the template's. */
export function newPod(set: StatefulSet, template: PodTemplateSpec, ordinal: number, revision: string): Pod {
	const name = `${set.metadata.name}-${ordinal}`;
	const labels = { ...identityLabels(name, ordinal), [REVISION_LABEL]: revision };
	const pod = podFromTemplate(set, template, { name, generateName: podPrefix(set), labels });
	const { serviceName } = set.spec ?? {};
	const spec: NonNullable<Pod["spec"]> = { ...pod.spec, containers: pod.spec?.containers ?? [], hostname: name };
	if (serviceName) spec.subdomain = serviceName;
	return withStorage(set, { ...pod, spec });
}

const identityLabels = (name: string, ordinal: number) => ({ [NAME_LABEL]: name, [INDEX_LABEL]: String(ordinal) });

/** identityMatches. */
export function hasIdentity(set: StatefulSet, pod: Pod): boolean {
	return isMember(set, pod) && pod.metadata.labels?.[NAME_LABEL] === pod.metadata.name;
}

export function withIdentity(pod: Pod): Pod {
	const labels = { ...pod.metadata.labels, ...identityLabels(pod.metadata.name ?? "", ordinalOf(pod)) };
	return { ...pod, metadata: { ...pod.metadata, labels } };
}

export function claimName(set: StatefulSet, template: string, ordinal: number): string {
	return `${template}-${set.metadata.name}-${ordinal}`;
}

const volumesOf = ({ spec }: Pod) => (spec?.volumes as Volume[] | undefined) ?? [];
const templatesOf = ({ spec }: StatefulSet) => spec?.volumeClaimTemplates ?? [];

/** Names of the claims of a pod. */
export function claimNames(set: StatefulSet, pod: Pod): string[] {
	return templatesOf(set).map(({ metadata }) => claimName(set, metadata?.name ?? "", ordinalOf(pod)));
}

/** The claims that a pod of the set stands on. */
export function claimsOf(set: StatefulSet, pod: Pod): KubernetesObject[] {
	return templatesOf(set).map(({ metadata = {}, status: _, ...rest }) => ({
		...rest,
		apiVersion: "v1",
		kind: "PersistentVolumeClaim",
		metadata: {
			...metadata,
			name: claimName(set, metadata.name ?? "", ordinalOf(pod)),
			namespace: set.metadata.namespace ?? "default",
			labels: { ...metadata.labels, ...set.spec?.selector.matchLabels },
		},
	}));
}

/** storageMatches. */
export function hasStorage(set: StatefulSet, pod: Pod): boolean {
	const claims = new Map(
		volumesOf(pod).map(({ name, persistentVolumeClaim }) => [name, persistentVolumeClaim?.claimName]),
	);
	return templatesOf(set).every(
		({ metadata: { name = "" } = {} }) => claims.get(name) === claimName(set, name, ordinalOf(pod)),
	);
}

export function withStorage(set: StatefulSet, pod: Pod): Pod {
	const claims = templatesOf(set).map(({ metadata: { name = "" } = {} }): Volume => {
		return { name, persistentVolumeClaim: { claimName: claimName(set, name, ordinalOf(pod)) } };
	});
	if (claims.length === 0) return pod;
	const own = new Set(claims.map(({ name }) => name));
	const volumes = [...claims, ...volumesOf(pod).filter(({ name }) => !own.has(name))];
	return { ...pod, spec: { ...pod.spec, containers: pod.spec?.containers ?? [], volumes } };
}
