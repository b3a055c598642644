// The fields of the kinds that are read, as shapes: upstream's names (OpenAPI document of Kubernetes 1.36) and what the
// network depends on. Generated validators of the whole API replace them later; names in a `known` list pass unchecked.

import {
	address,
	any,
	boolean,
	cidr,
	clusterIP,
	countOrPercent,
	dnsLabel,
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
	type Shape,
	string,
	words,
} from "./shape.ts";

export const METADATA = object(
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

export const PROTOCOL = words("TCP", "UDP", "SCTP");
export const FAMILY = words("IPv4", "IPv6");
export const STATUS = object({
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

export const REQUIREMENT = object(
	{ key: string, operator: words("In", "NotIn", "Exists", "DoesNotExist"), values: list(string) },
	["key", "operator"],
);
export const SELECTOR = object({ matchLabels: map(labelValue), matchExpressions: list(REQUIREMENT) });
export const NODE_REQUIREMENT = object(
	{ key: string, operator: words("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"), values: list(string) },
	["key", "operator"],
);
export const NODE_TERM = object({ matchExpressions: list(NODE_REQUIREMENT), matchFields: list(NODE_REQUIREMENT) });
export const POD_TERM = object(
	{ labelSelector: SELECTOR, namespaceSelector: SELECTOR, namespaces: list(string), topologyKey: string },
	["topologyKey"],
	"matchLabelKeys mismatchLabelKeys",
);
export const POD_TERMS = object({
	requiredDuringSchedulingIgnoredDuringExecution: list(POD_TERM),
	preferredDuringSchedulingIgnoredDuringExecution: list(
		object({ weight: integer(1, 100), podAffinityTerm: POD_TERM }, ["weight", "podAffinityTerm"]),
	),
});
export const AFFINITY = object({
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
export const EFFECT = words("NoSchedule", "PreferNoSchedule", "NoExecute");
export const TOLERATION = object({
	key: string,
	operator: words("Exists", "Equal", "Lt", "Gt"),
	value: string,
	effect: words("NoSchedule", "PreferNoSchedule", "NoExecute", ""),
	tolerationSeconds: integer(-2147483648),
});
export const SPREAD = object(
	{
		maxSkew: integer(1),
		topologyKey: string,
		whenUnsatisfiable: words("DoNotSchedule", "ScheduleAnyway"),
		labelSelector: SELECTOR,
	},
	["maxSkew", "topologyKey", "whenUnsatisfiable"],
	"minDomains matchLabelKeys nodeAffinityPolicy nodeTaintsPolicy",
);

export const PROBE = object(
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
export const CONTAINER = object(
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
export const POD_SPEC = object(
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
export const TEMPLATE = object({ metadata: METADATA, spec: POD_SPEC }, ["spec"]);
export const REPLICAS = integer(0);
export const UPDATE = object({
	type: string,
	rollingUpdate: object({ maxSurge: countOrPercent, maxUnavailable: countOrPercent, partition: integer(0) }),
});

const CONTAINER_STATUS_KNOWN =
	"allocatedResources allocatedResourcesStatus containerID image imageID lastState resources restartCount state stopSignal user volumeMounts";

export const POD_STATUS = statusWith(
	{
		phase: words("Pending", "Running", "Succeeded", "Failed", "Unknown"),
		podIP: emptyOrAddress,
		podIPs: list(object({ ip: address }, ["ip"])),
		hostIP: emptyOrAddress,
		containerStatuses: list(
			object({ name: string, ready: boolean, started: boolean }, ["name"], CONTAINER_STATUS_KNOWN),
		),
	},
	"allocatedResources ephemeralContainerStatuses extendedResourceClaimStatus hostIPs initContainerStatuses message nodeAllocatableResourceClaimStatuses nominatedNodeName observedGeneration qosClass reason resize resourceClaimStatuses resources startTime",
);

export const SERVICE_SPEC = object(
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
export const SERVICE_STATUS = statusWith({
	loadBalancer: object({
		ingress: list(object({ ip: emptyOrAddress, hostname: string, ipMode: words("VIP", "Proxy"), ports: list(any) })),
	}),
});

export const NODE_SPEC = object(
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
export const NODE_STATUS = statusWith(
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

export const ENDPOINT_ADDRESS = object({ ip: address, hostname: string, nodeName: string }, ["ip"], "targetRef");
export const NAMED_PORT = object({ name: string, port: integer(0, 65535), protocol: PROTOCOL, appProtocol: string });
export const ENDPOINT = object(
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
