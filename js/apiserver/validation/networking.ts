// networking.k8s.io/v1 (pkg/apis/networking/validation/validation.go).

import type {
	NetworkingV1HTTPIngressPath,
	NetworkingV1Ingress,
	NetworkingV1IngressBackend,
	NetworkingV1IngressClass,
	NetworkingV1IngressRule,
	NetworkingV1IPAddress,
	NetworkingV1IPBlock,
	NetworkingV1NetworkPolicy,
	NetworkingV1NetworkPolicyEgressRule,
	NetworkingV1NetworkPolicyIngressRule,
	NetworkingV1NetworkPolicyPeer,
	NetworkingV1NetworkPolicyPort,
	NetworkingV1ServiceCIDR,
} from "../../api/schema/types.generated.ts";
import { parsePrefix, prefixContains } from "../../net/address.ts";
import { type FieldError, forbiddenField, invalidValue, notSupported, required, tooLong } from "../status.ts";
import { immutable } from "./apps.ts";
import { cidr, domainPrefixedPath, isAddress, maybeText, portName, strictCidr, wildcardSubdomain } from "./formats.ts";
import { dnsLabel, dnsSubdomain, pathSegment } from "./names.ts";
import { each, fields, first, needed, oneOf, optional, portNumber, type Rule, text } from "./rule.ts";
import { labelSelector } from "./selector.ts";

// validateIngressBackend
const backend: Rule<NetworkingV1IngressBackend> = (given, path) => {
	const { service, resource } = given ?? {};
	if (resource !== undefined && service !== undefined)
		return [invalidValue(path, "", "cannot set both resource and service backends")];
	if (resource !== undefined) {
		return [
			...needed<string>()(resource.kind, `${path}.resource.kind`),
			...needed<string>()(resource.name, `${path}.resource.name`),
		];
	}
	if (service === undefined) return [invalidValue(path, "", "resource or service backend is required")];
	const { name = "", port } = service;
	const place = `${path}.service`;
	const errors = name === "" ? [required(`${place}.name`)] : text(dnsLabel)(name, `${place}.name`);
	const { name: named = "", number = 0 } = port ?? {};
	if (named !== "" && number !== 0) errors.push(invalidValue(path, "", "cannot set both port name & port number"));
	else if (named !== "") errors.push(...text(portName)(named, `${place}.port.name`));
	else if (number !== 0) errors.push(...portNumber(number, `${place}.port.number`));
	else errors.push(required(path, "port name or number is required"));
	return errors;
};

const PATH_TYPES = ["Exact", "ImplementationSpecific", "Prefix"];
const BAD_SEQUENCES = ["//", "/./", "/../", "%2f", "%2F"];
const BAD_ENDS = ["/..", "/."];

// validateHTTPIngressPath
const httpPath: Rule<NetworkingV1HTTPIngressPath> = (given, path) => {
	const { pathType, path: value = "" } = (given ?? {}) as NetworkingV1HTTPIngressPath;
	const place = `${path}.path`;
	const errors: FieldError[] = [];
	if (pathType === undefined) return [required(`${path}.pathType`, "pathType must be specified")];
	if (pathType === "Exact" || pathType === "Prefix") {
		if (!value.startsWith("/")) errors.push(invalidValue(place, value, "must be an absolute path"));
		if (value.length > 0) {
			for (const bad of BAD_SEQUENCES)
				if (value.includes(bad)) errors.push(invalidValue(place, value, `must not contain '${bad}'`));
			for (const bad of BAD_ENDS)
				if (value.endsWith(bad)) errors.push(invalidValue(place, value, `cannot end with '${bad}'`));
		}
	} else if (pathType === "ImplementationSpecific") {
		if (value !== "" && !value.startsWith("/")) errors.push(invalidValue(place, value, "must be an absolute path"));
	} else {
		errors.push(notSupported(`${path}.pathType`, pathType, PATH_TYPES));
	}
	return [...errors, ...backend(given?.backend, `${path}.backend`)];
};

const host: Rule<string> = (name = "", path) => {
	if (name === "") return [];
	if (isAddress(name)) return [invalidValue(path, name, "must be a DNS name, not an IP address")];
	return text(name.includes("*") ? wildcardSubdomain : dnsSubdomain)(name, path);
};

