// Services (pkg/apis/core/validation/validation.go: ValidateService, ValidateServiceUpdate and what they call, in their order).

import type { CoreV1Service, CoreV1ServicePort, CoreV1ServiceSpec } from "../../api/schema/types.generated.ts";
import { familyOf } from "../../net/address.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, notSupported, required } from "../status.ts";
import { address, cidr, isAddress, label, portNumberOrName, publicAddress } from "./formats.ts";
import { dnsSubdomain, qualifiedName, validateLabels } from "./names.ts";
import { all, between, each, fields, neededOneOf, oneOf, optional, portNumber, type Rule, text } from "./rule.ts";

type Spec = CoreV1ServiceSpec;

export const isHeadless = ({ clusterIPs = [] }: Spec) => clusterIPs.length === 1 && clusterIPs[0] === "None";

/** ExternallyAccessible (pkg/api/v1/service/util.go). */
export const isExternal = ({ type, externalIPs = [] }: Spec) =>
	type === "NodePort" || type === "LoadBalancer" || (type === "ClusterIP" && externalIPs.length > 0);

/** NeedsHealthCheck. */
export const needsHealthCheck = ({ type, externalTrafficPolicy }: Spec) =>
	type === "LoadBalancer" && externalTrafficPolicy === "Local";

const FAMILIES = ["IPv4", "IPv6"];
const POLICIES = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'";

const PROTOCOLS = ["SCTP", "TCP", "UDP"];

// validateServicePort
const port = fields<CoreV1ServicePort>({
	port: portNumber,
	protocol: neededOneOf(...PROTOCOLS),
	targetPort: portNumberOrName,
	appProtocol: optional(text(qualifiedName)),
});

const ports: Rule<readonly CoreV1ServicePort[]> = (list = [], path) => {
	const names = new Set<string>();
	return list.flatMap((one, i) => {
		const { name = "", ...rest } = one;
		const place = `${path}[${i}]`;
		const errors: FieldError[] = [];
		if (name === "" && list.length > 1) errors.push(required(`${place}.name`));
		if (name !== "") {
			errors.push(...label(name, `${place}.name`));
			if (names.has(name)) errors.push(duplicate(`${place}.name`, name));
			names.add(name);
		}
		return [...errors, ...port(rest as CoreV1ServicePort, place)];
	});
};

// ValidateService: what a type asks for
const byType: Rule<Spec> = (spec, path) => {
	const { type = "", clusterIPs = [], ipFamilies = [], ipFamilyPolicy, externalName = "" } = spec as Spec;
	if (type === "LoadBalancer" || type === "NodePort") {
		const refused = `may not be set to 'None' for ${type} services`;
		return isHeadless(spec as Spec) ? [invalidValue(`${path}.clusterIPs[0]`, clusterIPs[0], refused)] : [];
	}
	if (type !== "ExternalName") return [];
	const refused = "may not be set for ExternalName services";
	const name = externalName.replace(/\.$/, "");
	return [
		...(clusterIPs.length > 0 ? [forbiddenField(`${path}.clusterIPs`, refused)] : []),
		...(ipFamilies.length > 0 ? [forbiddenField(`${path}.ipFamilies`, refused)] : []),
		...(ipFamilyPolicy === undefined ? [] : [forbiddenField(`${path}.ipFamilyPolicy`, refused)]),
		...(name === "" ? [required(`${path}.externalName`)] : text(dnsSubdomain)(name, `${path}.externalName`)),
	];
};

// validateClientIPAffinityConfig
const affinity: Rule<Spec> = (spec, path) => {
	const { sessionAffinity, sessionAffinityConfig } = spec as Spec;
	const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
	if (sessionAffinity !== "ClientIP" || seconds === undefined || (seconds > 0 && seconds <= 86400)) return [];
	const place = `${path}.sessionAffinityConfig.clientIP.timeoutSeconds`;
	return [invalidValue(place, seconds, "must be greater than 0 and less than 86400")];
};

