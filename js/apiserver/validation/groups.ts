// Groups with one kind or a few: autoscaling, policy, rbac, scheduling, discovery, coordination
// (pkg/apis/GROUP/validation/validation.go).

import type {
	CoordinationV1Lease,
	DiscoveryV1Endpoint,
	DiscoveryV1EndpointPort,
	DiscoveryV1EndpointSlice,
	PolicyV1PodDisruptionBudget,
	RbacV1PolicyRule,
	RbacV1RoleBinding,
	RbacV1Subject,
	SchedulingV1PriorityClass,
} from "../../api/schema/types.generated.ts";
import { canonicalAddress, familyOf } from "../../net/address.ts";
import {
	duplicate,
	type FieldError,
	forbiddenField,
	invalidValue,
	notSupported,
	required,
	tooMany,
} from "../status.ts";
import { immutable } from "./apps.ts";
import { address, countOrPercent, publicAddress } from "./formats.ts";
import { dnsLabel, dnsSubdomain, pathSegment, qualifiedName } from "./names.ts";
import { each, fields, oneOf, optional, positive, type Rule, text } from "./rule.ts";
import { labelSelector } from "./selector.ts";

/** ValidatePodDisruptionBudgetSpec. */
export const disruptionBudget: Rule<PolicyV1PodDisruptionBudget> = (object) => {
	const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = object?.spec ?? {};
	const errors: FieldError[] = [];
	if (minAvailable !== undefined && maxUnavailable !== undefined)
		errors.push(
			invalidValue(
				"spec",
				{
					MinAvailable: minAvailable,
					Selector: selector ?? null,
					MaxUnavailable: maxUnavailable,
					UnhealthyPodEvictionPolicy: policy ?? null,
				},
				"minAvailable and maxUnavailable cannot be both set",
			),
		);
	const atMost = (value: string | number | undefined, path: string) =>
		typeof value === "string" && /^\d+%$/.test(value) && Number(value.slice(0, -1)) > 100
			? [invalidValue(path, value, "must not be greater than 100%")]
			: [];
	for (const [value, path] of [
		[minAvailable, "spec.minAvailable"],
		[maxUnavailable, "spec.maxUnavailable"],
	] as const)
		errors.push(...countOrPercent(value, path), ...atMost(value, path));
	errors.push(...optional(labelSelector)(selector, "spec.selector"));
	if (policy !== undefined)
		errors.push(...oneOf("AlwaysAllow", "IfHealthyBudget")(policy, "spec.unhealthyPodEvictionPolicy"));
	return errors;
};

// rbac

const ROLE_KINDS = ["Role", "ClusterRole"];
const RBAC = "rbac.authorization.k8s.io";

/** ValidatePolicyRule. */
function policyRule(namespaced: boolean): Rule<RbacV1PolicyRule> {
	return (given, path) => {
		const { verbs = [], nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] } = given ?? {};
		const errors: FieldError[] = [];
		if (verbs.length === 0) errors.push(required(`${path}.verbs`, "verbs must contain at least one value"));
		const place = `${path}.nonResourceURLs`;
		if (nonResourceURLs.length > 0) {
			if (namespaced)
				errors.push(invalidValue(place, nonResourceURLs, "namespaced rules cannot apply to non-resource URLs"));
			if (apiGroups.length + resources.length + resourceNames.length > 0)
				errors.push(
					invalidValue(place, nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs"),
				);
			return errors;
		}
		if (apiGroups.length === 0)
			errors.push(required(`${path}.apiGroups`, "resource rules must supply at least one api group"));
		if (resources.length === 0)
			errors.push(required(`${path}.resources`, "resource rules must supply at least one resource"));
		return errors;
	};
}

/** ValidateRole, ValidateClusterRole. */
export function role(namespaced: boolean): Rule<{ rules?: RbacV1PolicyRule[] }> {
	return (object) => each(policyRule(namespaced))(object?.rules, "rules");
}

// ValidateRoleBindingSubject
const subject =
	(namespaced: boolean): Rule<RbacV1Subject> =>
	(given, path) => {
		const { kind = "", name = "", namespace = "", apiGroup = "" } = given ?? {};
		const errors: FieldError[] = [];
		if (name === "") errors.push(required(`${path}.name`));
		if (kind === "ServiceAccount") {
			if (name !== "") errors.push(...text(dnsSubdomain)(name, `${path}.name`));
			if (apiGroup !== "") errors.push(notSupported(`${path}.apiGroup`, apiGroup, [""]));
			if (!namespaced && namespace === "") errors.push(required(`${path}.namespace`));
		} else if (kind === "User" || kind === "Group") {
			if (apiGroup !== RBAC) errors.push(notSupported(`${path}.apiGroup`, apiGroup, [RBAC]));
		} else {
			errors.push(notSupported(`${path}.kind`, kind, ["ServiceAccount", "User", "Group"]));
		}
		return errors;
	};

