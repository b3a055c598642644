// Pods and the templates of pods (pkg/apis/core/validation/validation.go: ValidatePodSpec, ValidatePodCreate, ValidatePodUpdate,
// ValidatePodTemplateSpec). Not checked: annotations that fields have taken the place of, ephemeral containers, what pods and
// scheduling groups ask for as a whole.

import type {
	CoreV1HostAlias,
	CoreV1Pod,
	CoreV1PodDNSConfig,
	CoreV1PodReadinessGate,
	CoreV1PodResourceClaim,
	CoreV1PodSpec,
	CoreV1PodTemplateSpec,
	CoreV1Toleration,
} from "../../api/schema/types.generated.ts";
import { equalJson, type Json } from "../patch/json.ts";
import {
	duplicate,
	type FieldError,
	forbiddenField,
	invalidValue,
	invalidWhole,
	notFoundValue,
	required,
	tooLong,
} from "../status.ts";
import { containers, initContainers, type Surroundings } from "./container.ts";
import { address, isAddress, label, maybeText, neededText, subdomain } from "./formats.ts";
import { dnsLabel, dnsSubdomain, qualifiedName, validateAnnotations, validateLabels } from "./names.ts";
import { affinity, spreadConstraints, tolerations } from "./placement.ts";
import { requirements } from "./resources.ts";
import { below, each, fields, neededOneOf, optional, type Rule, text, unique } from "./rule.ts";
import { containersOf, hostProcess, hostUsers, operatingSystem, podSecurity } from "./security.ts";
import { validateVolumes } from "./volume.ts";

const RESTART_POLICIES = ["Always", "OnFailure", "Never"];

// validateHostAliases
const hostAlias: Rule<CoreV1HostAlias> = fields<CoreV1HostAlias>({
	ip: (ip = "", path) => (isAddress(ip) ? [] : address(ip, path)),
	hostnames: each(text(dnsSubdomain)),
});

// validatePodDNSConfig
const dnsConfig: Rule<CoreV1PodDNSConfig> = fields<CoreV1PodDNSConfig>({
	nameservers: (list = [], path) => [
		...(list.length > 3 ? [invalidValue(path, list, "must not have more than 3 nameservers")] : []),
		...each((ip: string = "", place) => address(ip, place))(list, path),
	],
	searches: each((name = "", path) => {
		if (name === ".") return [];
		// Relaxed: underscores are fine.
		return text(dnsSubdomain)(name.replace(/\.$/, "").replaceAll("_", "a"), path);
	}),
	options: each((option, path) => (option?.name ? [] : [required(path, "must not be empty")])),
});