const rule: Rule<NetworkingV1IngressRule> = fields<NetworkingV1IngressRule>({
	host,
	http: optional((http, path) => {
		const paths = http?.paths ?? [];
		return paths.length === 0 ? [required(`${path}.paths`)] : each(httpPath)(paths, `${path}.paths`);
	}),
});

/** ValidateIngressCreate. */
export const ingress: Rule<NetworkingV1Ingress> = (object) => {
	const { rules = [], defaultBackend, ingressClassName, tls = [] } = object?.spec ?? {};
	const errors: FieldError[] = [];
	if (rules.length === 0 && defaultBackend === undefined)
		errors.push(
			invalidValue("spec", object?.spec?.rules ?? null, "either `defaultBackend` or `rules` must be specified"),
		);
	errors.push(...each(rule)(rules, "spec.rules"));
	if (defaultBackend !== undefined) errors.push(...backend(defaultBackend, "spec.defaultBackend"));
	if (ingressClassName !== undefined) errors.push(...text(dnsSubdomain)(ingressClassName, "spec.ingressClassName"));
	return [
		...errors,
		...tls.flatMap(({ hosts = [], secretName = "" }, i) => [
			...each<string>((name = "", path) => text(name.includes("*") ? wildcardSubdomain : dnsSubdomain)(name, path))(
				hosts,
				`spec.tls[${i}].hosts`,
			),
			...maybeText(dnsSubdomain)(secretName, `spec.tls[${i}].secretName`),
		]),
	];
};

const CONTROLLER_MAX = 250;

/** ValidateIngressClass. */
export const ingressClass: Rule<NetworkingV1IngressClass> = (object) => {
	const { controller = "", parameters } = object?.spec ?? {};
	const place = "spec.parameters";
	const errors: FieldError[] = [];
	if (controller === "") errors.push(required("spec.controller"));
	else if (controller.length > CONTROLLER_MAX) errors.push(tooLong("spec.controller", CONTROLLER_MAX));
	else errors.push(...text(domainPrefixedPath)(controller, "spec.controller"));
	if (parameters === undefined) return errors;
	const { scope, namespace } = parameters;
	errors.push(
		...needed<string>()(parameters.kind, `${place}.kind`),
		...needed<string>()(parameters.name, `${place}.name`),
	);
	if (scope === undefined) errors.push(required(`${place}.scope`));
	else errors.push(...oneOf("Cluster", "Namespace")(scope, `${place}.scope`));
	if (scope === "Namespace" && !namespace)
		errors.push(required(`${place}.namespace`, "`parameters.scope` is set to 'Namespace'"));
	if (scope === "Cluster" && namespace)
		errors.push(forbiddenField(`${place}.namespace`, "`parameters.scope` is set to 'Cluster'"));
	return errors;
};

export const ingressClassUpdate = (now: NetworkingV1IngressClass, before: NetworkingV1IngressClass): FieldError[] =>
	immutable("spec.controller", now.spec?.controller, before.spec?.controller);

// ValidateNetworkPolicyPort
const policyPort: Rule<NetworkingV1NetworkPolicyPort> = (given, path) => {
	const { protocol, port, endPort } = given ?? {};
	const errors: FieldError[] = [];
	if (protocol !== undefined) errors.push(...oneOf("TCP", "UDP", "SCTP")(protocol, `${path}.protocol`));
	const place = `${path}.endPort`;
	if (port === undefined) {
		if (endPort !== undefined)
			errors.push(invalidValue(place, endPort, "may not be specified when `port` is not specified"));
		return errors;
	}
	if (typeof port === "string") {
		if (endPort !== undefined)
			errors.push(invalidValue(place, endPort, "may not be specified when `port` is non-numeric"));
		return [...errors, ...text(portName)(port, `${path}.port`)];
	}
	errors.push(...portNumber(port, `${path}.port`));
	if (endPort !== undefined && endPort < port)
		errors.push(invalidValue(place, port, "must be greater than or equal to `port`"));
	else if (endPort !== undefined) errors.push(...portNumber(endPort, place));
	return errors;
};

