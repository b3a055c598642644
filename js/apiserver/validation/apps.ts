// Workloads of apps/v1 and ReplicationControllers (pkg/apis/apps/validation/validation.go, pkg/apis/core/validation/validation.go).

import type { IntOrString } from "../../api/meta.ts";
import type {
	AppsV1ControllerRevision,
	AppsV1DaemonSet,
	AppsV1DaemonSetSpec,
	AppsV1DaemonSetUpdateStrategy,
	AppsV1Deployment,
	AppsV1DeploymentSpec,
	AppsV1DeploymentStrategy,
	AppsV1ReplicaSet,
	AppsV1ReplicaSetSpec,
	AppsV1RollingUpdateDaemonSet,
	AppsV1RollingUpdateDeployment,
	AppsV1StatefulSet,
	AppsV1StatefulSetPersistentVolumeClaimRetentionPolicy,
	AppsV1StatefulSetSpec,
	AppsV1StatefulSetUpdateStrategy,
	CoreV1PodTemplateSpec,
	CoreV1ReplicationController,
	MetaV1LabelSelector,
} from "../../api/schema/types.generated.ts";
import { selectsLabels } from "../../api/selector.ts";
import { equalJson, type Json } from "../patch/json.ts";
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from "../status.ts";
import { atMostAll, countOrPercent } from "./formats.ts";
import { podTemplate } from "./pod.ts";
import { fields, neededOneOf, notNegative, optional, type Rule } from "./rule.ts";
import { isEmptySelector, labelSelector, selectedBy, workloadSelector } from "./selector.ts";

const UNMATCHED = "`selector` does not match template `labels`";
const ONLY_ALWAYS = ["Always"];

const same = (a: unknown, b: unknown) => equalJson((a ?? null) as Json, (b ?? null) as Json);
export const IMMUTABLE = "field is immutable";

/** ValidateImmutableField. */
export const immutable = (field: string, now: unknown, before: unknown): FieldError[] =>
	same(now, before) ? [] : [invalidValue(field, now ?? null, IMMUTABLE)];

/** That the labels of a template are selected; no selector at all selects nothing. */
function unmatched(
	selector: MetaV1LabelSelector | undefined,
	labels: Record<string, string> | undefined,
	path: string,
): FieldError[] {
	const misses = selector === undefined || selectedBy(selector, labels) === false;
	return misses ? [invalidValue(`${path}.metadata.labels`, labels ?? null, UNMATCHED)] : [];
}

const isReadable = (selector: MetaV1LabelSelector | undefined) =>
	selector === undefined || labelSelector(selector, "").length === 0;

/** A selector that cannot be read is said twice, and then nothing of the template. */
const unreadable = (selector: MetaV1LabelSelector | undefined, path: string): FieldError[] =>
	isReadable(selector) ? [] : [invalidValue(path, selector, "invalid label selector")];

/** ValidatePodTemplateSpecForReplicaSet: what a template must be so that its pods can be looked after. */
function template(selector: MetaV1LabelSelector | undefined, deadline: string): Rule<CoreV1PodTemplateSpec> {
	return (given, path) => {
		if (!isReadable(selector)) return unreadable(selector, path.replace(/template$/, "selector"));
		const labels = given?.metadata?.labels;
		const errors = [...unmatched(selector, labels, path), ...podTemplate(given, path)];
		const { restartPolicy = "", activeDeadlineSeconds } = given?.spec ?? {};
		if (restartPolicy !== "Always") errors.push(notSupported(`${path}.spec.restartPolicy`, restartPolicy, ONLY_ALWAYS));
		if (activeDeadlineSeconds !== undefined)
			errors.push(forbiddenField(`${path}.spec.activeDeadlineSeconds`, deadline));
		return errors;
	};
}

const isNone = (value: IntOrString | undefined) => value === 0 || (typeof value === "string" && /^0+%$/.test(value));

