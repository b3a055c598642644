// What objects count against ResourceQuotas (pkg/quota/v1/evaluator/core: pods.go, services.go, persistent_volume_claims.go,
// pkg/quota/v1/generic): names of what is limited, and how much of it one object uses. Scopes of volume attributes classes select nothing.

import type { KubernetesObject } from "./meta.ts";
import { podResources, qosClass } from "./podresources.ts";
import { addQuantities, compareQuantities } from "./quantity.ts";
import type {
	CoreV1Affinity,
	CoreV1PersistentVolumeClaim,
	CoreV1Pod,
	CoreV1PodAffinityTerm,
	CoreV1ResourceQuota,
	CoreV1ScopedResourceSelectorRequirement,
	CoreV1Service,
} from "./schema/types.generated.ts";
import { nanosOf } from "./time.ts";

/** `{ "requests.cpu": "500m", pods: "2" }`. */
export type Usage = Record<string, string>;
export type Quota = CoreV1ResourceQuota & KubernetesObject;

const POD_NAMES: ReadonlySet<string> = new Set(
	["cpu", "memory", "ephemeral-storage"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]).concat("pods"),
);
const SERVICE_NAMES: ReadonlySet<string> = new Set(["services", "services.nodeports", "services.loadbalancers"]);
/** Counted under their own names, as before there was `count/`. */
const LEGACY: ReadonlySet<string> = new Set(["configmaps", "secrets", "replicationcontrollers", "resourcequotas"]);
const CLAIMS = "persistentvolumeclaims";
const STORAGE = "requests.storage";
const BY_CLASS = ".storageclass.storage.k8s.io/";

/** Of a name in `spec.hard`: whose objects it counts, `pods`, `deployments.apps`; undefined: nobody's. */
export function countedResource(name: string): string | undefined {
	if (name.startsWith("count/")) return name.slice("count/".length);
	if (SERVICE_NAMES.has(name)) return "services";
	if (LEGACY.has(name)) return name;
	if (name === CLAIMS || name === STORAGE || name.includes(BY_CLASS)) return CLAIMS;
	const isExtended = name.startsWith("requests.") && name.includes("/");
	const isHugePages = name.startsWith("hugepages-") || name.startsWith("requests.hugepages-");
	return POD_NAMES.has(name) || isExtended || isHugePages ? "pods" : undefined;
}

/** What one object uses. `now`: ns since the epoch. */
export function usageOf(resource: string, object: KubernetesObject, now: bigint): Usage {
	const counted: Usage = { [`count/${resource}`]: "1" };
	if (LEGACY.has(resource)) counted[resource] = "1";
	if (resource === "pods") return isCharged(object as CoreV1Pod, now) ? { ...counted, ...podUsage(object) } : counted;
	if (resource === "services") return { ...counted, ...serviceUsage(object as CoreV1Service) };
	if (resource === CLAIMS) return { ...counted, ...claimUsage(object as CoreV1PersistentVolumeClaim) };
	return counted;
}

// A pod that has ended, or should have, is charged no more.
function isCharged({ metadata, status }: CoreV1Pod, now: bigint): boolean {
	if (status?.phase === "Failed" || status?.phase === "Succeeded") return false;
	const { deletionTimestamp, deletionGracePeriodSeconds: grace } = metadata ?? {};
	const deleted = nanosOf(deletionTimestamp);
	return deleted === null || grace === undefined || now <= deleted + BigInt(grace) * 1_000_000_000n;
}

function podUsage(object: KubernetesObject): Usage {
	const pod = object as CoreV1Pod;
	return computeUsage(podResources(pod, "requests"), podResources(pod, "limits"));
}

type Amounts = Readonly<Record<string, string | number>>;

function computeUsage(requests: Amounts, limits: Amounts): Usage {
	const used: Usage = { pods: "1" };
	for (const [name, amount] of Object.entries(requests)) {
		const isNative = POD_NAMES.has(name) || name.startsWith("hugepages-");
		if (isNative) used[name] = String(amount);
		if (isNative || name.includes("/")) used[`requests.${name}`] = String(amount);
	}
	for (const [name, amount] of Object.entries(limits)) if (POD_NAMES.has(name)) used[`limits.${name}`] = String(amount);
	return used;
}

function serviceUsage({ spec = {} }: CoreV1Service): Usage {
	const { ports = [] } = spec;
	const isBalanced = spec.type === "LoadBalancer";
	const isOnNodes = spec.type === "NodePort" || (isBalanced && spec.allocateLoadBalancerNodePorts !== false);
	const nodePorts = isOnNodes ? ports.length : isBalanced ? ports.filter(({ nodePort }) => nodePort).length : 0;
	return {
		services: "1",
		"services.nodeports": String(nodePorts),
		"services.loadbalancers": isBalanced ? "1" : "0",
	};
}

