// Scene of the large cluster as API objects, as a dump of a running one has them: nodes of 30 pods each, two Services a node
// of 15 endpoints each; no policy Local, no hints, ClusterIP only. 5,000 nodes are 10,000 Services and 150,000 pods. The fabric is
// the default one: a router with a route a pod network, nodes with a default route.

import type { Node, Pod, Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { ClusterRules } from "../../js/cluster/live/rules.ts";
import type { ChangedServices } from "../../js/kube-proxy/partial.ts";
import { loadTopology } from "../../js/lab.ts";
import { configure } from "../../js/manifests/configuration.ts";
import type { Network } from "../../js/net/network.ts";
import type { Ruleset } from "../../js/net/ruleset.ts";
import type { Topology } from "../../js/net/topology.ts";
import { dotted } from "../inputs.ts";

const PODS = 30;
const ENDPOINTS = 15;
const POD_NETWORK = 0x0a400000; // 10.64.0.0/10, a /24 a node
const NODE_NETWORK = 0xac100000; // 172.16.0.0/12
const SERVICE_NETWORK = 0x0a000000; // 10.0.0.0/12

export const POD_CIDR = "10.64.0.0/10";
export const SERVICE_CIDR = "10.0.0.0/12";

const uid = (kind: number, i: number) => `00000000-0000-4000-8${kind}00-${String(i).padStart(12, "0")}`;
const podAddress = (i: number) => dotted(POD_NETWORK + Math.floor(i / PODS) * 256 + 2 + (i % PODS));
const nodeName = (i: number) => `node-${i}`;
const app = (i: number) => `app-${i}`;

function node(i: number): Node {
	const podCIDR = `${dotted(POD_NETWORK + i * 256)}/24`;
	return {
		apiVersion: "v1",
		kind: "Node",
		metadata: { name: nodeName(i), uid: uid(1, i) },
		spec: { podCIDR, podCIDRs: [podCIDR] },
		status: {
			addresses: [{ type: "InternalIP", address: dotted(NODE_NETWORK + 256 + i) }],
			conditions: [{ type: "Ready", status: "True" }],
		},
	};
}

/** Pods of one Service are on 15 nodes, and of 30 pods on a node no two are of one. */
const serviceOf = (pod: number, services: number) => Math.floor(pod % services);

function pod(i: number, services: number): Pod {
	const address = podAddress(i);
	const on = Math.floor(i / PODS);
	return {
		apiVersion: "v1",
		kind: "Pod",
		metadata: { name: `pod-${i}`, namespace: "default", uid: uid(2, i), labels: { app: app(serviceOf(i, services)) } },
		spec: { nodeName: nodeName(on), containers: [{ name: "web", image: "web", ports: [{ containerPort: 8080 }] }] },
		status: {
			phase: "Running",
			podIP: address,
			podIPs: [{ ip: address }],
			hostIP: dotted(NODE_NETWORK + 256 + on),
			conditions: [{ type: "Ready", status: "True" }],
		},
	};
}

function service(i: number): Service {
	const clusterIP = dotted(SERVICE_NETWORK + 10 + i);
	return {
		apiVersion: "v1",
		kind: "Service",
		metadata: { name: app(i), namespace: "default", uid: uid(3, i) },
		spec: {
			type: "ClusterIP",
			clusterIP,
			clusterIPs: [clusterIP],
			selector: { app: app(i) },
			ports: [{ name: "web", port: 80, targetPort: 8080, protocol: "TCP" }],
		},
	};
}

function slice(i: number, services: number): EndpointSlice {
	const pods = Array.from({ length: ENDPOINTS }, (_, k) => i + k * services);
	return {
		apiVersion: "discovery.k8s.io/v1",
		kind: "EndpointSlice",
		metadata: {
			name: `${app(i)}-1`,
			namespace: "default",
			uid: uid(4, i),
			labels: {
				"kubernetes.io/service-name": app(i),
				"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
			},
		},
		addressType: "IPv4",
		endpoints: pods.map((p) => ({
			addresses: [podAddress(p)],
			conditions: { ready: true, serving: true, terminating: false },
			nodeName: nodeName(Math.floor(p / PODS)),
			targetRef: { kind: "Pod", namespace: "default", name: `pod-${p}`, uid: uid(2, p) },
		})),
		ports: [{ name: "web", port: 8080, protocol: "TCP" }],
	};
}

const of = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

export interface LargeNetwork {
	network: Network;
	/** kube-proxy's rules of every node. */
	rules: ClusterRules;
	ruleset: Ruleset;
	/** An endpoint of a Service has another address, by a number: the Service and its slice. */
	moved(service: number, number: number): ChangedServices;
}

/** The cluster's network with kube-proxy's rules on every node: what the engine is loaded with. */
export function largeNetwork(nodes: number): LargeNetwork {
	const count = nodes * 2;
	const topology: Topology = {
		fabric: { kind: "routed" },
		nodes: of(nodes, (i) => {
			const { metadata, spec, status } = node(i);
			return { name: metadata.name ?? "", ip: status?.addresses?.[0]?.address ?? "", podCIDR: spec?.podCIDR ?? "" };
		}),
		pods: of(nodes * PODS, (i) => ({
			name: `default/pod-${i}`,
			node: nodeName(Math.floor(i / PODS)),
			ip: podAddress(i),
			listen: [{ proto: "tcp", port: 8080 }],
		})),
		hosts: [],
		router: { ip: "172.16.0.1" },
	};
	const { configuration } = configure([], { podCIDR: POD_CIDR, serviceCIDR: SERVICE_CIDR });
	const slices = of(count, (i) => slice(i, count));
	const services = of(count, service);
	const rules = new ClusterRules(services, slices, configuration);
	const { ruleset } = rules.of(node(0), null).rules;
	const network = loadTopology(topology);
	for (const netns of network.netns) if (netns.kind === "node") netns.ruleset = ruleset;
	const moved = (i: number, number: number) => {
		const changed = { service: services[i] ?? null, slices: [movedSlice(i, count, number)] };
		return new Map([[`default/${app(i)}`, changed]]);
	};
	return { network, rules, ruleset, moved };
}

/** The first endpoint has the address of a pod that no Service has. */
function movedSlice(i: number, services: number, number: number): EndpointSlice {
	const before = slice(i, services);
	const [first, ...others] = before.endpoints ?? [];
	if (first === undefined) throw new RangeError(`Service ${i} has no endpoints`);
	return { ...before, endpoints: [{ ...first, addresses: [dotted(POD_NETWORK + 200 + (number % 50))] }, ...others] };
}

/** `nodes` nodes, twice as many Services, thirty times as many pods. */
export function largeCluster(nodes: number): KubernetesObject[] {
	const services = nodes * 2;
	return [
		...of(nodes, node),
		...of(nodes * PODS, (i) => pod(i, services)),
		...of(services, service),
		...of(services, (i) => slice(i, services)),
	];
}
