// The kinds that are read: group, versions, scope and the shape of each, with upstream's field names and rules
// (pkg/apis/*/validation of Kubernetes 1.36, as far as the network depends on them). Generated validators of the whole
// API replace the shapes later; fields named in a `known` list pass unchecked.

import {
	address,
	any,
	boolean,
	check,
	cidr,
	clusterIP,
	countOrPercent,
	dnsLabel,
	dnsSubdomain,
	emptyOrAddress,
	integer,
	labelValue,
	list,
	looseCidr,
	map,
	object,
	port,
	portName,
	portOrName,
	type Report,
	type Shape,
	string,
	words,
} from "./shape.ts";

export interface Kind {
	kind: string;
	apiVersion: string;
	/** Versions that the API server has removed. */
	removed: readonly string[];
	namespaced: boolean;
	shape: Shape;
	/** What one field says about another. */
	rules: (object: Loose, report: Report) => void;
}

// biome-ignore lint/suspicious/noExplicitAny: a value that its shape has already checked
type Loose = any;

const METADATA = object(
	{
		name: string,
		generateName: string,
		namespace: dnsLabel,
		labels: map(labelValue),
		annotations: map(string),
		ownerReferences: list(
			object(
				{ apiVersion: string, kind: string, name: string, uid: string, controller: boolean },
				["kind", "name"],
				"blockOwnerDeletion",
			),
		),
		finalizers: list(string),
		uid: string,
		resourceVersion: string,
		deletionTimestamp: string,
	},
	[],
	"creationTimestamp deletionGracePeriodSeconds generation managedFields selfLink clusterName",
);

const PROTOCOL = words("TCP", "UDP", "SCTP");
const FAMILY = words("IPv4", "IPv6");
const STATUS = object({
	conditions: list(
		object(
			{ type: string, status: string },
			["type", "status"],
			"lastTransitionTime lastProbeTime lastHeartbeatTime lastUpdateTime reason message observedGeneration",
		),
	),
});

function statusWith(fields: Record<string, Shape>, known = ""): Shape {
	return STATUS.kind === "object" ? object({ ...STATUS.fields, ...fields }, [], known) : any;
}

const REQUIREMENT = object(
	{ key: string, operator: words("In", "NotIn", "Exists", "DoesNotExist"), values: list(string) },
	["key", "operator"],
);
export const SELECTOR = object({ matchLabels: map(labelValue), matchExpressions: list(REQUIREMENT) });
const NODE_REQUIREMENT = object(
	{ key: string, operator: words("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"), values: list(string) },
	["key", "operator"],
);
const NODE_TERM = object({ matchExpressions: list(NODE_REQUIREMENT), matchFields: list(NODE_REQUIREMENT) });
const POD_TERM = object(
	{ labelSelector: SELECTOR, namespaceSelector: SELECTOR, namespaces: list(string), topologyKey: string },
	["topologyKey"],
	"matchLabelKeys mismatchLabelKeys",
);
const POD_TERMS = object({
	requiredDuringSchedulingIgnoredDuringExecution: list(POD_TERM),
	preferredDuringSchedulingIgnoredDuringExecution: list(
		object({ weight: integer(1, 100), podAffinityTerm: POD_TERM }, ["weight", "podAffinityTerm"]),
	),
});
const AFFINITY = object({
	nodeAffinity: object({
		requiredDuringSchedulingIgnoredDuringExecution: object({ nodeSelectorTerms: list(NODE_TERM) }, [
			"nodeSelectorTerms",
		]),
		preferredDuringSchedulingIgnoredDuringExecution: list(
			object({ weight: integer(1, 100), preference: NODE_TERM }, ["weight", "preference"]),
		),
	}),
	podAffinity: POD_TERMS,
	podAntiAffinity: POD_TERMS,
});
const EFFECT = words("NoSchedule", "PreferNoSchedule", "NoExecute");
const TOLERATION = object({
	key: string,
	operator: words("Exists", "Equal", "Lt", "Gt"),
	value: string,
	effect: words("NoSchedule", "PreferNoSchedule", "NoExecute", ""),
	tolerationSeconds: integer(-2147483648),
});
const SPREAD = object(
	{
		maxSkew: integer(1),
		topologyKey: string,
		whenUnsatisfiable: words("DoNotSchedule", "ScheduleAnyway"),
		labelSelector: SELECTOR,
	},
	["maxSkew", "topologyKey", "whenUnsatisfiable"],
	"minDomains matchLabelKeys nodeAffinityPolicy nodeTaintsPolicy",
);

