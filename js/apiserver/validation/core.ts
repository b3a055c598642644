// The other kinds of core/v1 (pkg/apis/core/validation/validation.go); each rule names its function there.

import type {
	CoreV1ConfigMap,
	CoreV1EndpointSubset,
	CoreV1Endpoints,
	CoreV1Namespace,
	CoreV1Node,
	CoreV1PodTemplate,
	CoreV1ResourceQuota,
	CoreV1Secret,
	CoreV1Taint,
} from "../../api/schema/types.generated.ts";
import { equalJson, type Json } from "../patch/json.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, required, tooLong } from "../status.ts";
import { IMMUTABLE, immutable } from "./apps.ts";
import { address, cidr, configKey, isAddress, publicAddress } from "./formats.ts";
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from "./names.ts";
import { taintEffect } from "./placement.ts";
import { podTemplate as template } from "./pod.ts";
import { type Quantities, quantityValue, quotaResource } from "./resources.ts";
import { each, neededOneOf, portNumber, type Rule, text } from "./rule.ts";

const DATA_MAX = 1024 * 1024;
const FROZEN = "field is immutable when `immutable` is set";

const same = (a: unknown, b: unknown) => equalJson((a ?? null) as Json, (b ?? null) as Json);
const bytesOf = (base64: string) => Math.floor((base64.replace(/[^A-Za-z0-9+/]/g, "").length * 3) / 4);
const utf8 = new TextEncoder();

/** ValidateConfigMap. */
export const configMap: Rule<CoreV1ConfigMap> = (object) => {
	const { data = {}, binaryData = {} } = object ?? {};
	const errors = Object.keys(data).flatMap((key) => {
		const place = `data[${key}]`;
		const twice = Object.hasOwn(binaryData, key)
			? [invalidValue(place, key, "duplicate of key present in binaryData")]
			: [];
		return [...text(configKey)(key, place), ...twice];
	});
	errors.push(...Object.keys(binaryData).flatMap((key) => text(configKey)(key, `binaryData[${key}]`)));
	const size =
		Object.values(data).reduce((sum, value) => sum + utf8.encode(value).length, 0) +
		Object.values(binaryData).reduce((sum, value) => sum + bytesOf(value), 0);
	return size > DATA_MAX ? [...errors, tooLong("[]", DATA_MAX)] : errors;
};

function frozen(
	fields: readonly string[],
	now: { immutable?: boolean },
	before: { immutable?: boolean },
): FieldError[] {
	if (before.immutable !== true) return [];
	const errors = now.immutable === true ? [] : [forbiddenField("immutable", FROZEN)];
	const [is, was] = [now, before] as unknown as Record<string, unknown>[];
	for (const name of fields) if (!same(is?.[name], was?.[name])) errors.push(forbiddenField(name, FROZEN));
	return errors;
}

/** ValidateConfigMapUpdate. */
export const configMapUpdate = (now: CoreV1ConfigMap, before: CoreV1ConfigMap): FieldError[] =>
	frozen(["data", "binaryData"], now, before);

const SECRET_KEYS: Readonly<Record<string, readonly string[]>> = {
	"kubernetes.io/dockercfg": [".dockercfg"],
	"kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
	"kubernetes.io/ssh-auth": ["ssh-privatekey"],
	"kubernetes.io/tls": ["tls.crt", "tls.key"],
};
const SECRET_JSON: Readonly<Record<string, readonly string[]>> = {
	"kubernetes.io/dockercfg": [".dockercfg"],
	"kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
};

/** What Go's parser says of a text that is no JSON, of its first sign at least. */
function jsonProblem(base64: string): string | null {
	const text = atob(base64);
	try {
		JSON.parse(text);
		return null;
	} catch {
		const [sign] = text.trimStart();
		return sign === undefined
			? "unexpected end of JSON input"
			: `invalid character '${sign}' looking for beginning of value`;
	}
}

const ACCOUNT = "kubernetes.io/service-account.name";

