// The strategies of the built-in kinds, by resource: which table of validation a kind has, and what its registry decides
// (pkg/registry/GROUP/KIND/strategy.go).

import type { KubernetesObject } from "../../api/meta.ts";
import type {
	BatchV1CronJob,
	BatchV1Job,
	CoreV1Event,
	CoreV1Node,
	CoreV1Secret,
	CoreV1Service,
	NetworkingV1Ingress,
} from "../../api/schema/types.generated.ts";
import { customStrategy } from "../extensions/custom.ts";
import { DEFINITIONS, definitions } from "../extensions/definition.ts";
import { equalJson, type Json } from "../patch/json.ts";
import { begin, release } from "../services/allocate.ts";
import type { FieldError } from "../status.ts";
import * as apps from "../validation/apps.ts";
import { autoscaler } from "../validation/autoscaler.ts";
import * as batch from "../validation/batch.ts";
import * as core from "../validation/core.ts";
import { cronJob, cronJobUpdate } from "../validation/cronjob.ts";
import { event, newEvent, newEventUpdate } from "../validation/event.ts";
import * as groups from "../validation/groups.ts";
import * as networking from "../validation/networking.ts";
import type { Rule } from "../validation/rule.ts";
import { loadBalancerStatus, service, serviceUpdate } from "../validation/service.ts";
import * as storage from "../validation/storage.ts";
import type { ServedResource } from "./catalogue.ts";
import { namespaces } from "./namespace.ts";
import { pods } from "./podstrategy.ts";
import type { Strategy } from "./strategy.ts";

type Update<T> = (now: T, before: T) => FieldError[];

/** A rule for a kind, and what its update may not change. */
function checked<T>(rule: Rule<T>, update?: Update<T>, rest: Strategy = {}): Strategy {
	const strategy: Strategy = { ...rest, validate: (object) => rule(object as T, "") };
	if (update !== undefined) strategy.validateUpdate = (object, before) => update(object as T, before as T);
	return strategy;
}

const statusReplicas = (object: KubernetesObject) => ({
	"status.replicas": String((object.status as { replicas?: number } | undefined)?.replicas ?? 0),
});

const nodes: Strategy = checked(core.node, core.nodeUpdate, {
	keepsStatus: true,
	selectable: (object) => ({ "spec.unschedulable": String((object as CoreV1Node).spec?.unschedulable ?? false) }),
});

const secrets: Strategy = checked(core.secret, core.secretUpdate, {
	prepareCreate: withoutStringData,
	prepareUpdate: withoutStringData,
	selectable: (object) => ({ type: (object as CoreV1Secret).type ?? "" }),
});

/** Convert_v1_Secret_To_core_Secret: what is written in clear is data. */
function withoutStringData(object: KubernetesObject): KubernetesObject {
	const { stringData, data, ...rest } = object as CoreV1Secret & KubernetesObject;
	if (stringData === undefined) return object;
	const coded = Object.entries(stringData).map(([key, value]) => [key, base64(value)]);
	return { ...rest, data: { ...data, ...Object.fromEntries(coded) } } as KubernetesObject;
}

function base64(text: string): string {
	return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

const services: Strategy = checked(service, serviceUpdate, {
	createsOnUpdate: true,
	returnsDeleted: true,
	validateStatus: (object) => loadBalancerStatus((object as CoreV1Service).status?.loadBalancer, "status.loadBalancer"),
	begin,
	afterDelete: release,
	selectable(object) {
		const { spec } = object as CoreV1Service;
		return { "spec.clusterIP": spec?.clusterIP ?? "", "spec.type": spec?.type ?? "" };
	},
});

const ABOUT = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];

/** What is asked of events by what they were written as; kept they are the core group's. */
const events: Strategy = {
	createsOnUpdate: true,
	validate: (object) => event(object as CoreV1Event, "reportingComponent"),
	selectable(object) {
		const { involvedObject, reason, reportingComponent, source, type } = object as CoreV1Event;
		const about = (involvedObject ?? {}) as Record<string, string>;
		return {
			...Object.fromEntries(ABOUT.map((name) => [`involvedObject.${name}`, about[name] ?? ""])),
			reason: reason ?? "",
			reportingComponent: reportingComponent ?? "",
			source: source?.component ?? reportingComponent ?? "",
			type: type ?? "",
		};
	},
};