const PROBE = object(
	{
		httpGet: object({ port: portOrName, path: string, host: string, scheme: string }, ["port"], "httpHeaders"),
		tcpSocket: object({ port: portOrName, host: string }, ["port"]),
		grpc: object({ port, service: string }, ["port"]),
		initialDelaySeconds: integer(0),
		periodSeconds: integer(0),
		timeoutSeconds: integer(0),
		successThreshold: integer(0),
		failureThreshold: integer(0),
	},
	[],
	"exec terminationGracePeriodSeconds",
);
const CONTAINER = object(
	{
		name: dnsLabel,
		image: string,
		restartPolicy: string,
		ports: list(
			object(
				{
					name: portName,
					containerPort: port,
					protocol: PROTOCOL,
					hostPort: integer(0, 65535),
					hostIP: emptyOrAddress,
				},
				["containerPort"],
			),
		),
		readinessProbe: PROBE,
		livenessProbe: PROBE,
		startupProbe: PROBE,
		resources: object({ requests: map(any), limits: map(any) }, [], "claims"),
	},
	["name"],
	"args command env envFrom imagePullPolicy lifecycle resizePolicy restartPolicyRules securityContext stdin stdinOnce targetContainerName terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir",
);
const POD_SPEC = object(
	{
		containers: list(CONTAINER, "name"),
		initContainers: list(CONTAINER, "name"),
		ephemeralContainers: list(CONTAINER, "name"),
		nodeName: string,
		nodeSelector: map(labelValue),
		affinity: AFFINITY,
		tolerations: list(TOLERATION),
		topologySpreadConstraints: list(SPREAD),
		hostNetwork: boolean,
		hostname: dnsLabel,
		subdomain: dnsLabel,
		dnsPolicy: words("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
		restartPolicy: words("Always", "OnFailure", "Never"),
		terminationGracePeriodSeconds: integer(0),
		readinessGates: list(object({ conditionType: string }, ["conditionType"])),
		schedulingGates: list(object({ name: string }, ["name"])),
		schedulerName: string,
		hostAliases: list(object({ ip: address, hostnames: list(string) }, ["ip"])),
	},
	["containers"],
	"activeDeadlineSeconds automountServiceAccountToken dnsConfig enableServiceLinks hostIPC hostPID hostUsers hostnameOverride imagePullSecrets os overhead preemptionPolicy priority priorityClassName resourceClaims resources runtimeClassName schedulingGroup securityContext serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace volumes workloadRef",
);
const TEMPLATE = object({ metadata: METADATA, spec: POD_SPEC }, ["spec"]);
const REPLICAS = integer(0);
const UPDATE = object({
	type: string,
	rollingUpdate: object({ maxSurge: countOrPercent, maxUnavailable: countOrPercent, partition: integer(0) }),
});

const POD_STATUS = statusWith(
	{
		phase: words("Pending", "Running", "Succeeded", "Failed", "Unknown"),
		podIP: emptyOrAddress,
		podIPs: list(object({ ip: emptyOrAddress })),
		hostIP: emptyOrAddress,
		containerStatuses: list(object({ name: string, ready: boolean, started: boolean }, ["name"], CONTAINER_STATUS())),
	},
	"allocatedResources ephemeralContainerStatuses extendedResourceClaimStatus hostIPs initContainerStatuses message nodeAllocatableResourceClaimStatuses nominatedNodeName observedGeneration qosClass reason resize resourceClaimStatuses resources startTime",
);

function CONTAINER_STATUS(): string {
	return "allocatedResources allocatedResourcesStatus containerID image imageID lastState resources restartCount state stopSignal user volumeMounts";
}

const SERVICE_SPEC = object(
	{
		type: words("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
		selector: map(labelValue),
		ports: list(
			object(
				{
					name: dnsLabel,
					protocol: PROTOCOL,
					port,
					targetPort: portOrName,
					nodePort: integer(0, 65535),
					appProtocol: string,
				},
				["port"],
			),
			"name",
		),
		clusterIP,
		clusterIPs: list(clusterIP),
		ipFamilies: list(FAMILY),
		ipFamilyPolicy: words("SingleStack", "PreferDualStack", "RequireDualStack"),
		externalIPs: list(address),
		externalName: string,
		externalTrafficPolicy: words("Cluster", "Local", ""),
		internalTrafficPolicy: words("Cluster", "Local"),
		trafficDistribution: string,
		sessionAffinity: words("None", "ClientIP", ""),
		sessionAffinityConfig: object({ clientIP: object({ timeoutSeconds: integer(1, 86400) }) }),
		loadBalancerIP: emptyOrAddress,
		loadBalancerClass: string,
		loadBalancerSourceRanges: list(looseCidr),
		allocateLoadBalancerNodePorts: boolean,
		healthCheckNodePort: integer(0, 65535),
		publishNotReadyAddresses: boolean,
	},
	[],
	"topologyKeys ipFamily sessionAffinityTimeout",
);
const SERVICE_STATUS = statusWith({
	loadBalancer: object({
		ingress: list(object({ ip: emptyOrAddress, hostname: string, ipMode: words("VIP", "Proxy"), ports: list(any) })),
	}),
});

const NODE_SPEC = object(
	{
		podCIDR: cidr,
		podCIDRs: list(cidr),
		providerID: string,
		unschedulable: boolean,
		taints: list(object({ key: string, value: string, effect: EFFECT }, ["key", "effect"], "timeAdded")),
	},
	[],
	"configSource externalID",
);
const NODE_STATUS = statusWith(
	{
		addresses: list(
			object({ type: words("Hostname", "InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS"), address: string }, [
				"type",
				"address",
			]),
		),
	},
	"allocatable capacity config daemonEndpoints declaredFeatures features images nodeInfo phase runtimeHandlers volumesAttached volumesInUse",
);

const ENDPOINT_ADDRESS = object({ ip: address, hostname: string, nodeName: string }, ["ip"], "targetRef");
const NAMED_PORT = object({ name: string, port: integer(0, 65535), protocol: PROTOCOL, appProtocol: string });
const ENDPOINT = object(
	{
		addresses: list(string),
		conditions: object({ ready: boolean, serving: boolean, terminating: boolean }),
		hostname: string,
		nodeName: string,
		zone: string,
		hints: object({
			forZones: list(object({ name: string }, ["name"])),
			forNodes: list(object({ name: string }, ["name"])),
		}),
	},
	["addresses"],
	"targetRef deprecatedTopology",
);

function selects(object: Loose, report: Report): void {
	const selector = object.spec?.selector;
	if (selector === undefined || selector === null) return;
	const labels = object.spec.template?.metadata?.labels ?? {};
	if (Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0) {
		report({ severity: "error", path: ["spec", "selector"], message: "an empty selector would select every pod" });
	}
	for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
		if (labels[key] === value) continue;
		const path = ["spec", "selector", "matchLabels", key];
		report({
			severity: "error",
			path,
			message: "the pod template does not carry this label, so the selector would not match its own pods",
		});
	}
	templateRules(object.spec.template?.spec, ["spec", "template", "spec"], report);
}

function templateRules(spec: Loose, path: (string | number)[], report: Report): void {
	(spec?.containers ?? []).forEach((container: Loose, index: number) => {
		containerRules(spec, container, [...path, "containers", index], report);
	});
	if (Array.isArray(spec?.containers) && spec.containers.length === 0) {
		report({ severity: "error", path: [...path, "containers"], message: "a pod has at least one container" });
	}
	hostPortRules(spec, path, report);
}

function containerRules(spec: Loose, container: Loose, path: (string | number)[], report: Report): void {
	(container?.ports ?? []).forEach((entry: Loose, index: number) => {
		if (spec.hostNetwork === true && entry.hostPort && entry.hostPort !== entry.containerPort) {
			const message = `must equal containerPort ${entry.containerPort}: the pod shares the node's network`;
			report({ severity: "error", path: [...path, "ports", index, "hostPort"], message });
		}
	});
}

/** Two containers of a pod share its addresses: a hostPort can be taken once. */
function hostPortRules(spec: Loose, path: (string | number)[], report: Report): void {
	const seen = new Set<string>();
	(spec?.containers ?? []).forEach((container: Loose, c: number) => {
		(container?.ports ?? []).forEach((entry: Loose, p: number) => {
			if (!entry?.hostPort) return;
			const key = `${entry.protocol ?? "TCP"}/${entry.hostIP ?? ""}:${entry.hostPort}`;
			if (seen.has(key))
				report({
					severity: "error",
					path: [...path, "containers", c, "ports", p, "hostPort"],
					message: `${entry.hostPort} is taken twice in this pod`,
				});
			seen.add(key);
		});
	});
}

function serviceRules(object: Loose, report: Report): void {
	const spec = object.spec ?? {};
	const ports: Loose[] = spec.ports ?? [];
	const headless = spec.clusterIP === "None";
	if (spec.type === "ExternalName") {
		if (!spec.externalName)
			report({ severity: "error", path: ["spec", "externalName"], message: "required for type ExternalName" });
		return;
	}
	if (ports.length === 0 && !headless)
		report({
			severity: "error",
			path: ["spec", "ports"],
			message: "required: a Service that is not headless has at least one port",
		});
	if (headless && (spec.type === "NodePort" || spec.type === "LoadBalancer")) {
		report({ severity: "error", path: ["spec", "clusterIP"], message: `may not be None for type ${spec.type}` });
	}
	portRules(spec, ports, report);
}

function portRules(spec: Loose, ports: Loose[], report: Report): void {
	const seen = new Map<string, number>();
	ports.forEach((entry, index) => {
		if (ports.length > 1 && !entry.name)
			report({
				severity: "error",
				path: ["spec", "ports", index, "name"],
				message: "required where a Service has several ports",
			});
		const key = `${entry.protocol ?? "TCP"} ${entry.port}`;
		const before = seen.get(key);
		if (before !== undefined)
			report({
				severity: "error",
				path: ["spec", "ports", index, "port"],
				message: `${key} is already port ${before} of this Service`,
			});
		seen.set(key, index);
		if (entry.nodePort && (spec.type ?? "ClusterIP") === "ClusterIP") {
			report({
				severity: "error",
				path: ["spec", "ports", index, "nodePort"],
				message: "may not be set for type ClusterIP",
			});
		}
	});
}

function sliceRules(object: Loose, report: Report): void {
	const shape = object.addressType === "FQDN" ? dnsSubdomain : address;
	(object.endpoints ?? []).forEach((endpoint: Loose, index: number) => {
		(endpoint?.addresses ?? []).forEach((text: unknown, a: number) =>
			check(shape, text, ["endpoints", index, "addresses", a], report),
		);
	});
}

function nodeRules(object: Loose, report: Report): void {
	(object.status?.addresses ?? []).forEach((entry: Loose, index: number) => {
		if (entry?.type === "InternalIP" || entry?.type === "ExternalIP")
			check(address, entry.address, ["status", "addresses", index, "address"], report);
	});
	const { podCIDR, podCIDRs } = object.spec ?? {};
	if (podCIDR && Array.isArray(podCIDRs) && podCIDRs.length > 0 && podCIDRs[0] !== podCIDR) {
		report({ severity: "error", path: ["spec", "podCIDRs", 0], message: `must equal podCIDR ${podCIDR}` });
	}
}

function none(): void {}

function kind(
	name: string,
	apiVersion: string,
	shape: Shape,
	rules: Kind["rules"] = none,
	removed: readonly string[] = [],
	namespaced = true,
): Kind {
	return { kind: name, apiVersion, shape, rules, removed, namespaced };
}

function topLevel(fields: Record<string, Shape>, required: readonly string[] = []): Shape {
	return object({ apiVersion: string, kind: string, metadata: METADATA, ...fields }, ["metadata", ...required]);
}

const SELECTING = ["selector", "template"];
const APPS_REMOVED = ["extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"];

export const KINDS: readonly Kind[] = [
	kind("Namespace", "v1", topLevel({ spec: any, status: any }), none, [], false),
	kind("Node", "v1", topLevel({ spec: NODE_SPEC, status: NODE_STATUS }), nodeRules, [], false),
	kind("Pod", "v1", topLevel({ spec: POD_SPEC, status: POD_STATUS }, ["spec"]), (pod, report) =>
		templateRules(pod.spec, ["spec"], report),
	),
	kind("Service", "v1", topLevel({ spec: SERVICE_SPEC, status: SERVICE_STATUS }, ["spec"]), serviceRules),
	kind(
		"Endpoints",
		"v1",
		topLevel({
			subsets: list(
				object({
					addresses: list(ENDPOINT_ADDRESS),
					notReadyAddresses: list(ENDPOINT_ADDRESS),
					ports: list(NAMED_PORT),
				}),
			),
		}),
	),
	kind("ConfigMap", "v1", topLevel({ data: map(string), binaryData: map(string), immutable: boolean })),
	kind(
		"EndpointSlice",
		"discovery.k8s.io/v1",
		topLevel({ addressType: words("IPv4", "IPv6", "FQDN"), endpoints: list(ENDPOINT), ports: list(NAMED_PORT) }, [
			"addressType",
		]),
		sliceRules,
		["discovery.k8s.io/v1beta1"],
	),
	kind(
		"Deployment",
		"apps/v1",
		topLevel(
			{
				spec: object(
					{ replicas: REPLICAS, selector: SELECTOR, template: TEMPLATE, strategy: UPDATE, paused: boolean },
					SELECTING,
					"minReadySeconds progressDeadlineSeconds revisionHistoryLimit",
				),
				status: any,
			},
			["spec"],
		),
		selects,
		APPS_REMOVED,
	),
	kind(
		"ReplicaSet",
		"apps/v1",
		topLevel(
			{
				spec: object({ replicas: REPLICAS, selector: SELECTOR, template: TEMPLATE }, ["selector"], "minReadySeconds"),
				status: any,
			},
			["spec"],
		),
		selects,
		APPS_REMOVED,
	),
	kind(
		"StatefulSet",
		"apps/v1",
		topLevel(
			{
				spec: object(
					{
						replicas: REPLICAS,
						selector: SELECTOR,
						template: TEMPLATE,
						serviceName: string,
						ordinals: object({ start: integer(0) }),
						updateStrategy: UPDATE,
					},
					SELECTING,
					"minReadySeconds persistentVolumeClaimRetentionPolicy podManagementPolicy revisionHistoryLimit volumeClaimTemplates",
				),
				status: any,
			},
			["spec"],
		),
		selects,
		APPS_REMOVED,
	),
	kind(
		"DaemonSet",
		"apps/v1",
		topLevel(
			{
				spec: object(
					{ selector: SELECTOR, template: TEMPLATE, updateStrategy: UPDATE },
					SELECTING,
					"minReadySeconds revisionHistoryLimit",
				),
				status: any,
			},
			["spec"],
		),
		selects,
		APPS_REMOVED,
	),
	kind(
		"ServiceCIDR",
		"networking.k8s.io/v1",
		topLevel({ spec: object({ cidrs: list(cidr) }), status: any }),
		none,
		["networking.k8s.io/v1beta1", "networking.k8s.io/v1alpha1"],
		false,
	),
];

/** Names whose form the API server checks, by kind. */
const LABEL_NAMED = new Set(["Namespace", "Service"]);

export function nameShape(kindName: string): Shape {
	return LABEL_NAMED.has(kindName) ? dnsLabel : dnsSubdomain;
}
