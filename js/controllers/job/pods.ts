// A Job's pods: made with a finalizer that keeps them until they are counted, and let go (pkg/controller/job/job_controller.go:
// manageJob, tracking_utils.go).

import type { Job } from "../../api/batch.ts";
import type { Pod, PodTemplateSpec } from "../../api/core.ts";
import { reasonOf } from "../../api/reason.ts";
import type { World } from "../../ports.ts";
import { podFromTemplate, podPrefix } from "../pod.ts";
import { createPod, deletePod, isEnding, slowStart } from "../podcontrol.ts";
import { victims } from "../replicaset/victims.ts";
import { INDEX, superfluous } from "./indexes.ts";

export const FINALIZER = "batch.kubernetes.io/job-tracking";
/** Pods that one step makes or deletes at most (MaxPodCreateDeletePerSync). */
export const BURST = 500;

export const isIndexed = ({ spec }: Job) => spec?.completionMode === "Indexed";
export const isTracked = ({ metadata }: Pod) => metadata.finalizers?.includes(FINALIZER) === true;

/** Whether a pod that is going keeps its place until it has ended. */
export const replacesFailedOnly = ({ spec }: Job) =>
	spec?.podReplacementPolicy === "Failed" || spec?.podFailurePolicy !== undefined;

/** A pod that ended badly, or is going before its end; where failed pods alone are replaced, not before it has ended. */
export function isFailed({ metadata, status }: Pod, job: Job): boolean {
	if (status?.phase === "Failed") return true;
	return !replacesFailedOnly(job) && metadata.deletionTimestamp !== undefined && status?.phase !== "Succeeded";
}

function jobPod(job: Job, index: number | undefined, more: Readonly<Record<string, string>>): Pod {
	const { template = {} } = job.spec ?? {};
	const finalizers = [...(template.metadata?.finalizers ?? []), FINALIZER];
	const tracked: PodTemplateSpec = { ...template, metadata: { ...template.metadata, finalizers } };
	if (index === undefined) return podFromTemplate(job, tracked, { generateName: podPrefix(job) });
	const name = job.metadata.name ?? "";
	const text = String(index);
	const annotations = { ...template.metadata?.annotations, [INDEX]: text, ...more };
	const spec = { ...withIndexVariable(template), hostname: `${name}-${text}` };
	const indexed = { ...tracked, metadata: { ...tracked.metadata, annotations }, spec };
	return podFromTemplate(job, indexed, { generateName: `${name}-${text}-`, labels: { [INDEX]: text } });
}

/** JOB_COMPLETION_INDEX in every container. */
function withIndexVariable({ spec }: PodTemplateSpec): NonNullable<PodTemplateSpec["spec"]> {
	const name = "JOB_COMPLETION_INDEX";
	const variable = { name, valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: `metadata.labels['${INDEX}']` } } };
	const add = <T extends { env?: { name: string; value?: string; valueFrom?: unknown }[] }>(container: T): T =>
		container.env?.some((one) => one.name === name)
			? container
			: { ...container, env: [...(container.env ?? []), variable] };
	const { initContainers, containers = [], ...rest } = spec ?? {};
	return {
		...rest,
		containers: containers.map(add),
		...(initContainers && { initContainers: initContainers.map(add) }),
	};
}

export interface Made {
	made: number;
	refusal: unknown;
}

/** One pod an index, or `count` without. `annotationsOf`: what the pod of an index carries more. */
export function createPods(
	world: World,
	job: Job,
	count: number,
	indexes: readonly number[] | undefined,
	annotationsOf: (index: number) => Readonly<Record<string, string>> = () => ({}),
): Made {
	let next = 0;
	let made = 0;
	const refusal = slowStart(Math.min(indexes?.length ?? count, BURST), () => {
		const index = indexes?.[next++];
		const pod = jobPod(job, index, index === undefined ? {} : annotationsOf(index));
		try {
			createPod(world, job, pod);
			made++;
		} catch (error) {
			if (!isEnding(error)) throw error;
		}
	});
	return { made, refusal };
}

/** Those that go where `least` are too many: of an Indexed Job in any case those that are not of an index of it. */
export function podsToRemove(job: Job, active: readonly Pod[], least: number, now: bigint): Pod[] {
	const wrong = isIndexed(job) ? superfluous(active, job.spec?.completions ?? 0) : [];
	const others = active.filter((pod) => !wrong.includes(pod));
	return [...wrong, ...victims(others, [], Math.max(0, least - wrong.length), now)];
}

/** Lets a pod go that is counted, or is to count no more; as it is then. */
export function untrack({ store }: World, pod: Pod): Pod {
	const { namespace = "", name = "", uid } = pod.metadata;
	const now = store.get<Pod>("pods", namespace, name);
	if (now === undefined || now.metadata.uid !== uid || !isTracked(now)) return pod;
	const { finalizers = [], ...metadata } = now.metadata;
	const kept = finalizers.filter((one) => one !== FINALIZER);
	return store.update("pods", { ...now, metadata: { ...metadata, ...(kept.length > 0 && { finalizers: kept }) } });
}

/** How many could be deleted, and the first refusal. */
export function deletePods(world: World, job: Job, pods: readonly Pod[], counted: boolean): Made {
	let made = 0;
	let refusal: unknown;
	for (const pod of pods) {
		try {
			deletePod(world, job, counted ? pod : untrack(world, pod));
			made++;
		} catch (error) {
			if (reasonOf(error) === null) throw error;
			refusal ??= error;
		}
	}
	return { made, refusal };
}