/** ValidateSecret. */
export const secret: Rule<CoreV1Secret> = (object) => {
	const { data = {}, type = "", metadata } = object ?? {};
	const errors = Object.keys(data).flatMap((key) => text(configKey)(key, `data[${key}]`));
	if (Object.values(data).reduce((sum, value) => sum + bytesOf(value), 0) > DATA_MAX)
		errors.push(tooLong("data", DATA_MAX));
	if (type === "kubernetes.io/service-account-token" && !metadata?.annotations?.[ACCOUNT])
		errors.push(required(`metadata.annotations[${ACCOUNT}]`));
	for (const key of SECRET_KEYS[type] ?? []) if (!Object.hasOwn(data, key)) errors.push(required(`data[${key}]`));
	for (const key of SECRET_JSON[type] ?? []) {
		const problem = Object.hasOwn(data, key) ? jsonProblem(data[key] ?? "") : null;
		if (problem !== null) errors.push(invalidValue(`data[${key}]`, "<secret contents redacted>", problem));
	}
	if (type === "kubernetes.io/basic-auth" && !Object.hasOwn(data, "username") && !Object.hasOwn(data, "password"))
		errors.push(required("data[username]"), required("data[password]"));
	return errors;
};

/** ValidateSecretUpdate. */
export const secretUpdate = (now: CoreV1Secret, before: CoreV1Secret): FieldError[] => [
	...immutable("type", now.type, before.type),
	...frozen(["data"], now, before),
];

const SCOPES = [
	"BestEffort",
	"CrossNamespacePodAffinity",
	"NotBestEffort",
	"NotTerminating",
	"PriorityClass",
	"Terminating",
	"VolumeAttributesClass",
];

const COMPUTE_QUOTA = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];

/** IsResourceQuotaScopeValidForResource, of standard names. */
function fitsScope(scope: string, name: string): boolean {
	if (scope === "BestEffort") return name === "pods";
	if (!["NotBestEffort", "Terminating", "NotTerminating", "PriorityClass"].includes(scope)) return true;
	return name === "pods" || COMPUTE_QUOTA.includes(name);
}

/** ValidateResourceQuotaSpec. */
export const resourceQuota: Rule<CoreV1ResourceQuota> = (object) => {
	const { hard = {}, scopes = [] } = object?.spec ?? {};
	const errors = Object.entries(hard as Quantities).flatMap(([name, value]) => [
		...quotaResource(name, `spec.hard[${name}]`),
		...quantityValue(name, value, `spec.hard[${name}]`),
	]);
	for (const scope of scopes)
		if (!SCOPES.includes(scope)) errors.push(invalidValue("spec.scopes", scopes, "unsupported scope"));
	if (scopes.some((scope) => Object.keys(hard).some((name) => !fitsScope(scope, name))))
		errors.push(invalidValue("spec.scopes", scopes, "unsupported scope applied to resource"));
	const clash = (a: string, b: string) => scopes.includes(a) && scopes.includes(b);
	if (clash("BestEffort", "NotBestEffort") || clash("Terminating", "NotTerminating"))
		errors.push(invalidValue("spec.scopes", scopes, "conflicting scopes"));
	return errors;
};

/** ValidateResourceQuotaUpdate. */
export function resourceQuotaUpdate(now: CoreV1ResourceQuota, before: CoreV1ResourceQuota): FieldError[] {
	const [is, was] = [now.spec?.scopes ?? [], before.spec?.scopes ?? []];
	return same([...is].sort(), [...was].sort()) ? [] : [invalidValue("spec.scopes", is, IMMUTABLE)];
}

/** ValidateNamespace. */
export const namespace: Rule<CoreV1Namespace> = (object) =>
	(object?.spec?.finalizers ?? []).flatMap((name) => {
		const problems = text(qualifiedName)(name, "spec.finalizers");
		const known = name.includes("/") || name === "kubernetes" || name === "orphan" || name === "foregroundDeletion";
		const detail = "name is neither a standard finalizer name nor is it fully qualified";
		return known ? problems : [...problems, invalidValue("spec.finalizers", name, detail)];
	});