// ValidateIPBlock
const ipBlock: Rule<NetworkingV1IPBlock> = (given, path) => {
	const { cidr: block = "", except = [] } = (given ?? {}) as NetworkingV1IPBlock;
	if (block === "") return [required(`${path}.cidr`)];
	const errors = cidr(block, `${path}.cidr`);
	const around = parsePrefix(block);
	if (errors.length > 0 || around === null) return errors;
	return except.flatMap((hole, i) => {
		const place = `${path}.except[${i}]`;
		const wrong = cidr(hole, place);
		const inner = parsePrefix(hole);
		if (wrong.length > 0 || inner === null) return wrong;
		const inside =
			inner.family === around.family && prefixContains(around, inner.address) && inner.length > around.length;
		return inside ? [] : [invalidValue(place, hole, "must be a strict subset of `cidr`")];
	});
};

// ValidateNetworkPolicyPeer
const peer: Rule<NetworkingV1NetworkPolicyPeer> = (given, path) => {
	const { podSelector, namespaceSelector, ipBlock: block } = given ?? {};
	const errors = [
		...optional(labelSelector)(podSelector, `${path}.podSelector`),
		...optional(labelSelector)(namespaceSelector, `${path}.namespaceSelector`),
		...optional(ipBlock)(block, `${path}.ipBlock`),
	];
	const selectors = podSelector !== undefined || namespaceSelector !== undefined;
	if (!selectors && block === undefined) errors.push(required(path, "must specify a peer"));
	if (selectors && block !== undefined)
		errors.push(forbiddenField(path, "may not specify both ipBlock and another peer"));
	return errors;
};

/** ValidateNetworkPolicySpec. */
export const networkPolicy: Rule<NetworkingV1NetworkPolicy> = (object) => {
	const { podSelector, ingress: inward = [], egress = [], policyTypes = [] } = object?.spec ?? {};
	const errors = labelSelector(podSelector, "spec.podSelector");
	errors.push(
		...each(fields<NetworkingV1NetworkPolicyIngressRule>({ ports: each(policyPort), from: each(peer) }))(
			inward,
			"spec.ingress",
		),
		...each(fields<NetworkingV1NetworkPolicyEgressRule>({ ports: each(policyPort), to: each(peer) }))(
			egress,
			"spec.egress",
		),
	);
	if (policyTypes.length > 2)
		return [...errors, invalidValue("spec.policyTypes", policyTypes, "may not specify more than two policyTypes")];
	return [
		...errors,
		...policyTypes.flatMap((type, i) =>
			type === "Ingress" || type === "Egress"
				? []
				: [notSupported(`spec.policyTypes[${i}]`, type, ["Ingress", "Egress"])],
		),
	];
};

/** ValidateServiceCIDR. */
export const serviceCIDR: Rule<NetworkingV1ServiceCIDR> = (object) => {
	const { cidrs = [] } = object?.spec ?? {};
	const place = "spec.cidrs";
	if (cidrs.length === 0) return [required(place, "at least one CIDR required")];
	const errors: FieldError[] = [];
	if (cidrs.length > 2) return [invalidValue(place, { CIDRs: cidrs }, "may only hold up to 2 values")];
	if (cidrs.length > 1 && new Set(cidrs.map((block) => parsePrefix(block)?.family)).size < 2)
		errors.push(
			invalidValue(
				place,
				cidrs,
				"may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96",
			),
		);
	return [...errors, ...each(first(cidr, strictCidr))(cidrs, place)];
};

export const serviceCIDRUpdate = (now: NetworkingV1ServiceCIDR, before: NetworkingV1ServiceCIDR): FieldError[] =>
	immutable("spec.cidrs", now.spec?.cidrs, before.spec?.cidrs);

/** ValidateIPAddress. */
export const ipAddress: Rule<NetworkingV1IPAddress> = (object) => {
	const ref = object?.spec?.parentRef;
	const place = "spec.parentRef";
	if (ref === undefined) return [required(place)];
	return [
		...maybeText(dnsSubdomain)(ref.group, `${place}.group`),
		...needed<string>()(ref.resource, `${place}.resource`),
		...needed<string>()(ref.name, `${place}.name`),
		...maybeText(pathSegment)(ref.namespace, `${place}.namespace`),
	];
};

export const ipAddressUpdate = (now: NetworkingV1IPAddress, before: NetworkingV1IPAddress): FieldError[] =>
	immutable("spec.parentRef", now.spec?.parentRef, before.spec?.parentRef);
