// core/v1: Namespace, Node, Pod, Service, Endpoints, ConfigMap, Event.
// Field names are upstream's (OpenAPI document of Kubernetes 1.36); types only, optional as upstream. Of a Pod the
// fields are kept that decide placement, addresses, ports and readiness; volumes, security contexts and resources
// pass through untyped.

import type { Condition, IntOrString, KubernetesObject, LabelSelector, ObjectMeta, Protocol } from "./meta.ts";

export interface Namespace extends KubernetesObject {
	apiVersion: "v1";
	kind: "Namespace";
	metadata: ObjectMeta;
	spec?: { finalizers?: string[] };
	status?: { phase?: "Active" | "Terminating"; conditions?: Condition[] };
}

export interface Node extends KubernetesObject {
	apiVersion: "v1";
	kind: "Node";
	metadata: ObjectMeta;
	spec?: NodeSpec;
	status?: NodeStatus;
}

export interface NodeSpec {
	podCIDR?: string;
	podCIDRs?: string[];
	providerID?: string;
	unschedulable?: boolean;
	taints?: Taint[];
}

export interface Taint {
	key: string;
	value?: string;
	effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
	timeAdded?: string;
}

export interface NodeStatus {
	addresses?: NodeAddress[];
	conditions?: Condition[];
	capacity?: Record<string, string>;
	allocatable?: Record<string, string>;
	nodeInfo?: Record<string, string>;
	daemonEndpoints?: { kubeletEndpoint?: { Port: number } };
}

export interface NodeAddress {
	type: "Hostname" | "InternalIP" | "ExternalIP" | "InternalDNS" | "ExternalDNS";
	address: string;
}

export interface Pod extends KubernetesObject {
	apiVersion: "v1";
	kind: "Pod";
	metadata: ObjectMeta;
	spec?: PodSpec;
	status?: PodStatus;
}

export interface PodTemplateSpec {
	metadata?: ObjectMeta;
	spec?: PodSpec;
}

export interface PodSpec {
	containers: Container[];
	initContainers?: Container[];
	ephemeralContainers?: Container[];
	nodeName?: string;
	nodeSelector?: Record<string, string>;
	affinity?: Affinity;
	tolerations?: Toleration[];
	topologySpreadConstraints?: TopologySpreadConstraint[];
	hostNetwork?: boolean;
	hostname?: string;
	subdomain?: string;
	hostAliases?: { ip: string; hostnames?: string[] }[];
	setHostnameAsFQDN?: boolean;
	dnsPolicy?: "ClusterFirst" | "ClusterFirstWithHostNet" | "Default" | "None";
	dnsConfig?: { nameservers?: string[]; searches?: string[]; options?: { name?: string; value?: string }[] };
	restartPolicy?: "Always" | "OnFailure" | "Never";
	terminationGracePeriodSeconds?: number;
	readinessGates?: { conditionType: string }[];
	schedulerName?: string;
	schedulingGates?: { name: string }[];
	priority?: number;
	priorityClassName?: string;
	preemptionPolicy?: "PreemptLowerPriority" | "Never";
	overhead?: Record<string, string>;
	/** Of the pod as a whole. */
	resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
	serviceAccountName?: string;
	[field: string]: unknown;
}

export interface Container {
	name: string;
	image?: string;
	command?: string[];
	args?: string[];
	env?: { name: string; value?: string; valueFrom?: unknown }[];
	ports?: ContainerPort[];
	/** `Always` on an init container makes it a sidecar. */
	restartPolicy?: string;
	readinessProbe?: Probe;
	livenessProbe?: Probe;
	startupProbe?: Probe;
	resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
	[field: string]: unknown;
}

export interface ContainerPort {
	name?: string;
	containerPort: number;
	protocol?: Protocol;
	hostPort?: number;
	hostIP?: string;
}

export interface Probe {
	httpGet?: {
		path?: string;
		port: IntOrString;
		host?: string;
		scheme?: string;
		httpHeaders?: { name: string; value: string }[];
	};
	tcpSocket?: { port: IntOrString; host?: string };
	grpc?: { port: number; service?: string };
	exec?: { command?: string[] };
	initialDelaySeconds?: number;
	periodSeconds?: number;
	timeoutSeconds?: number;
	successThreshold?: number;
	failureThreshold?: number;
	terminationGracePeriodSeconds?: number;
}

export interface Toleration {
	key?: string;
	operator?: "Exists" | "Equal" | "Lt" | "Gt";
	value?: string;
	effect?: Taint["effect"];
	tolerationSeconds?: number;
}

export interface Affinity {
	nodeAffinity?: NodeAffinity;
	podAffinity?: PodAffinity;
	podAntiAffinity?: PodAffinity;
}

export interface NodeAffinity {
	requiredDuringSchedulingIgnoredDuringExecution?: NodeSelector;
	preferredDuringSchedulingIgnoredDuringExecution?: { weight: number; preference: NodeSelectorTerm }[];
}

export interface NodeSelector {
	nodeSelectorTerms: NodeSelectorTerm[];
}

