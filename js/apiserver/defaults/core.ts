// Defaults of core/v1 (pkg/apis/core/v1/defaults.go, zz_generated.defaults.go), by type; each row names its function there.
// Rows that fill in an empty object say what Go prints of a struct that nobody has set.

import type { Json, JsonObject } from "../patch/json.ts";
import { chain, type Defaulting, type DefaultTable, fill, inside, mappedList } from "./walk.ts";

const ONLY_LOCAL = "service.beta.kubernetes.io/external-traffic";
const AFFINITY_SECONDS = 10800;
const MODE = 0o644;

const isZero = (value: Json | undefined) => value === undefined || value === "" || value === 0;
const list = (value: Json | undefined) => (Array.isArray(value) ? (value as readonly Json[]) : []);
const struct = (value: Json | undefined) => (value ?? {}) as JsonObject;

/** As `fill`, where 0 counts as left out. */
const fillZero = (values: Readonly<Record<string, Json>>): Defaulting => {
	return (object) => {
		const missing = Object.entries(values).filter(([name]) => isZero(object[name]));
		return { ...object, ...Object.fromEntries(missing) };
	};
};

/** A component of a repository's name (github.com/distribution/reference). */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/** `latest`, or no tag and no digest: the image may change behind its name. What is no image's name has no tag either. */
function isLatest(image: string): boolean {
	const [name = "", digest] = image.slice(image.lastIndexOf("/") + 1).split("@");
	const [repository = "", tag] = name.split(":");
	if (digest !== undefined || !REPOSITORY.test(repository)) return tag === "latest" && REPOSITORY.test(repository);
	return tag === undefined || tag === "latest";
}

const container = fill({
	// SetDefaults_Container
	imagePullPolicy: ({ image }) => (isLatest(String(image ?? "")) ? "Always" : "IfNotPresent"),
	terminationMessagePath: "/dev/termination-log",
	terminationMessagePolicy: "File",
	resources: {},
});

/** Convert_v1_Pod_To_core_Pod: a grace below zero is a second. */
const promptly: Defaulting = (spec) =>
	Number(spec.terminationGracePeriodSeconds ?? 0) < 0 ? { ...spec, terminationGracePeriodSeconds: 1 } : spec;

const hostPorts = (containers: Json): Json =>
	mappedList(list(containers), (item) =>
		inside("ports", (ports) =>
			mappedList(list(ports), (port) => fillZero({ hostPort: struct(port).containerPort ?? 0 })(struct(port))),
		)(struct(item)),
	);

const requestsFromLimits = (containers: Json): Json =>
	mappedList(list(containers), (item) =>
		inside("resources", (resources) => {
			const { limits, requests } = struct(resources);
			if (limits === undefined) return resources;
			return { ...struct(resources), requests: { ...struct(limits), ...struct(requests) } };
		})(struct(item)),
	);

const everyContainer = (change: (containers: Json) => Json) =>
	chain(inside("containers", change), inside("initContainers", change));

const pod: Defaulting = inside("spec", (spec) => {
	const filled = chain(everyContainer(requestsFromLimits), fill({ enableServiceLinks: true }))(struct(spec));
	return filled.hostNetwork === true ? everyContainer(hostPorts)(filled) : filled;
});

const service: Defaulting = (object) => {
	const onlyLocal = struct(struct(object.metadata).annotations)[ONLY_LOCAL] === "OnlyLocal";
	return inside("spec", (given) => {
		const spec = fill({ sessionAffinity: "None", type: "ClusterIP" })(struct(given));
		const { sessionAffinityConfig, ...rest } = spec;
		const affinity = struct(struct(sessionAffinityConfig).clientIP);
		const seconds = { clientIP: fill({ timeoutSeconds: AFFINITY_SECONDS })(affinity) };
		const kept: JsonObject = rest.sessionAffinity === "ClientIP" ? { ...rest, sessionAffinityConfig: seconds } : rest;
		return fill({
			externalTrafficPolicy: (made) => (isExternal(made) ? (onlyLocal ? "Local" : "Cluster") : undefined),
			internalTrafficPolicy: ({ type }) => (type === "ExternalName" ? undefined : "Cluster"),
			allocateLoadBalancerNodePorts: ({ type }) => (type === "LoadBalancer" ? true : undefined),
		})(kept);
	})(object);
};

