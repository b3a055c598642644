// Nodes, namespaces, and what belongs to the cluster as a whole (printers.go).

import type {
	CoordinationV1Lease,
	CoreV1ConfigMap,
	CoreV1Event,
	CoreV1Namespace,
	CoreV1Node,
	CoreV1PersistentVolume,
	CoreV1PersistentVolumeClaim,
	CoreV1PodTemplate,
	CoreV1Secret,
	CoreV1ServiceAccount,
	PolicyV1PodDisruptionBudget,
	RbacV1RoleBinding,
	SchedulingV1PriorityClass,
	StorageV1StorageClass,
} from "../../../api/schema/types.generated.ts";
import { age } from "./age.ts";
import { AGE, type Column, CREATED_AT, columns, count, labels, NAME, text, wide } from "./column.ts";

const ROLE = "node-role.kubernetes.io/";

function nodeStatus({ spec = {}, status = {} }: CoreV1Node): string {
	const ready = (status.conditions ?? []).find(({ type }) => type === "Ready");
	const word = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
	return spec.unschedulable === true ? `${word},SchedulingDisabled` : word;
}

function roles({ metadata = {} }: CoreV1Node): string {
	const all = metadata.labels ?? {};
	const found = Object.keys(all)
		.filter((key) => key.startsWith(ROLE) && key.length > ROLE.length)
		.map((key) => key.slice(ROLE.length));
	if (all["kubernetes.io/role"]) found.push(all["kubernetes.io/role"]);
	return found.length === 0 ? "<none>" : [...new Set(found)].sort().join(",");
}

function nodeAddress(wanted: string): (object: CoreV1Node) => string {
	return ({ status }) => (status?.addresses ?? []).find(({ type }) => type === wanted)?.address ?? "<none>";
}

const info = (name: "osImage" | "kernelVersion" | "containerRuntimeVersion") => (object: CoreV1Node) =>
	object.status?.nodeInfo?.[name] || "<unknown>";

const firstSeen = ({ firstTimestamp, eventTime, metadata }: CoreV1Event) =>
	firstTimestamp ?? eventTime ?? metadata?.creationTimestamp;
const lastSeen = ({ series, lastTimestamp, eventTime, metadata }: CoreV1Event) =>
	series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata?.creationTimestamp;