// validateDNSPolicy and what dnsPolicy `None` asks for
const dns: Rule<CoreV1PodSpec> = (spec, path) => {
	const { dnsPolicy, dnsConfig: config } = spec as CoreV1PodSpec;
	if (dnsPolicy !== "None" || (config?.nameservers ?? []).length > 0) return [];
	if (config === undefined) return [required(`${path}.dnsConfig`, "must provide `dnsConfig` when `dnsPolicy` is None")];
	return [
		required(`${path}.dnsConfig.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None"),
	];
};

const readinessGate: Rule<CoreV1PodReadinessGate> = fields<CoreV1PodReadinessGate>({
	conditionType: text(qualifiedName),
});

// validatePodResourceClaim
const resourceClaims: Rule<readonly CoreV1PodResourceClaim[]> = (list = [], path) => {
	const names = new Set<string>();
	return list.flatMap(({ name, resourceClaimName: claim, resourceClaimTemplateName: template }, i) => {
		const place = `${path}[${i}]`;
		const errors = names.has(name) ? [duplicate(`${place}.name`, name)] : neededText(dnsLabel)(name, `${place}.name`);
		if (name) names.add(name);
		if (claim !== undefined && template !== undefined)
			errors.push(
				invalidWhole(place, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"),
			);
		if (claim === undefined && template === undefined)
			errors.push(invalidWhole(place, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"));
		return [
			...errors,
			...optional(subdomain)(claim, `${place}.resourceClaimName`),
			...optional(subdomain)(template, `${place}.resourceClaimTemplateName`),
		];
	});
};

// validatePodHostName
function hostnameOverride(
	{ hostnameOverride: name, setHostnameAsFQDN, hostNetwork: shared }: CoreV1PodSpec,
	path: string,
) {
	if (name === undefined) return [];
	const place = `${path}.hostnameOverride`;
	return [
		...(setHostnameAsFQDN === true
			? [forbiddenField(place, "may not be specified when setHostnameAsFQDN is true")]
			: []),
		...(shared === true ? [forbiddenField(place, "may not be specified when hostNetwork is true")] : []),
		...(name.length > 64 ? [tooLong(place, 64)] : []),
		...subdomain(name, place),
	];
}

// validateFileKeyRefVolumes
function fileKeys(pod: CoreV1PodSpec, path: string): FieldError[] {
	return containersOf(pod, path).flatMap(([{ env = [] }, place]) =>
		env.flatMap(({ valueFrom }, i) => {
			const { volumeName: name = "" } = valueFrom?.fileKeyRef ?? {};
			if (valueFrom?.fileKeyRef === undefined) return [];
			const where = `${place}.env[${i}].valueFrom.fileKeyRef.volumeName`;
			// Of two that are called so, which is refused anyway, upstream looks at the last.
			const found = (pod.volumes ?? []).findLast((volume) => volume.name === name);
			if (found === undefined) return [notFoundValue(where, name)];
			return found.emptyDir === undefined
				? [invalidValue(where, name, "referenced volume must be of type emptyDir")]
				: [];
		}),
	);
}

/** `name`: of the pod; null of a template. */
const spec = (given: CoreV1PodSpec | undefined, path: string, name: string | null): FieldError[] => {
	const pod = (given ?? {}) as CoreV1PodSpec;
	const { containers: regular = [] } = pod;
	const [wrongVolumes, mounted] = validateVolumes(pod.volumes ?? [], `${path}.volumes`, name);
	const around: Surroundings = {
		...{ claims: new Set((pod.resourceClaims ?? []).flatMap(({ name }) => name || [])) },
		...{ volumes: mounted, isPod: name !== null, hostUsers: pod.hostUsers !== false, restartPolicy: pod.restartPolicy },
		...{ os: pod.os && (pod.os.name ?? ""), graceSeconds: pod.terminationGracePeriodSeconds ?? 30 },
	};
	const names = new Set(regular.map(({ name }) => name));
	const first = fields<CoreV1PodSpec>({
		resourceClaims,
		containers: containers(around),
		initContainers: initContainers(around, names),
		restartPolicy: neededOneOf(...RESTART_POLICIES),
		dnsPolicy: neededOneOf("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"),
		nodeSelector: (labels = {}, place) => validateLabels(labels, place),
		affinity: optional(affinity),
		dnsConfig: optional(dnsConfig),
		readinessGates: each(readinessGate),
		topologySpreadConstraints: spreadConstraints,
	});
	const second = fields<CoreV1PodSpec>({
		serviceAccountName: maybeText(dnsSubdomain),
		nodeName: maybeText(dnsSubdomain),
		activeDeadlineSeconds: optional((seconds = 0, place) =>
			seconds < 1 || seconds > 2147483647
				? [invalidValue(place, seconds, "must be between 1 and 2147483647, inclusive")]
				: [],
		),
		hostname: optional((name = "", place) => {
			return name === "" ? [] : label(name, place);
		}),
		subdomain: optional((name = "", place) => (name === "" ? [] : label(name, place))),
		tolerations,
		priorityClassName: maybeText(dnsSubdomain),
		schedulingGates: (list = [], place) => [
			...each<{ name: string }>((gate, where) => text(qualifiedName)(gate?.name, where))(list, place),
			...unique<{ name: string }>(({ name }) => name)(list, place),
		],
		hostAliases: each(hostAlias),
		runtimeClassName: optional(subdomain),
		preemptionPolicy: optional(neededOneOf("PreemptLowerPriority", "Never")),
		overhead: (amounts, place) => requirements(amounts === undefined ? {} : { limits: amounts }, place),
	});
	return [
		...wrongVolumes,
		...first(pod, path),
		...podSecurity(pod, path),
		...dns(pod, path),
		...hostNetwork(pod, path),
		...hostProcess(pod, path),
		...hostUsers(pod, path),
		...hostnameOverride(pod, path),
		...second(pod, path),
		...operatingSystem(pod, path),
		...fileKeys(pod, path),
	];
};

// validateHostNetwork
function hostNetwork({ hostNetwork: shared, containers: list = [] }: CoreV1PodSpec, path: string): FieldError[] {
	if (shared !== true) return [];
	return list.flatMap(({ ports = [] }, i) =>
		ports.flatMap(({ hostPort, containerPort }, j) => {
			const place = `${path}.containers[${i}].ports[${j}].hostPort`;
			return (hostPort ?? 0) === (containerPort ?? 0) || hostPort === undefined
				? []
				: [invalidValue(place, hostPort, "must match `containerPort` when `hostNetwork` is true")];
		}),
	);
}

/** ValidatePodTemplateSpec. */
export const podTemplate: Rule<CoreV1PodTemplateSpec> = (template, path) => {
	const { metadata = {}, spec: pod } = template ?? {};
	return [
		...validateLabels(metadata.labels ?? {}, below(path, "labels")),
		...validateAnnotations(metadata.annotations ?? {}, below(path, "annotations")),
		...spec(pod, below(path, "spec"), null),
		...((pod?.ephemeralContainers ?? []).length > 0
			? [forbiddenField(`${path}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template")]
			: []),
	];
};