/** ValidateServiceClusterIPsRelatedFields, the part that needs no ranges. */
export const validateClusterIPs: Rule<Spec> = (given, path) => {
	const spec = given as Spec;
	if (spec.type === "ExternalName") return [];
	const { clusterIP = "", clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
	const place = `${path}.clusterIPs`;
	const errors: FieldError[] = [];
	if (clusterIP !== "" && clusterIPs.length === 0) errors.push(required(place));
	else if (clusterIP !== "" && clusterIPs[0] !== clusterIP)
		errors.push(invalidValue(place, clusterIPs, "first value must match `clusterIP`"));
	else if (clusterIP === "" && clusterIPs.length > 0)
		errors.push(invalidValue(place, clusterIPs, "must be empty when `clusterIP` is not specified"));
	for (const [i, family] of ipFamilies.entries()) {
		const where = `${path}.ipFamilies[${i}]`;
		if (!FAMILIES.includes(family)) errors.push(notSupported(where, family, FAMILIES));
		if (ipFamilies.indexOf(family) < i) errors.push(duplicate(where, family));
	}
	errors.push(...optional(oneOf(...POLICIES))(ipFamilyPolicy, `${path}.ipFamilyPolicy`));
	const addresses = clusterIPs.flatMap((ip, i) => {
		if (i === 0 && ip === "None")
			return clusterIPs.length > 1 ? [invalidValue(place, clusterIPs, "'None' must be the first and only value")] : [];
		return address(ip, `${place}[${i}]`);
	});
	errors.push(...addresses);
	if (clusterIPs.length > 2) errors.push(invalidValue(place, clusterIPs, "may only hold up to 2 values"));
	if (addresses.length > 0) return errors;
	if (clusterIPs.length > 1 && new Set(clusterIPs.map(familyOf)).size < 2)
		errors.push(invalidValue(place, clusterIPs, "may specify no more than one IP for each IP family"));
	if (isHeadless(spec)) return errors;
	for (const [i, ip] of clusterIPs.entries()) {
		const family = ipFamilies[i];
		if (family === undefined || (familyOf(ip) === "ipv6") === (family === "IPv6")) continue;
		errors.push(invalidValue(`${place}[${i}]`, ip, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``));
	}
	return errors;
};

const nodePorts: Rule<Spec> = (spec, path) => {
	const { type, ports: list = [] } = spec as Spec;
	const errors: FieldError[] = [];
	for (const [i, { nodePort }] of list.entries())
		if (nodePort && type === "ClusterIP")
			errors.push(forbiddenField(`${path}.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
	const seen = new Set<string>();
	for (const [i, { nodePort, protocol }] of list.entries()) {
		if (!nodePort) continue;
		const key = `${protocol} ${nodePort}`;
		if (seen.has(key)) errors.push(duplicate(`${path}.ports[${i}].nodePort`, nodePort));
		seen.add(key);
	}
	for (const [i, { port: number, protocol }] of list.entries()) {
		const key = `${protocol}/${number}`;
		// Upstream prints its internal ServicePort, every field of it.
		const printed = { Name: "", Protocol: protocol, AppProtocol: null, Port: number, TargetPort: 0, NodePort: 0 };
		if (seen.has(key)) errors.push(duplicate(`${path}.ports[${i}]`, printed));
		seen.add(key);
	}
	return errors;
};

const ANNOTATED_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges";

const sourceRanges: Rule<CoreV1Service> = (service) => {
	const { type, loadBalancerSourceRanges: ranges = [] } = service?.spec ?? {};
	const annotated = service?.metadata?.annotations?.[ANNOTATED_RANGES];
	const place = ranges.length > 0 ? "spec.LoadBalancerSourceRanges" : `metadata.annotations[${ANNOTATED_RANGES}]`;
	if (ranges.length === 0 && annotated === undefined) return [];
	const given = ranges.length > 0 ? ranges : (annotated ?? "").trim() === "" ? [] : (annotated ?? "").split(",");
	return [
		...(type === "LoadBalancer" ? [] : [forbiddenField(place, ONLY_LOAD_BALANCER)]),
		...given.flatMap((range, i) => cidr(range.trim(), ranges.length > 0 ? `${place}[${i}]` : place)),
	];
};

// validateLoadBalancerClassField of a new Service
const loadBalancerClass: Rule<Spec> = (spec, path) => {
	const { type, loadBalancerClass: name } = spec as Spec;
	if (name === undefined) return [];
	if (type !== "LoadBalancer") return [forbiddenField(`${path}.loadBalancerClass`, ONLY_LOAD_BALANCER)];
	return text(qualifiedName)(name, `${path}.loadBalancerClass`);
};

// validateServiceExternalTrafficPolicy
const externalTraffic: Rule<Spec> = (given, path) => {
	const spec = given as Spec;
	const { externalTrafficPolicy = "", healthCheckNodePort = 0 } = spec;
	const errors: FieldError[] = [];
	if (isExternal(spec))
		errors.push(...neededOneOf("Cluster", "Local")(externalTrafficPolicy, `${path}.externalTrafficPolicy`));
	else if (externalTrafficPolicy !== "")
		errors.push(
			invalidValue(
				`${path}.externalTrafficPolicy`,
				externalTrafficPolicy,
				"may only be set for externally-accessible services",
			),
		);
	if (!needsHealthCheck(spec) && healthCheckNodePort !== 0)
		errors.push(
			invalidValue(
				`${path}.healthCheckNodePort`,
				healthCheckNodePort,
				"may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
			),
		);
	if (needsHealthCheck(spec) && healthCheckNodePort !== 0)
		errors.push(...between(1, 65535)(healthCheckNodePort, `${path}.healthCheckNodePort`));
	return errors;
};

const spec: Rule<Spec> = all<Spec>(
	(given, path) => {
		const { ports: list = [], type } = given as Spec;
		const needs = list.length === 0 && !isHeadless(given as Spec) && type !== "ExternalName";
		return needs ? [required(`${path}.ports`)] : [];
	},
	byType,
	fields<Spec>({
		ports,
		selector: (labels = {}, path) => validateLabels(labels, path),
		sessionAffinity: neededOneOf("ClientIP", "None"),
	}),
	affinity,
	validateClusterIPs,
	fields<Spec>({
		externalIPs: each((ip = "", path) => (isAddress(ip) ? publicAddress(ip, path) : address(ip, path))),
		type: neededOneOf(...TYPES),
	}),
	nodePorts,
);

const HINTS = "service.kubernetes.io/topology-aware-hints";
const MODE = "service.kubernetes.io/topology-mode";

const topologyMode: Rule<CoreV1Service> = (service) => {
	const { [HINTS]: hints, [MODE]: mode } = service?.metadata?.annotations ?? {};
	if (hints === undefined || mode === undefined || hints === mode) return [];
	const detail = `must match annotations[${HINTS}] when both are specified`;
	return [invalidValue(`metadata.annotations[${MODE}]`, mode, detail)];
};

const afterRanges: Rule<Spec> = all<Spec>(
	(given, path) =>
		given?.allocateLoadBalancerNodePorts !== undefined && given.type !== "LoadBalancer"
			? [forbiddenField(`${path}.allocateLoadBalancerNodePorts`, ONLY_LOAD_BALANCER)]
			: [],
	loadBalancerClass,
	externalTraffic,
	(given, path) => {
		const policy = given?.internalTrafficPolicy;
		return policy === undefined ? [] : oneOf("Cluster", "Local")(policy, `${path}.internalTrafficPolicy`);
	},
	// validateServiceTrafficDistribution
	fields<Spec>({ trafficDistribution: optional(oneOf("PreferClose", "PreferSameZone", "PreferSameNode")) }),
);

/** ValidateService, metadata aside. */
export const service: Rule<CoreV1Service> = all(
	topologyMode,
	(given) => spec(given?.spec ?? {}, "spec"),
	sourceRanges,
	(given) => afterRanges(given?.spec ?? {}, "spec"),
);

/** ValidateLoadBalancerStatus, ValidateIngressLoadBalancerStatus. */
export const loadBalancerStatus: Rule<{ ingress?: readonly { ip?: string; hostname?: string }[] }> = (status, path) =>
	(status?.ingress ?? []).flatMap(({ ip = "", hostname = "" }, i) => {
		const place = `${path}.ingress[${i}]`;
		const errors = ip === "" ? [] : address(ip, `${place}.ip`);
		if (hostname === "") return errors;
		const named = `${place}.hostname`;
		const wrong = text(dnsSubdomain)(hostname, named);
		return isAddress(hostname)
			? [...errors, ...wrong, invalidValue(named, hostname, "must be a DNS name, not an IP address")]
			: [...errors, ...wrong];
	});

const CHANGED = "may not change once set";

// validateUpgradeDowngradeClusterIPs
function clusterIPChange(now: Spec, before: Spec): FieldError[] {
	if (now.type === "ExternalName" || before.type === "ExternalName") return [];
	if (isHeadless(now) && isHeadless(before)) return [];
	const [is, was] = [now.clusterIPs ?? [], before.clusterIPs ?? []];
	const place = "spec.clusterIPs";
	if (is.length === was.length)
		return was.flatMap((ip, i) => (ip === is[i] ? [] : [invalidValue(`${place}[${i}]`, is, CHANGED)]));
	const errors: FieldError[] = [];
	if (is.length === 0) return [invalidValue(`${place}[0]`, is, "primary clusterIP can not be unset")];
	if (was.length > 0 && is[0] !== was[0]) errors.push(invalidValue(`${place}[0]`, is, CHANGED));
	if (is.length === 1 && was.length > 1 && now.ipFamilyPolicy !== "SingleStack")
		errors.push(
			invalidValue(
				"spec.ipFamilyPolicy",
				now.ipFamilyPolicy ?? null,
				"must be set to 'SingleStack' when releasing the secondary clusterIP",
			),
		);
	return errors;
}

// validateUpgradeDowngradeIPFamilies
function familyChange(now: Spec, before: Spec): FieldError[] {
	if (now.type === "ExternalName" || before.type === "ExternalName" || isHeadless(now) || isHeadless(before)) return [];
	const [is, was] = [now.ipFamilies ?? [], before.ipFamilies ?? []];
	const place = "spec.ipFamilies";
	if (is.length === was.length)
		return was.flatMap((family, i) => (family === is[i] ? [] : [invalidValue(`${place}[0]`, is, CHANGED)]));
	if (is.length === 0) return [invalidValue(`${place}[0]`, is, "primary ipFamily can not be unset")];
	const errors: FieldError[] = [];
	if (was.length > 0 && is[0] !== was[0]) errors.push(invalidValue(`${place}[0]`, is, CHANGED));
	if (is.length === 1 && was.length > 1 && now.ipFamilyPolicy !== "SingleStack")
		errors.push(
			invalidValue(
				"spec.ipFamilyPolicy",
				now.ipFamilyPolicy ?? null,
				"must be set to 'SingleStack' when releasing the secondary ipFamily",
			),
		);
	return errors;
}

/** ValidateServiceUpdate, beside `service`. */
export function serviceUpdate(now: CoreV1Service, before: CoreV1Service): FieldError[] {
	const [is, was] = [now.spec ?? {}, before.spec ?? {}];
	const errors = [...clusterIPChange(is, was), ...familyChange(is, was)];
	if (was.type === "LoadBalancer" && is.type === "LoadBalancer" && was.loadBalancerClass !== is.loadBalancerClass)
		errors.push(invalidValue("spec.loadBalancerClass", is.loadBalancerClass ?? null, CHANGED));
	if (needsHealthCheck(is) && needsHealthCheck(was) && is.healthCheckNodePort !== was.healthCheckNodePort)
		errors.push(forbiddenField("spec.healthCheckNodePort", "field is immutable"));
	return errors;
}