/** ValidateRoleBinding, ValidateClusterRoleBinding. */
export function roleBinding(namespaced: boolean): Rule<RbacV1RoleBinding> {
	return (object) => {
		const { kind = "", name = "", apiGroup = "" } = object?.roleRef ?? {};
		const kinds = namespaced ? ROLE_KINDS : ["ClusterRole"];
		const errors = apiGroup === RBAC ? [] : [notSupported("roleRef.apiGroup", apiGroup, [RBAC])];
		if (!kinds.includes(kind))
			errors.push(notSupported("roleRef.kind", kind, namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"]));
		if (name === "") errors.push(required("roleRef.name"));
		else errors.push(...text(pathSegment)(name, "roleRef.name"));
		return [...errors, ...each(subject(namespaced))(object?.subjects, "subjects")];
	};
}

/** ValidateRoleBindingUpdate. */
export const roleBindingUpdate = (now: RbacV1RoleBinding, before: RbacV1RoleBinding): FieldError[] =>
	immutable("roleRef", now.roleRef, before.roleRef).map(() => {
		const { apiGroup, kind, name } = now.roleRef;
		return invalidValue("roleRef", { APIGroup: apiGroup, Kind: kind, Name: name }, "cannot change roleRef");
	});

const SYSTEM_PRIORITY = "system-";
const PRIORITY_MAX = 1_000_000_000;

/** ValidatePriorityClass. */
export const priorityClass: Rule<SchedulingV1PriorityClass> = (object) => {
	const { value = 0, preemptionPolicy, metadata } = object ?? {};
	const name = metadata?.name ?? "";
	const errors: FieldError[] = [];
	const builtIn = name === "system-node-critical" || name === "system-cluster-critical";
	if (name.startsWith(SYSTEM_PRIORITY)) {
		if (!builtIn)
			errors.push(
				forbiddenField(
					"metadata.name",
					"priority class names with 'system-' prefix are reserved for system use only. error: %v is not a known system priority class".replace(
						"%v",
						name,
					),
				),
			);
	} else if (value > PRIORITY_MAX) {
		errors.push(forbiddenField("value", `maximum allowed value of a user defined priority is ${PRIORITY_MAX}`));
	}
	if (preemptionPolicy !== undefined)
		errors.push(...oneOf("PreemptLowerPriority", "Never")(preemptionPolicy, "preemptionPolicy"));
	return errors;
};

/** ValidatePriorityClassUpdate. */
export function priorityClassUpdate(now: SchedulingV1PriorityClass, before: SchedulingV1PriorityClass): FieldError[] {
	const errors: FieldError[] = [];
	if (now.value !== before.value) errors.push(forbiddenField("value", "may not be changed in an update."));
	return [...errors, ...immutable("preemptionPolicy", now.preemptionPolicy, before.preemptionPolicy)];
}

// discovery: ValidateEndpointSlice

const ADDRESSES_MAX = 100;
const ENDPOINTS_MAX = 1000;
const PORTS_MAX = 20_000;

function endpoint(type: string): Rule<DiscoveryV1Endpoint> {
	return (given, path) => {
		const { addresses = [], hostname, nodeName } = (given ?? {}) as DiscoveryV1Endpoint;
		const place = `${path}.addresses`;
		const errors: FieldError[] = [];
		if (addresses.length === 0) errors.push(required(place, "must contain at least 1 address"));
		else if (addresses.length > ADDRESSES_MAX) errors.push(tooMany(place, addresses.length, ADDRESSES_MAX));
		for (const [i, one] of addresses.entries()) {
			const where = `${place}[${i}]`;
			if (type === "FQDN") {
				errors.push(...text(dnsSubdomain)(one, where));
				continue;
			}
			const wrong = address(one, where);
			const family = canonicalAddress(one) === null ? null : familyOf(one);
			if (family !== null && (family === "ipv6") !== (type === "IPv6"))
				errors.push(invalidValue(place, one, `must be an ${type} address`));
			errors.push(...(wrong.length > 0 ? wrong : publicAddress(one, where)));
		}
		if (nodeName !== undefined) errors.push(...text(dnsSubdomain)(nodeName, `${path}.nodeName`));
		if (hostname !== undefined) errors.push(...text(dnsLabel)(hostname, `${path}.hostname`));
		return errors;
	};
}

const slicePorts: Rule<readonly DiscoveryV1EndpointPort[]> = (list = [], path) => {
	const names = new Set<string>();
	return list.flatMap(({ name = "", protocol, appProtocol }, i) => {
		const place = `${path}[${i}]`;
		const errors = name === "" ? [] : text(dnsLabel)(name, `${place}.name`);
		if (names.has(name)) errors.push(duplicate(`${place}.name`, name));
		names.add(name);
		errors.push(...oneOf("SCTP", "TCP", "UDP")(protocol, `${place}.protocol`));
		if (appProtocol !== undefined) errors.push(...text(qualifiedName)(appProtocol, `${place}.appProtocol`));
		return errors;
	});
};

/** ValidateEndpointSlice. */
export const endpointSlice: Rule<DiscoveryV1EndpointSlice> = (object) => {
	const { addressType = "", endpoints, ports } = (object ?? {}) as DiscoveryV1EndpointSlice;
	const list = endpoints ?? [];
	const errors =
		addressType === "" ? [required("addressType")] : oneOf("FQDN", "IPv4", "IPv6")(addressType, "addressType");
	if (list.length > ENDPOINTS_MAX) errors.push(tooMany("endpoints", list.length, ENDPOINTS_MAX));
	else errors.push(...each(endpoint(addressType))(list, "endpoints"));
	if ((ports ?? []).length > PORTS_MAX) errors.push(tooMany("ports", (ports ?? []).length, PORTS_MAX));
	else errors.push(...slicePorts(ports ?? [], "ports"));
	return errors;
};

/** ValidateEndpointSliceUpdate. */
export const endpointSliceUpdate = (now: DiscoveryV1EndpointSlice, before: DiscoveryV1EndpointSlice): FieldError[] =>
	immutable("addressType", now.addressType, before.addressType);

/** ValidateLease. */
export const lease: Rule<CoordinationV1Lease> = (object) =>
	fields<NonNullable<CoordinationV1Lease["spec"]>>({
		leaseDurationSeconds: optional(positive),
		leaseTransitions: optional((value = 0, path) =>
			value >= 0 ? [] : [invalidValue(path, value, "must be greater than or equal to 0")],
		),
	})(object?.spec, "spec");