/** Of validatePodMetadataAndSpec: a token is of an account. */
function tokens({ serviceAccountName, volumes = [] }: CoreV1PodSpec): FieldError[] {
	if (serviceAccountName) return [];
	return volumes.flatMap(({ projected }, i) =>
		(projected?.sources ?? []).flatMap(({ serviceAccountToken }, j) =>
			serviceAccountToken === undefined
				? []
				: [
						forbiddenField(
							`spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`,
							"must not be specified when serviceAccountName is not set",
						),
					],
		),
	);
}

/** ValidatePodCreate. */
export const pod: Rule<CoreV1Pod> = (object) => {
	const given = object?.spec as CoreV1PodSpec;
	const errors = [...spec(given, "spec", object?.metadata?.name ?? ""), ...tokens(given)];
	if ((given?.ephemeralContainers ?? []).length > 0)
		errors.push(forbiddenField("spec.ephemeralContainers", "cannot be set on create"));
	if ((given?.schedulingGates ?? []).length > 0 && given?.nodeName)
		errors.push(forbiddenField("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
	return errors;
};

const MAY_CHANGE =
	"pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** ValidatePodUpdate. */
export function podUpdate(now: CoreV1Pod, before: CoreV1Pod): FieldError[] {
	const [is, was] = [now.spec, before.spec] as [CoreV1PodSpec, CoreV1PodSpec];
	for (const name of ["containers", "initContainers"] as const)
		if ((is[name] ?? []).length !== (was[name] ?? []).length)
			return [forbiddenField(`spec.${name}`, "pod updates may not add or remove containers")];
	const errors = deadlineChange(is, was);
	if (!onlyAdds(is.tolerations ?? [], was.tolerations ?? []))
		errors.push(
			forbiddenField("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"),
		);
	const fixed = comparable(is, was);
	if (!equalJson(fixed as unknown as Json, was as unknown as Json)) errors.push(forbiddenField("spec", MAY_CHANGE));
	return errors;
}

function deadlineChange(
	{ activeDeadlineSeconds: is }: CoreV1PodSpec,
	{ activeDeadlineSeconds: was }: CoreV1PodSpec,
): FieldError[] {
	if (was === undefined || was === is) return [];
	const place = "spec.activeDeadlineSeconds";
	if (is === undefined) return [invalidValue(place, null, "must not update from a positive integer to nil value")];
	return is > was ? [invalidValue(place, is, `must be less than or equal to previous value`)] : [];
}

const sameToleration = (a: CoreV1Toleration, b: CoreV1Toleration) =>
	a.key === b.key && a.operator === b.operator && a.value === b.value && a.effect === b.effect;
const onlyAdds = (is: readonly CoreV1Toleration[], was: readonly CoreV1Toleration[]) =>
	was.every((old) => is.some((one) => sameToleration(one, old)));

/** `is` with everything that an update may change as it was. */
function comparable(is: CoreV1PodSpec, was: CoreV1PodSpec): CoreV1PodSpec {
	const image = <T extends { image?: string }>(list: readonly T[] | undefined, old: readonly T[] | undefined) =>
		list?.map((one, i) => withField(one, "image", old?.[i]?.image));
	let result: CoreV1PodSpec = { ...is, containers: image(is.containers, was.containers) ?? [] };
	if (is.initContainers !== undefined) result.initContainers = image(is.initContainers, was.initContainers) ?? [];
	for (const name of ["activeDeadlineSeconds", "tolerations"] as const) result = withField(result, name, was[name]);
	if ((was.terminationGracePeriodSeconds ?? 0) < 0 && is.terminationGracePeriodSeconds === 1)
		result = withField(result, "terminationGracePeriodSeconds", was.terminationGracePeriodSeconds);
	return gates(result, was);
}

/** Scheduling gates may go; while there are any, more may be asked of the node. */
function gates(is: CoreV1PodSpec, was: CoreV1PodSpec): CoreV1PodSpec {
	const known = new Set((was.schedulingGates ?? []).map(({ name }) => name));
	const onlyGone = (is.schedulingGates ?? []).every(({ name }) => known.has(name));
	return onlyGone ? withField(is, "schedulingGates", was.schedulingGates) : is;
}

function withField<T extends object, K extends keyof T>(object: T, name: K, value: T[K] | undefined): T {
	const { [name]: _, ...rest } = object;
	return (value === undefined ? rest : { ...rest, [name]: value }) as T;
}