function claimUsage({ spec, metadata }: CoreV1PersistentVolumeClaim): Usage {
	const used: Usage = { [CLAIMS]: "1" };
	const storage = spec?.resources?.requests?.storage;
	const className = metadata?.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec?.storageClassName ?? "";
	if (className !== "") used[`${className}${BY_CLASS}${CLAIMS}`] = "1";
	if (storage === undefined) return used;
	used[STORAGE] = String(storage);
	if (className !== "") used[`${className}${BY_CLASS}${STORAGE}`] = String(storage);
	return used;
}

/** Whether an object is within a quota's scopes; without any all are. */
export function isInScope({ spec }: Quota, resource: string, object: KubernetesObject): boolean {
	const scopes = (spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" }));
	return [...scopes, ...(spec?.scopeSelector?.matchExpressions ?? [])].every(
		(scope) => resource === "pods" && podMatches(scope, object as CoreV1Pod),
	);
}

function podMatches(
	{ scopeName, operator, values = [] }: CoreV1ScopedResourceSelectorRequirement,
	{ spec }: CoreV1Pod,
): boolean {
	if (spec === undefined) return false;
	const hasDeadline = spec.activeDeadlineSeconds !== undefined;
	const className = spec.priorityClassName ?? "";
	switch (scopeName) {
		case "Terminating":
			return hasDeadline;
		case "NotTerminating":
			return !hasDeadline;
		case "BestEffort":
			return qosClass(spec) === "BestEffort";
		case "NotBestEffort":
			return qosClass(spec) !== "BestEffort";
		case "PriorityClass":
			if (operator === "Exists") return className !== "";
			if (operator === "DoesNotExist") return className === "";
			return operator === "In" ? className !== "" && values.includes(className) : !values.includes(className);
		case "CrossNamespacePodAffinity":
			return isAcrossNamespaces(spec.affinity);
		default:
			return false;
	}
}

function isAcrossNamespaces({ podAffinity, podAntiAffinity }: CoreV1Affinity = {}): boolean {
	const across = ({ namespaces = [], namespaceSelector }: CoreV1PodAffinityTerm) =>
		namespaces.length > 0 || namespaceSelector !== undefined;
	return [podAffinity, podAntiAffinity].some(
		(affinity) =>
			affinity?.requiredDuringSchedulingIgnoredDuringExecution?.some(across) === true ||
			affinity?.preferredDuringSchedulingIgnoredDuringExecution?.some((one) => across(one.podAffinityTerm)) === true,
	);
}

/** Each container says what it wants where that is limited. */
const EXPLICIT = ["cpu", "memory"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]);

/** Why an object cannot be counted; undefined where it can. `limited`: names in `status.hard`. */
export function uncountable(
	resource: string,
	object: KubernetesObject,
	limited: readonly string[],
): string | undefined {
	if (resource !== "pods") return undefined;
	const { spec } = object as CoreV1Pod;
	const wanted = EXPLICIT.filter((name) => limited.includes(name)).sort();
	const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
	const said = wanted.flatMap((name) => {
		const silent = containers
			.filter(
				({ resources = {} }) => !Object.hasOwn(computeUsage(resources.requests ?? {}, resources.limits ?? {}), name),
			)
			.map((container) => container.name)
			.sort();
		return silent.length === 0 ? [] : [`${name} for: ${silent.join(",")}`];
	});
	return said.length === 0 ? undefined : `must specify ${said.join("; ")}`;
}

export function sumOf(a: Usage, b: Usage): Usage {
	const sum = { ...a };
	for (const [name, amount] of Object.entries(b)) sum[name] = addQuantities(sum[name] ?? "0", amount);
	return sum;
}

/** Without what comes to nothing. */
export function difference(a: Usage, b: Usage): Usage {
	const minus = ([name, amount]: [string, string]) => [name, amount.startsWith("-") ? amount.slice(1) : `-${amount}`];
	return Object.fromEntries(
		Object.entries(sumOf(a, Object.fromEntries(Object.entries(b).map(minus)) as Usage)).filter(
			([, amount]) => compareQuantities(amount, "0") !== 0,
		),
	);
}

/** What of it has a name that is wanted. */
export function only(usage: Usage, names: readonly string[]): Usage {
	return Object.fromEntries(Object.entries(usage).filter(([name]) => names.includes(name)));
}

/** How much of a quota is used, by all there is. `list`: the objects of a resource in the quota's namespace. */
export function usedOf(quota: Quota, list: (resource: string) => readonly KubernetesObject[], now: bigint): Usage {
	const names = Object.keys(quota.spec?.hard ?? {});
	const used: Usage = {};
	for (const resource of new Set(names.flatMap((name) => countedResource(name) ?? []))) {
		const own = names.filter((name) => countedResource(name) === resource);
		const usages = list(resource)
			.filter((object) => isInScope(quota, resource, object))
			.map((object) => only(usageOf(resource, object, now), own));
		Object.assign(used, usages.reduce(sumOf, Object.fromEntries(own.map((name) => [name, "0"]))));
	}
	return used;
}
