// What the API server fills in when a Service or a pod's ports are created (pkg/apis/core/v1/defaults.go), as far as
// the network depends on it. The annotation of Kubernetes 1.4-1.7 that asked for OnlyLocal still counts.

import type { PodSpec, Service, ServiceSpec } from "../api/core.ts";

const ONLY_LOCAL = "service.beta.kubernetes.io/external-traffic";
const AFFINITY_SECONDS = 10800;

/** The Service with upstream's defaults; the argument is left as it is. */
export function withServiceDefaults(service: Service): Service {
	const spec: ServiceSpec = { ...service.spec };
	spec.type ??= "ClusterIP";
	spec.sessionAffinity ||= "None";
	if (spec.sessionAffinity === "ClientIP") {
		spec.sessionAffinityConfig = {
			clientIP: { timeoutSeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS },
		};
	}
	if (spec.ports) {
		spec.ports = spec.ports.map((port) => ({
			...port,
			protocol: port.protocol ?? "TCP",
			targetPort: port.targetPort || port.port,
		}));
	}
	if (spec.type !== "ExternalName") spec.internalTrafficPolicy ??= "Cluster";
	if (spec.type === "NodePort" || spec.type === "LoadBalancer") {
		const onlyLocal = service.metadata.annotations?.[ONLY_LOCAL] === "OnlyLocal";
		spec.externalTrafficPolicy ||= onlyLocal ? "Local" : "Cluster";
	}
	if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
	return { ...service, spec };
}

/** The pod spec with its ports' protocols, and host ports where the pod shares the node's network. */
export function withPodDefaults(spec: PodSpec): PodSpec {
	const containers = <T extends { ports?: PodSpec["containers"][number]["ports"] }>(list: T[]): T[] =>
		list.map((container) => {
			if (!container.ports) return container;
			const ports = container.ports.map((port) => {
				const complete = { ...port, protocol: port.protocol ?? "TCP" };
				if (spec.hostNetwork === true) complete.hostPort ||= port.containerPort;
				return complete;
			});
			return { ...container, ports };
		});
	const complete: PodSpec = {
		restartPolicy: "Always",
		dnsPolicy: "ClusterFirst",
		schedulerName: "default-scheduler",
		terminationGracePeriodSeconds: 30,
		...spec,
		containers: containers(spec.containers),
	};
	if (spec.initContainers) complete.initContainers = containers(spec.initContainers);
	return complete;
}