// pkg/apis/events/v1/conversion.go: AddFieldLabelConversionsForEvent
const newEvents: Strategy = {
	createsOnUpdate: true,
	validate: (object) => event(object as CoreV1Event, "reportingController"),
	validateCreate: (object) => newEvent(object as CoreV1Event),
	validateUpdate: (object, before) => newEventUpdate(object as CoreV1Event, before as CoreV1Event),
	selectable(object) {
		const { involvedObject, reportingComponent, reason, type } = object as CoreV1Event;
		const about = (involvedObject ?? {}) as Record<string, string>;
		return {
			...Object.fromEntries(ABOUT.map((name) => [`regarding.${name}`, about[name] ?? ""])),
			reason: reason ?? "",
			reportingController: reportingComponent ?? "",
			type: type ?? "",
		};
	},
};

const CONTROLLER_UID = ["controller-uid", "batch.kubernetes.io/controller-uid"];
const JOB_NAME = ["job-name", "batch.kubernetes.io/job-name"];

/** SetDefaults_Job: without labels of its own it has its template's. */
function labelled(object: KubernetesObject): KubernetesObject {
	const labels = (object as BatchV1Job).spec?.template?.metadata?.labels;
	const { labels: own = {} } = object.metadata;
	if (labels === undefined || Object.keys(own).length > 0) return object;
	return { ...object, metadata: { ...object.metadata, labels } };
}

const TEMPLATE_GENERATION = "deprecated.daemonset.template.generation";

function withTemplateGeneration(object: KubernetesObject, generation: number): KubernetesObject {
	const annotations = { ...object.metadata.annotations, [TEMPLATE_GENERATION]: String(generation) };
	return { ...object, metadata: { ...object.metadata, annotations } };
}

const daemonSets: Strategy = checked(apps.daemonSet, apps.selectorUpdate, {
	prepareCreate: (object) => withTemplateGeneration(object, 1),
	// Clients of old counted the versions of the template; the annotation is what is left of it.
	prepareUpdate(object, before) {
		const was = Number(before.metadata.annotations?.[TEMPLATE_GENERATION] ?? 0);
		const [now, then] = [object, before].map((one) => (one.spec as { template?: Json } | undefined)?.template);
		return withTemplateGeneration(object, equalJson(now, then) ? was : was + 1);
	},
});

const jobs: Strategy = checked(batch.job, batch.jobUpdate, {
	// Of batch/v1; kubectl asks for Background.
	propagationPolicy: "Orphan",
	// generateSelector: a Job's pods are told apart by its uid
	prepareCreate(object) {
		const { spec } = object as BatchV1Job;
		if (spec === undefined || spec.manualSelector === true) return labelled(object);
		const { uid = "", name = "" } = object.metadata;
		const added = Object.fromEntries([
			...CONTROLLER_UID.map((label) => [label, uid]),
			...JOB_NAME.map((label) => [label, name]),
		]);
		const metadata = { ...spec.template.metadata, labels: { ...added, ...spec.template.metadata?.labels } };
		const chosen = { ...spec.selector?.matchLabels, "batch.kubernetes.io/controller-uid": uid };
		const selector = { ...spec.selector, matchLabels: chosen };
		return labelled({ ...object, spec: { ...spec, selector, template: { ...spec.template, metadata } } });
	},
	selectable: (object) => ({
		"status.successful": String((object.status as { succeeded?: number } | undefined)?.succeeded ?? 0),
	}),
});

const RBAC = "rbac.authorization.k8s.io";
const PUTS: Strategy = { createsOnUpdate: true };
const RETURNS: Strategy = { returnsDeleted: true };