// ValidateRollingUpdateDeployment
const rollingUpdate: Rule<AppsV1RollingUpdateDeployment> = (given, path) => {
	const { maxUnavailable, maxSurge } = given ?? {};
	const place = `${path}.maxUnavailable`;
	const errors = [...countOrPercent(maxUnavailable, place), ...countOrPercent(maxSurge, `${path}.maxSurge`)];
	if (isNone(maxUnavailable) && isNone(maxSurge))
		errors.push(invalidValue(place, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
	return [...errors, ...atMostAll(maxUnavailable, place)];
};

// ValidateDeploymentStrategy
const strategy: Rule<AppsV1DeploymentStrategy> = (given, path) => {
	const { type = "", rollingUpdate: rolling } = given ?? {};
	if (type === "Recreate")
		return rolling === undefined
			? []
			: [forbiddenField(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
	if (type === "RollingUpdate")
		return rolling === undefined
			? [required(`${path}.rollingUpdate`, "this should be defaulted and never be nil")]
			: rollingUpdate(rolling, `${path}.rollingUpdate`);
	return [notSupported(path, { Type: type, RollingUpdate: null }, ["Recreate", "RollingUpdate"])];
};

// ValidateDeploymentSpec
const deploymentSpec: Rule<AppsV1DeploymentSpec> = (spec, path) => {
	const { minReadySeconds = 0, progressDeadlineSeconds: deadline } = spec ?? {};
	const errors = fields<AppsV1DeploymentSpec>({
		replicas: notNegative,
		selector: workloadSelector("empty selector is invalid for deployment"),
		template: template(spec?.selector, "activeDeadlineSeconds in ReplicaSet is not Supported"),
		strategy,
		minReadySeconds: notNegative,
		revisionHistoryLimit: optional(notNegative),
		progressDeadlineSeconds: optional(notNegative),
	})(spec, path);
	if (deadline !== undefined && deadline <= minReadySeconds)
		errors.push(invalidValue(`${path}.progressDeadlineSeconds`, deadline, "must be greater than minReadySeconds"));
	return errors;
};

/** ValidateDeployment. */
export const deployment: Rule<AppsV1Deployment> = (object) => deploymentSpec(object?.spec, "spec");

/** deploymentStrategy.ValidateUpdate (pkg/registry/apps/deployment/strategy.go). */
export const selectorUpdate = (
	now: { spec?: { selector?: unknown } },
	before: { spec?: { selector?: unknown } },
): FieldError[] => immutable("spec.selector", now.spec?.selector, before.spec?.selector);

// ValidateReplicaSetSpec
const replicaSetSpec: Rule<AppsV1ReplicaSetSpec> = (spec, path) =>
	fields<AppsV1ReplicaSetSpec>({
		replicas: notNegative,
		minReadySeconds: notNegative,
		selector: workloadSelector("empty selector is invalid for deployment"),
		template: template(spec?.selector, "activeDeadlineSeconds in ReplicaSet is not Supported"),
	})(spec, path);

/** ValidateReplicaSet. */
export const replicaSet: Rule<AppsV1ReplicaSet> = (object) => replicaSetSpec(object?.spec, "spec");

/** ValidateReplicationController. */
export const replicationController: Rule<CoreV1ReplicationController> = (object) => {
	const { spec = {} } = object ?? {};
	const { selector = {}, template: given, minReadySeconds, replicas } = spec;
	const errors = notNegative(minReadySeconds, "spec.minReadySeconds");
	if (Object.keys(selector).length === 0) errors.push(required("spec.selector"));
	errors.push(...notNegative(replicas, "spec.replicas"));
	if (given === undefined) return [...errors, required("spec.template")];
	const labels = given.metadata?.labels;
	if (!selectsLabels(selector, labels))
		errors.push(invalidValue("spec.template.metadata.labels", labels ?? null, UNMATCHED));
	const deadline = "activeDeadlineSeconds in ReplicationController is not Supported";
	return [...errors, ...template({}, deadline)(given, "spec.template")];
};

// ValidateRollingUpdateDaemonSet
const rollingDaemons: Rule<AppsV1RollingUpdateDaemonSet> = (given, path) => {
	const { maxUnavailable, maxSurge } = given ?? {};
	const [least, most] = [`${path}.maxUnavailable`, `${path}.maxSurge`];
	const errors = [...countOrPercent(maxUnavailable, least), ...atMostAll(maxUnavailable, least)];
	errors.push(...countOrPercent(maxSurge, most), ...atMostAll(maxSurge, most));
	if (!isNone(maxUnavailable) && !isNone(maxSurge))
		errors.push(invalidValue(most, maxSurge, "may not be set when maxUnavailable is non-zero"));
	if (isNone(maxUnavailable) && isNone(maxSurge)) errors.push(required(least, "cannot be 0 when maxSurge is 0"));
	return errors;
};

// ValidateDaemonSetUpdateStrategy
const daemonStrategy: Rule<AppsV1DaemonSetUpdateStrategy> = (given, path) => {
	const { type = "", rollingUpdate: rolling } = given ?? {};
	if (type === "OnDelete") return [];
	if (type === "RollingUpdate")
		return rolling === undefined
			? [required(`${path}.rollingUpdate`)]
			: rollingDaemons(rolling, `${path}.rollingUpdate`);
	return [notSupported(path, { Type: type, RollingUpdate: null }, ["RollingUpdate", "OnDelete"])];
};

// ValidateDaemonSetSpec
const daemonSetSpec: Rule<AppsV1DaemonSetSpec> = (spec, path) => {
	const { selector, template: given } = spec ?? {};
	const labels = given?.metadata?.labels;
	const { restartPolicy = "", activeDeadlineSeconds } = given?.spec ?? {};
	const place = `${path}.template`;
	const errors = optional(labelSelector)(selector, `${path}.selector`);
	errors.push(...unmatched(selector, labels, place));
	if (selector !== undefined && isEmptySelector(selector))
		errors.push(invalidValue(`${path}.selector`, selector, "empty selector is invalid for daemonset"));
	errors.push(...podTemplate(given, place));
	if (restartPolicy !== "Always") errors.push(notSupported(`${place}.spec.restartPolicy`, restartPolicy, ONLY_ALWAYS));
	if (activeDeadlineSeconds !== undefined)
		errors.push(
			forbiddenField(`${place}.spec.activeDeadlineSeconds`, "activeDeadlineSeconds in DaemonSet is not Supported"),
		);
	return [
		...errors,
		...fields<AppsV1DaemonSetSpec>({
			minReadySeconds: notNegative,
			updateStrategy: daemonStrategy,
			revisionHistoryLimit: optional(notNegative),
		})(spec, path),
	];
};

/** ValidateDaemonSet. */
export const daemonSet: Rule<AppsV1DaemonSet> = (object) => daemonSetSpec(object?.spec, "spec");

// ValidateStatefulSetSpec: updateStrategy
const statefulStrategy: Rule<AppsV1StatefulSetUpdateStrategy> = (given, path) => {
	const { type = "", rollingUpdate: rolling } = given ?? {};
	if (type === "OnDelete")
		return rolling === undefined
			? []
			: [
					invalidValue(
						`${path}.rollingUpdate`,
						{ Partition: rolling.partition ?? 0, MaxUnavailable: rolling.maxUnavailable ?? null },
						"only allowed for updateStrategy 'RollingUpdate'",
					),
				];
	if (type !== "RollingUpdate")
		return [
			invalidValue(path, { Type: type, RollingUpdate: rolling ?? null }, "must be 'RollingUpdate' or 'OnDelete'"),
		];
	const { partition, maxUnavailable } = rolling ?? {};
	const place = `${path}.rollingUpdate`;
	return [
		...notNegative(partition, `${place}.partition`),
		...countOrPercent(maxUnavailable, `${place}.maxUnavailable`),
	];
};

// ValidateStatefulSetSpec
const statefulSetSpec: Rule<AppsV1StatefulSetSpec> = (spec, path) => {
	const { podManagementPolicy: policy = "", selector, template: given } = spec ?? {};
	const labels = given?.metadata?.labels;
	const place = `${path}.template`;
	const errors: FieldError[] = [];
	if (policy !== "OrderedReady" && policy !== "Parallel")
		errors.push(invalidValue(`${path}.podManagementPolicy`, policy, "must be 'OrderedReady' or 'Parallel'"));
	errors.push(
		...fields<AppsV1StatefulSetSpec>({
			updateStrategy: statefulStrategy,
			persistentVolumeClaimRetentionPolicy: fields<AppsV1StatefulSetPersistentVolumeClaimRetentionPolicy>({
				whenDeleted: neededOneOf("Retain", "Delete"),
				whenScaled: neededOneOf("Retain", "Delete"),
			}),
			replicas: notNegative,
			minReadySeconds: notNegative,
			selector: workloadSelector("empty selector is invalid for statefulset"),
		})(spec, path),
	);
	if (!isReadable(selector)) return [...errors, ...unreadable(selector, `${path}.selector`)];
	errors.push(...unmatched(selector, labels, place), ...podTemplate(given, place));
	const { restartPolicy = "", activeDeadlineSeconds } = given?.spec ?? {};
	if (restartPolicy !== "Always") errors.push(notSupported(`${place}.spec.restartPolicy`, restartPolicy, ONLY_ALWAYS));
	if (activeDeadlineSeconds !== undefined)
		errors.push(
			forbiddenField(`${place}.spec.activeDeadlineSeconds`, "activeDeadlineSeconds in StatefulSet is not Supported"),
		);
	return errors;
};

/** ValidateStatefulSet. */
export const statefulSet: Rule<AppsV1StatefulSet> = (object) => statefulSetSpec(object?.spec, "spec");

const CHANGEABLE = [
	...["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"],
	...["persistentVolumeClaimRetentionPolicy", "minReadySeconds"],
];

/** ValidateStatefulSetUpdate. */
export function statefulSetUpdate(now: AppsV1StatefulSet, before: AppsV1StatefulSet): FieldError[] {
	const fixed = ({ spec }: AppsV1StatefulSet) =>
		Object.fromEntries(Object.entries(spec ?? {}).filter(([name]) => !CHANGEABLE.includes(name)));
	if (same(fixed(now), fixed(before))) return [];
	return [
		forbiddenField(
			"spec",
			"updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
		),
	];
}

/** ValidateControllerRevision. */
export const controllerRevision: Rule<AppsV1ControllerRevision> = (object) => [
	...(object?.data === undefined ? [required("data", "data is mandatory")] : []),
	...notNegative(object?.revision, "revision"),
];

/** ValidateControllerRevisionUpdate. */
export const controllerRevisionUpdate = (
	now: AppsV1ControllerRevision,
	before: AppsV1ControllerRevision,
): FieldError[] => immutable("data", now.data, before.data);