const EVENT = columns<CoreV1Event>(
	text("Last Seen", (event, now) => age(lastSeen(event), now)),
	text("Type", ({ type }) => type ?? ""),
	text("Reason", ({ reason }) => reason ?? ""),
	text("Object", ({ involvedObject: { kind = "", name = "" } = {} }) =>
		name === "" ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`,
	),
	wide(text("Subobject", ({ involvedObject }) => involvedObject?.fieldPath ?? "")),
	wide(
		text("Source", ({ source, reportingComponent = "" }) => {
			const component = source?.component || reportingComponent;
			return source?.host ? `${component}, ${source.host}` : component;
		}),
	),
	text("Message", ({ message = "" }) => message.trim()),
	wide(text("First Seen", (event, now) => age(firstSeen(event), now))),
	wide(count("Count", (event) => event.series?.count ?? event.count ?? 1)),
	wide(NAME),
);

const subjects = (kind: string) => (object: RbacV1RoleBinding) =>
	(object.subjects ?? [])
		.filter((subject) => subject.kind === kind)
		.map(({ namespace, name }) => (namespace ? `${namespace}/${name}` : name))
		.join(", ");
const BINDING = columns<RbacV1RoleBinding>(
	NAME,
	text("Role", ({ roleRef }) => `${roleRef?.kind}/${roleRef?.name}`),
	AGE,
	wide(text("Users", subjects("User"))),
	wide(text("Groups", subjects("Group"))),
	wide(text("ServiceAccounts", subjects("ServiceAccount"))),
);

const modes = (list: readonly string[] = []) =>
	list
		.map(
			(mode) =>
				({ ReadWriteOnce: "RWO", ReadOnlyMany: "ROX", ReadWriteMany: "RWX", ReadWriteOncePod: "RWOP" })[mode] ?? mode,
		)
		.join(",");

export const CLUSTER: Readonly<Record<string, readonly Column[]>> = {
	nodes: columns<CoreV1Node>(
		NAME,
		text("Status", nodeStatus),
		text("Roles", roles),
		AGE,
		text("Version", ({ status }) => status?.nodeInfo?.kubeletVersion ?? ""),
		wide(text("Internal-IP", nodeAddress("InternalIP"))),
		wide(text("External-IP", nodeAddress("ExternalIP"))),
		wide(text("OS-Image", info("osImage"))),
		wide(text("Kernel-Version", info("kernelVersion"))),
		wide(text("Container-Runtime", info("containerRuntimeVersion"))),
	),
	namespaces: columns<CoreV1Namespace>(
		NAME,
		text("Status", ({ status }) => status?.phase ?? ""),
		AGE,
	),
	configmaps: columns<CoreV1ConfigMap>(
		NAME,
		count("Data", ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length),
		AGE,
	),
	secrets: columns<CoreV1Secret>(
		NAME,
		text("Type", ({ type }) => type ?? ""),
		count("Data", ({ data = {} }) => Object.keys(data).length),
		AGE,
	),
	serviceaccounts: columns<CoreV1ServiceAccount>(
		NAME,
		count("Secrets", ({ secrets = [] }) => secrets.length),
		AGE,
	),
	events: EVENT,
	"events.events.k8s.io": EVENT,
	"leases.coordination.k8s.io": columns<CoordinationV1Lease>(
		NAME,
		text("Holder", ({ spec }) => spec?.holderIdentity ?? ""),
		AGE,
	),
	"roles.rbac.authorization.k8s.io": [NAME, CREATED_AT],
	"clusterroles.rbac.authorization.k8s.io": [NAME, CREATED_AT],
	"rolebindings.rbac.authorization.k8s.io": BINDING,
	"clusterrolebindings.rbac.authorization.k8s.io": BINDING,
	"customresourcedefinitions.apiextensions.k8s.io": [NAME, CREATED_AT],
	limitranges: [NAME, CREATED_AT],
	"priorityclasses.scheduling.k8s.io": columns<SchedulingV1PriorityClass>(
		NAME,
		count("Value", ({ value }) => value),
		text("Global-Default", ({ globalDefault }) => String(globalDefault ?? false)),
		AGE,
		text("PreemptionPolicy", ({ preemptionPolicy }) => preemptionPolicy ?? "PreemptLowerPriority"),
	),
	"poddisruptionbudgets.policy": columns<PolicyV1PodDisruptionBudget>(
		NAME,
		text("Min Available", ({ spec }) => String(spec?.minAvailable ?? "N/A")),
		text("Max Unavailable", ({ spec }) => String(spec?.maxUnavailable ?? "N/A")),
		count("Allowed Disruptions", ({ status }) => status?.disruptionsAllowed),
		AGE,
	),
	persistentvolumes: columns<CoreV1PersistentVolume>(
		NAME,
		text("Capacity", ({ spec }) => spec?.capacity?.storage ?? ""),
		text("Access Modes", ({ spec }) => modes(spec?.accessModes)),
		text("Reclaim Policy", ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? ""),
		text("Status", ({ status, metadata }) => (metadata?.deletionTimestamp ? "Terminating" : (status?.phase ?? ""))),
		text("Claim", ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : "")),
		text("StorageClass", ({ spec }) => spec?.storageClassName ?? ""),
		text("VolumeAttributesClass", ({ spec }) => spec?.volumeAttributesClassName ?? "<unset>"),
		text("Reason", ({ status }) => status?.reason ?? ""),
		AGE,
		wide(text("VolumeMode", ({ spec }) => spec?.volumeMode ?? "<unset>")),
	),
	persistentvolumeclaims: columns<CoreV1PersistentVolumeClaim>(
		NAME,
		text("Status", ({ status, metadata }) => (metadata?.deletionTimestamp ? "Terminating" : (status?.phase ?? ""))),
		text("Volume", ({ spec }) => spec?.volumeName ?? ""),
		text("Capacity", ({ status }) => status?.capacity?.storage ?? ""),
		text("Access Modes", ({ status }) => modes(status?.accessModes)),
		text("StorageClass", ({ spec }) => spec?.storageClassName ?? ""),
		text("VolumeAttributesClass", ({ spec }) => spec?.volumeAttributesClassName ?? "<unset>"),
		AGE,
		wide(text("VolumeMode", ({ spec }) => spec?.volumeMode ?? "<unset>")),
	),
	"storageclasses.storage.k8s.io": columns<StorageV1StorageClass>(
		text("Name", ({ metadata }) => {
			const isDefault = metadata?.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true";
			return isDefault ? `${metadata?.name} (default)` : (metadata?.name ?? "");
		}),
		text("Provisioner", ({ provisioner }) => provisioner ?? ""),
		text("ReclaimPolicy", ({ reclaimPolicy }) => reclaimPolicy ?? "Delete"),
		text("VolumeBindingMode", ({ volumeBindingMode }) => volumeBindingMode ?? "Immediate"),
		text("AllowVolumeExpansion", ({ allowVolumeExpansion }) => String(allowVolumeExpansion ?? false)),
		AGE,
	),
	podtemplates: columns<CoreV1PodTemplate>(
		NAME,
		text("Containers", ({ template }) => (template?.spec?.containers ?? []).map(({ name }) => name).join(",")),
		text("Images", ({ template }) => (template?.spec?.containers ?? []).map(({ image }) => image ?? "").join(",")),
		text("Pod Labels", ({ template }) => labels(template?.metadata?.labels)),
	),
};
