// What the OpenAPI document does not say of a resource: short names and categories as `kubectl api-resources` shows them, and
// the rule that names follow (pkg/registry/*/*/storage/storage.go, strategy.go; pkg/apis/*/validation).

import { isAddress } from "../validation/formats.ts";
import { dnsLabel, dnsSubdomain, type NameRule, pathSegment } from "../validation/names.ts";

/** By `qualified` name: short names. */
export const SHORT_NAMES: Readonly<Record<string, readonly string[]>> = {
	configmaps: ["cm"],
	endpoints: ["ep"],
	events: ["ev"],
	"events.events.k8s.io": ["ev"],
	limitranges: ["limits"],
	namespaces: ["ns"],
	nodes: ["no"],
	persistentvolumeclaims: ["pvc"],
	persistentvolumes: ["pv"],
	pods: ["po"],
	replicationcontrollers: ["rc"],
	resourcequotas: ["quota"],
	serviceaccounts: ["sa"],
	services: ["svc"],
	"customresourcedefinitions.apiextensions.k8s.io": ["crd", "crds"],
	"daemonsets.apps": ["ds"],
	"deployments.apps": ["deploy"],
	"replicasets.apps": ["rs"],
	"statefulsets.apps": ["sts"],
	"horizontalpodautoscalers.autoscaling": ["hpa"],
	"cronjobs.batch": ["cj"],
	"ingresses.networking.k8s.io": ["ing"],
	"ipaddresses.networking.k8s.io": ["ip"],
	"networkpolicies.networking.k8s.io": ["netpol"],
	"poddisruptionbudgets.policy": ["pdb"],
	"priorityclasses.scheduling.k8s.io": ["pc"],
	"storageclasses.storage.k8s.io": ["sc"],
};

export const CATEGORIES: Readonly<Record<string, readonly string[]>> = {
	"customresourcedefinitions.apiextensions.k8s.io": ["api-extensions"],
	...Object.fromEntries(
		[
			...["pods", "replicationcontrollers", "services", "daemonsets.apps", "deployments.apps", "replicasets.apps"],
			...["statefulsets.apps", "horizontalpodautoscalers.autoscaling", "cronjobs.batch", "jobs.batch"],
		].map((name) => [name, ["all"]]),
	),
};

const ipAddressName: NameRule = (name) =>
	isAddress(name) ? [] : ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"];

const RULES: Readonly<Record<string, NameRule>> = {
	namespaces: dnsLabel,
	// RelaxedServiceNameValidation: what DNS allows, a digit first too.
	services: dnsLabel,
	"ipaddresses.networking.k8s.io": ipAddressName,
	"roles.rbac.authorization.k8s.io": pathSegment,
	"rolebindings.rbac.authorization.k8s.io": pathSegment,
	"clusterroles.rbac.authorization.k8s.io": pathSegment,
	"clusterrolebindings.rbac.authorization.k8s.io": pathSegment,
};

export function nameRule(resource: string): NameRule {
	return RULES[resource] ?? dnsSubdomain;
}

/** Whether a resource counts its generations: custom ones all do. */
export const countsGenerations = ({ name, custom }: { name: string; custom?: unknown }) =>
	custom !== undefined || GENERATIONS.has(name);

/** Resources whose `spec` another one's update must not be mistaken for: kinds that count `metadata.generation`. */
export const GENERATIONS: ReadonlySet<string> = new Set([
	...["pods", "replicationcontrollers", "daemonsets.apps", "deployments.apps", "replicasets.apps", "statefulsets.apps"],
	...["jobs.batch", "cronjobs.batch", "ingresses.networking.k8s.io", "networkpolicies.networking.k8s.io"],
	...["ingressclasses.networking.k8s.io", "poddisruptionbudgets.policy", "priorityclasses.scheduling.k8s.io"],
	...["customresourcedefinitions.apiextensions.k8s.io", "endpointslices.discovery.k8s.io", "podtemplates"],
]);