export interface NodeSelectorTerm {
	matchExpressions?: NodeSelectorRequirement[];
	matchFields?: NodeSelectorRequirement[];
}

export interface NodeSelectorRequirement {
	key: string;
	operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt";
	values?: string[];
}

export interface PodAffinity {
	requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[];
	preferredDuringSchedulingIgnoredDuringExecution?: { weight: number; podAffinityTerm: PodAffinityTerm }[];
}

export interface PodAffinityTerm {
	labelSelector?: LabelSelector;
	namespaceSelector?: LabelSelector;
	namespaces?: string[];
	topologyKey: string;
	matchLabelKeys?: string[];
	mismatchLabelKeys?: string[];
}

export interface TopologySpreadConstraint {
	maxSkew: number;
	topologyKey: string;
	whenUnsatisfiable: "DoNotSchedule" | "ScheduleAnyway";
	labelSelector?: LabelSelector;
	minDomains?: number;
	nodeAffinityPolicy?: "Honor" | "Ignore";
	nodeTaintsPolicy?: "Honor" | "Ignore";
	matchLabelKeys?: string[];
}

export interface PodStatus {
	phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
	conditions?: Condition[];
	hostIP?: string;
	hostIPs?: { ip: string }[];
	podIP?: string;
	podIPs?: { ip: string }[];
	startTime?: string;
	reason?: string;
	message?: string;
	containerStatuses?: ContainerStatus[];
	initContainerStatuses?: ContainerStatus[];
	qosClass?: string;
	/** Where a pod is to go whose victims are on their way out. */
	nominatedNodeName?: string;
}

export interface ContainerStatus {
	name: string;
	ready?: boolean;
	started?: boolean;
	restartCount?: number;
	image?: string;
	state?: unknown;
	lastState?: unknown;
}

export interface Service extends KubernetesObject {
	apiVersion: "v1";
	kind: "Service";
	metadata: ObjectMeta;
	spec?: ServiceSpec;
	status?: ServiceStatus;
}

export type IPFamily = "IPv4" | "IPv6";

export interface ServiceSpec {
	type?: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
	selector?: Record<string, string>;
	ports?: ServicePort[];
	/** `None` is headless; empty: to be allocated. */
	clusterIP?: string;
	clusterIPs?: string[];
	ipFamilies?: IPFamily[];
	ipFamilyPolicy?: "SingleStack" | "PreferDualStack" | "RequireDualStack";
	externalIPs?: string[];
	externalName?: string;
	externalTrafficPolicy?: "Cluster" | "Local";
	internalTrafficPolicy?: "Cluster" | "Local";
	trafficDistribution?: string;
	sessionAffinity?: "None" | "ClientIP";
	sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } };
	loadBalancerIP?: string;
	loadBalancerClass?: string;
	loadBalancerSourceRanges?: string[];
	allocateLoadBalancerNodePorts?: boolean;
	healthCheckNodePort?: number;
	publishNotReadyAddresses?: boolean;
}

export interface ServicePort {
	name?: string;
	protocol?: Protocol;
	port: number;
	targetPort?: IntOrString;
	nodePort?: number;
	appProtocol?: string;
}

export interface ServiceStatus {
	loadBalancer?: { ingress?: LoadBalancerIngress[] };
	conditions?: Condition[];
}

export interface LoadBalancerIngress {
	ip?: string;
	hostname?: string;
	/** `Proxy`: clients inside the cluster really go to the load balancer. */
	ipMode?: "VIP" | "Proxy";
	ports?: { port: number; protocol: Protocol; error?: string }[];
}

export interface Endpoints extends KubernetesObject {
	apiVersion: "v1";
	kind: "Endpoints";
	metadata: ObjectMeta;
	subsets?: EndpointSubset[];
}

export interface EndpointSubset {
	addresses?: EndpointAddress[];
	notReadyAddresses?: EndpointAddress[];
	ports?: { name?: string; port: number; protocol?: Protocol; appProtocol?: string }[];
}

export interface EndpointAddress {
	ip: string;
	hostname?: string;
	nodeName?: string;
	targetRef?: ObjectReference;
}

export interface ObjectReference {
	apiVersion?: string;
	kind?: string;
	namespace?: string;
	name?: string;
	uid?: string;
	resourceVersion?: string;
	fieldPath?: string;
}

export interface ConfigMap extends KubernetesObject {
	apiVersion: "v1";
	kind: "ConfigMap";
	metadata: ObjectMeta;
	data?: Record<string, string>;
	binaryData?: Record<string, string>;
	immutable?: boolean;
}

export interface Event extends KubernetesObject {
	apiVersion: "v1";
	kind: "Event";
	metadata: ObjectMeta;
	involvedObject: ObjectReference;
	type?: "Normal" | "Warning";
	reason?: string;
	message?: string;
	source?: { component?: string; host?: string };
	count?: number;
	firstTimestamp?: string;
	lastTimestamp?: string;
	reportingComponent?: string;
	reportingInstance?: string;
}