/** ValidateNamespaceStatusUpdate. */
export function namespaceStatus(now: CoreV1Namespace): FieldError[] {
	const { phase = "" } = now.status ?? {};
	const place = "status.Phase";
	if (now.metadata?.deletionTimestamp === undefined)
		return phase === "Active"
			? []
			: [invalidValue(place, phase, "may only be 'Active' if `deletionTimestamp` is empty")];
	return phase === "Terminating"
		? []
		: [invalidValue(place, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")];
}

// validateNodeTaints
const taints: Rule<readonly CoreV1Taint[]> = (list = [], path) => {
	const seen = new Set<string>();
	return list.flatMap((taint, i) => {
		const { key, value = "", effect } = taint;
		const place = `${path}[${i}]`;
		const errors = text(qualifiedName)(key, `${place}.key`);
		const wrong = labelValue(value);
		if (wrong.length > 0) errors.push(invalidValue(`${place}.value`, value, wrong.join(";")));
		errors.push(...taintEffect(effect, `${place}.effect`));
		const pair = `${effect} ${key}`;
		if (seen.has(pair)) {
			const { message, ...error } = duplicate(place, { Key: key, Value: value, Effect: effect, TimeAdded: null });
			errors.push({ ...error, message: `${message}: taints must be unique by key and effect pair` });
		}
		seen.add(pair);
		return errors;
	});
};

/** ValidateNode. */
export const node: Rule<CoreV1Node> = (object) => {
	const { spec = {}, status = {} } = object ?? {};
	// Upstream's path of taints is below metadata.
	const errors = taints(spec.taints, "metadata.taints");
	for (const list of ["capacity", "allocatable"] as const)
		for (const [name, value] of Object.entries((status[list] ?? {}) as Quantities))
			errors.push(...quantityValue(name, value, `status.${list}.${name}`));
	const { podCIDRs = [] } = spec;
	errors.push(...each(cidr)(podCIDRs, "spec.podCIDRs"));
	const families = new Set(podCIDRs.map((block) => block.includes(":")));
	if (podCIDRs.length > 1 && (families.size < 2 || podCIDRs.length > 2))
		errors.push(invalidValue("spec.podCIDRs", podCIDRs, "may specify no more than one CIDR for each IP family"));
	return errors;
};

/** ValidateNodeUpdate. */
export function nodeUpdate(now: CoreV1Node, before: CoreV1Node): FieldError[] {
	const [is, was] = [now.spec ?? {}, before.spec ?? {}];
	const errors: FieldError[] = [];
	if ((was.podCIDRs ?? []).length > 0 && !same(is.podCIDRs, was.podCIDRs))
		errors.push(forbiddenField("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'));
	if (was.providerID && is.providerID !== was.providerID)
		errors.push(forbiddenField("spec.providerID", 'node updates may not change providerID except from "" to valid'));
	return errors;
}

// validateEndpointSubsets
const subset: Rule<CoreV1EndpointSubset> = (given, path) => {
	const { addresses = [], notReadyAddresses = [], ports = [] } = given ?? {};
	const errors: FieldError[] = [];
	if (addresses.length === 0 && notReadyAddresses.length === 0)
		errors.push(required(path, "must specify `addresses` or `notReadyAddresses`"));
	for (const [list, name] of [
		[addresses, "addresses"],
		[notReadyAddresses, "notReadyAddresses"],
	] as const)
		for (const [i, { ip, hostname = "", nodeName }] of list.entries()) {
			const place = `${path}.${name}[${i}]`;
			errors.push(...(isAddress(ip) ? [] : address(ip, `${place}.ip`)));
			if (hostname !== "") errors.push(...text(dnsLabel)(hostname, `${place}.hostname`));
			if (nodeName !== undefined)
				errors.push(...dnsSubdomain(nodeName).map((problem) => invalidValue(`${place}.nodeName`, nodeName, problem)));
			errors.push(...publicAddress(ip, `${place}.ip`));
		}
	return [
		...errors,
		...ports.flatMap(({ name = "", port, protocol, appProtocol }, i) => {
			const place = `${path}.ports[${i}]`;
			return [
				...(name === ""
					? ports.length > 1
						? [required(`${place}.name`)]
						: []
					: text(dnsLabel)(name, `${place}.name`)),
				...portNumber(port, `${place}.port`),
				...neededOneOf("SCTP", "TCP", "UDP")(protocol, `${place}.protocol`),
				...(appProtocol === undefined ? [] : text(qualifiedName)(appProtocol, `${place}.appProtocol`)),
			];
		}),
	];
};

/** ValidateEndpoints. */
export const endpoints: Rule<CoreV1Endpoints> = (object) => each(subset)(object?.subsets, "subsets");

/** ValidatePodTemplate. */
export const podTemplate: Rule<CoreV1PodTemplate> = (object) => template(object?.template, "template");