const STRATEGIES: Readonly<Record<string, Strategy>> = {
	configmaps: checked(core.configMap, core.configMapUpdate),
	endpoints: checked(core.endpoints, undefined, PUTS),
	events,
	"events.events.k8s.io": newEvents,
	limitranges: checked(storage.limitRange, undefined, PUTS),
	namespaces,
	nodes,
	persistentvolumeclaims: checked(storage.persistentVolumeClaim, storage.persistentVolumeClaimUpdate, RETURNS),
	persistentvolumes: checked(storage.persistentVolume, storage.persistentVolumeUpdate, {
		...RETURNS,
		prepareCreate: (object) => ({
			...object,
			status: { ...(object.status as object), lastPhaseTransitionTime: object.metadata.creationTimestamp },
		}),
	}),
	pods,
	podtemplates: checked(core.podTemplate, undefined, RETURNS),
	replicationcontrollers: checked(apps.replicationController, undefined, {
		propagationPolicy: "Orphan",
		selectable: statusReplicas,
	}),
	resourcequotas: checked(core.resourceQuota, core.resourceQuotaUpdate, RETURNS),
	serviceaccounts: RETURNS,
	secrets,
	services,
	"controllerrevisions.apps": checked(apps.controllerRevision, apps.controllerRevisionUpdate),
	"daemonsets.apps": daemonSets,
	"deployments.apps": checked(apps.deployment, apps.selectorUpdate, {
		countsAnnotations: true,
		statusLeaves: ["labels"],
	}),
	"replicasets.apps": checked(apps.replicaSet, apps.selectorUpdate, { selectable: statusReplicas }),
	"statefulsets.apps": checked(apps.statefulSet, apps.statefulSetUpdate),
	"horizontalpodautoscalers.autoscaling": checked(autoscaler),
	"cronjobs.batch": {
		validateCreate: (object) => cronJob(object as BatchV1CronJob),
		validateUpdate: (object, before) => cronJobUpdate(object as BatchV1CronJob, before as BatchV1CronJob),
	},
	"jobs.batch": jobs,
	"leases.coordination.k8s.io": checked(groups.lease, undefined, PUTS),
	"endpointslices.discovery.k8s.io": checked(groups.endpointSlice, groups.endpointSliceUpdate),
	"ingressclasses.networking.k8s.io": checked(networking.ingressClass, networking.ingressClassUpdate),
	"ingresses.networking.k8s.io": checked(networking.ingress, undefined, {
		validateStatus: (object) =>
			loadBalancerStatus((object as NetworkingV1Ingress).status?.loadBalancer, "status.loadBalancer"),
	}),
	"ipaddresses.networking.k8s.io": checked(networking.ipAddress, networking.ipAddressUpdate),
	"networkpolicies.networking.k8s.io": checked(networking.networkPolicy),
	"servicecidrs.networking.k8s.io": checked(networking.serviceCIDR, networking.serviceCIDRUpdate, {
		statusLeaves: "all",
	}),
	"poddisruptionbudgets.policy": checked(groups.disruptionBudget),
	[`clusterroles.${RBAC}`]: checked(groups.role(false), undefined, PUTS),
	[`clusterrolebindings.${RBAC}`]: checked(groups.roleBinding(false), groups.roleBindingUpdate, PUTS),
	[`roles.${RBAC}`]: checked(groups.role(true), undefined, PUTS),
	[`rolebindings.${RBAC}`]: checked(groups.roleBinding(true), groups.roleBindingUpdate, PUTS),
	[DEFINITIONS]: definitions,
	"priorityclasses.scheduling.k8s.io": checked(groups.priorityClass, groups.priorityClassUpdate),
	"storageclasses.storage.k8s.io": checked(storage.storageClass, storage.storageClassUpdate),
};
const NOTHING_PARTICULAR: Strategy = {};

export function strategyOf(resource: ServedResource): Strategy {
	if (resource.custom !== undefined) return customStrategy(resource.custom);
	return STRATEGIES[resource.name] ?? NOTHING_PARTICULAR;
}