/** service.ExternallyAccessible (pkg/api/v1/service/util.go). */
const isExternal = ({ type, externalIPs }: JsonObject) =>
	type === "NodePort" || type === "LoadBalancer" || (type === "ClusterIP" && list(externalIPs).length > 0);

const replicationController: Defaulting = (object) => {
	const labels = struct(struct(struct(object.spec).template).metadata).labels;
	const selected = inside("spec", (spec) => fill({ replicas: 1, selector: labels })(struct(spec)))(object);
	return inside("metadata", (metadata) => fill({ labels })(struct(metadata)))(selected);
};

const limits: Defaulting = (item) => {
	if (item.type !== "Container") return item;
	const most = { ...struct(item.max), ...struct(item.default) };
	const least = { ...struct(item.min), ...most, ...struct(item.defaultRequest) };
	const filled = Object.entries({ default: most, defaultRequest: least }).filter(
		([, one]) => Object.keys(one).length > 0,
	);
	const { default: _, defaultRequest: __, ...rest } = item;
	return { ...rest, ...Object.fromEntries(filled) };
};

/** A volume whose source nobody names. */
const volume: Defaulting = (object) =>
	Object.keys(object).every((name) => name === "name") ? { ...object, emptyDir: {} } : object;

export const CORE_DEFAULTS: DefaultTable = {
	"core.v1.Container": container,
	"core.v1.EphemeralContainer": container,
	"core.v1.ContainerPort": fill({ protocol: "TCP" }),
	// SetDefaults_Probe
	"core.v1.Probe": fillZero({ timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }),
	// SetDefaults_HTTPGetAction
	"core.v1.HTTPGetAction": fill({ path: "/", scheme: "HTTP" }),
	"core.v1.GRPCAction": fill({ service: "" }),
	// SetDefaults_ObjectFieldSelector
	"core.v1.ObjectFieldSelector": fill({ apiVersion: "v1" }),
	// SetDefaults_Pod
	"core.v1.Pod": chain(fill({ spec: {}, status: {} }), pod),
	"core.v1.PodStatus": fill({ phase: "Pending" }),
	"core.v1.PodTemplateSpec": fill({ metadata: {}, spec: {} }),
	// SetDefaults_PodSpec; both names of the service account (conversion.go)
	"core.v1.PodSpec": chain(
		promptly,
		fill({
			dnsPolicy: "ClusterFirst",
			restartPolicy: "Always",
			securityContext: {},
			terminationGracePeriodSeconds: 30,
			schedulerName: "default-scheduler",
			serviceAccountName: ({ serviceAccount }) => serviceAccount,
			serviceAccount: ({ serviceAccountName }) => serviceAccountName,
		}),
	),
	// SetDefaults_Volume and its sources
	"core.v1.Volume": volume,
	"core.v1.ImageVolumeSource": fill({
		pullPolicy: ({ reference }) => (isLatest(String(reference ?? "")) ? "Always" : "IfNotPresent"),
	}),
	"core.v1.SecretVolumeSource": fill({ defaultMode: MODE }),
	"core.v1.ConfigMapVolumeSource": fill({ defaultMode: MODE }),
	"core.v1.DownwardAPIVolumeSource": fill({ defaultMode: MODE }),
	"core.v1.ProjectedVolumeSource": fill({ defaultMode: MODE }),
	"core.v1.ServiceAccountTokenProjection": fill({ expirationSeconds: 3600 }),
	"core.v1.HostPathVolumeSource": fill({ type: "" }),
	"core.v1.ISCSIVolumeSource": fill({ iscsiInterface: "default" }),
	"core.v1.ISCSIPersistentVolumeSource": fill({ iscsiInterface: "default" }),
	"core.v1.RBDVolumeSource": fill({ pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" }),
	"core.v1.RBDPersistentVolumeSource": fill({ pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" }),
	"core.v1.AzureDiskVolumeSource": fill({ cachingMode: "ReadWrite", kind: "Shared", fsType: "ext4", readOnly: false }),
	"core.v1.ScaleIOVolumeSource": fill({ storageMode: "ThinProvisioned", fsType: "xfs" }),
	"core.v1.ScaleIOPersistentVolumeSource": fill({ storageMode: "ThinProvisioned", fsType: "xfs" }),
	// SetDefaults_Service
	"core.v1.Service": chain(fill({ spec: {}, status: {} }), service),
	"core.v1.ServiceStatus": fill({ loadBalancer: {} }),
	"core.v1.ServicePort": chain(fill({ protocol: "TCP" }), (port) =>
		isZero(port.targetPort) ? { ...port, targetPort: port.port ?? 0 } : port,
	),
	"core.v1.LoadBalancerIngress": fill({ ipMode: ({ ip }) => (ip ? "VIP" : undefined) }),
	"core.v1.Event": fill({
		source: {},
		firstTimestamp: null,
		lastTimestamp: null,
		eventTime: null,
		reportingComponent: "",
		reportingInstance: "",
	}),
	// SetDefaults_Endpoints
	"core.v1.EndpointPort": fill({ protocol: "TCP" }),
	// SetDefaults_Secret
	"core.v1.Secret": fill({ type: "Opaque" }),
	// SetDefaults_ReplicationController
	"core.v1.ReplicationController": chain(fill({ spec: {}, status: {} }), replicationController),
	"core.v1.ReplicationControllerStatus": fill({ replicas: 0 }),
	// SetDefaults_PersistentVolume
	"core.v1.PersistentVolume": fill({ spec: {}, status: {} }),
	"core.v1.PersistentVolumeSpec": fill({ persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" }),
	"core.v1.PersistentVolumeStatus": fill({ phase: "Pending" }),
	// SetDefaults_PersistentVolumeClaim, SetDefaults_PersistentVolumeClaimSpec
	"core.v1.PersistentVolumeClaim": fill({ spec: {}, status: {} }),
	"core.v1.PersistentVolumeClaimSpec": fill({ volumeMode: "Filesystem", resources: {} }),
	"core.v1.PersistentVolumeClaimStatus": fill({ phase: "Pending" }),
	// SetDefaults_Namespace, SetDefaults_NamespaceStatus; its finalizer: pkg/registry/core/namespace/strategy.go
	"core.v1.Namespace": chain(
		fill({ spec: {}, status: {} }),
		inside("metadata", (metadata) => {
			const { name, labels } = struct(metadata);
			if (isZero(name)) return metadata;
			return { ...struct(metadata), labels: { ...struct(labels), "kubernetes.io/metadata.name": name as Json } };
		}),
	),
	"core.v1.NamespaceStatus": fill({ phase: "Active" }),
	// SetDefaults_NodeStatus
	"core.v1.Node": fill({ spec: {}, status: {} }),
	"core.v1.NodeStatus": fill({
		allocatable: ({ capacity }) => capacity,
		daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
		nodeInfo: {
			...{ machineID: "", systemUUID: "", bootID: "", kernelVersion: "", osImage: "", containerRuntimeVersion: "" },
			...{ kubeletVersion: "", kubeProxyVersion: "", operatingSystem: "", architecture: "" },
		},
	}),
	// SetDefaults_LimitRangeItem
	"core.v1.LimitRange": fill({ spec: {} }),
	"core.v1.LimitRangeSpec": fill({ limits: null }),
	"core.v1.LimitRangeItem": limits,
	"core.v1.ResourceQuota": fill({ spec: {}, status: {} }),
};
