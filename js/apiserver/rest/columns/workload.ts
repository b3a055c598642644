// What runs pods (printers.go: printDeployment and its neighbours).

import type {
	AppsV1ControllerRevision,
	AppsV1DaemonSet,
	AppsV1Deployment,
	AppsV1ReplicaSet,
	AppsV1StatefulSet,
	BatchV1CronJob,
	BatchV1Job,
	CoreV1ReplicationController,
} from "../../../api/schema/types.generated.ts";
import { age, humanDuration } from "./age.ts";
import {
	AGE,
	CONTAINERS,
	type Column,
	columns,
	count,
	type Described,
	IMAGES,
	labels,
	NAME,
	SELECTOR,
	type Templated,
	text,
} from "./column.ts";

interface Replicated extends Described {
	spec?: { replicas?: number };
	status?: { replicas?: number; readyReplicas?: number };
}

const desired = ({ spec }: Replicated) => spec?.replicas ?? 0;
const ready = (object: Replicated) => `${object.status?.readyReplicas ?? 0}/${desired(object)}`;

const REPLICAS = columns<Replicated & Templated>(
	NAME,
	count("Desired", desired),
	count("Current", ({ status }) => status?.replicas),
	count("Ready", ({ status }) => status?.readyReplicas),
	AGE,
	CONTAINERS,
	IMAGES,
);

function jobStatus({ status = {} }: BatchV1Job): string {
	const holds = (wanted: string) =>
		(status.conditions ?? []).some(({ type, status: is }) => type === wanted && is === "True");
	if (holds("Complete")) return "Complete";
	if (holds("Failed")) return "Failed";
	if (holds("Suspended")) return "Suspended";
	if (holds("FailureTarget")) return "FailureTarget";
	return holds("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
}

function completions({ spec, status = {} }: BatchV1Job): string {
	const done = status.succeeded ?? 0;
	if (spec?.completions !== undefined) return `${done}/${spec.completions}`;
	const parallel = spec?.parallelism ?? 0;
	return parallel > 1 ? `${done}/1 of ${parallel}` : `${done}/1`;
}

function jobDuration({ status = {} }: BatchV1Job, now: bigint): string {
	if (!status.startTime) return "";
	if (!status.completionTime) return age(status.startTime, now);
	return humanDuration((Date.parse(status.completionTime) - Date.parse(status.startTime)) / 1000);
}

export const WORKLOADS: Readonly<Record<string, readonly Column[]>> = {
	"deployments.apps": columns<AppsV1Deployment>(
		NAME,
		text("Ready", ready),
		count("Up-to-date", ({ status }) => status?.updatedReplicas),
		count("Available", ({ status }) => status?.availableReplicas),
		AGE,
		CONTAINERS,
		IMAGES,
		SELECTOR,
	),
	"replicasets.apps": columns<AppsV1ReplicaSet>(...REPLICAS, SELECTOR),
	replicationcontrollers: columns<CoreV1ReplicationController>(...REPLICAS, {
		name: "Selector",
		wide: true,
		cell: ({ spec }) => labels(spec?.selector),
	}),
	"statefulsets.apps": columns<AppsV1StatefulSet>(NAME, text("Ready", ready), AGE, CONTAINERS, IMAGES),
	"daemonsets.apps": columns<AppsV1DaemonSet>(
		NAME,
		count("Desired", ({ status }) => status?.desiredNumberScheduled),
		count("Current", ({ status }) => status?.currentNumberScheduled),
		count("Ready", ({ status }) => status?.numberReady),
		count("Up-to-date", ({ status }) => status?.updatedNumberScheduled),
		count("Available", ({ status }) => status?.numberAvailable),
		text("Node Selector", ({ spec }) => labels(spec?.template?.spec?.nodeSelector)),
		AGE,
		CONTAINERS,
		IMAGES,
		SELECTOR,
	),
	"controllerrevisions.apps": columns<AppsV1ControllerRevision>(
		NAME,
		text("Controller", ({ metadata }) => {
			const owner = (metadata?.ownerReferences ?? []).find(({ controller }) => controller === true);
			if (owner === undefined) return "<none>";
			const group = owner.apiVersion.includes("/") ? `.${owner.apiVersion.split("/")[0]}` : "";
			return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
		}),
		count("Revision", ({ revision }) => revision),
		AGE,
	),
	"jobs.batch": columns<BatchV1Job>(
		NAME,
		text("Status", jobStatus),
		text("Completions", completions),
		text("Duration", jobDuration),
		AGE,
		CONTAINERS,
		IMAGES,
		SELECTOR,
	),
	"cronjobs.batch": columns<BatchV1CronJob>(
		NAME,
		text("Schedule", ({ spec }) => spec?.schedule ?? ""),
		text("Timezone", ({ spec }) => spec?.timeZone ?? "<none>"),
		text("Suspend", ({ spec }) => (spec?.suspend === true ? "True" : "False")),
		count("Active", ({ status }) => status?.active?.length),
		text("Last Schedule", ({ status }, now) =>
			status?.lastScheduleTime ? age(status.lastScheduleTime, now) : "<none>",
		),
		AGE,
	),
};
