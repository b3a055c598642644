// Services: what is filled in, what is refused, what may change.

import { changed, create, type Given, get, merge, one, put, remove, type Scene } from "./question.ts";

const service = (spec: object, metadata: object = {}): Given => ({
	apiVersion: "v1",
	kind: "Service",
	metadata: { name: "web", ...metadata },
	spec,
});
const PORTS = [{ port: 80 }];
const dual = { ports: PORTS, ipFamilyPolicy: "RequireDualStack" };

export const SERVICES: Scene[] = [
	one("a Service with a port alone", service({ ports: PORTS })),
	one("a NodePort", service({ type: "NodePort", selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] })),
	one("a LoadBalancer", service({ type: "LoadBalancer", ports: PORTS, externalTrafficPolicy: "Local" })),
	one(
		"a LoadBalancer without node ports",
		service({ type: "LoadBalancer", ports: PORTS, allocateLoadBalancerNodePorts: false }),
	),
	one("a headless Service", service({ clusterIP: "None", selector: { app: "web" }, ports: PORTS })),
	one("a headless Service without selector", service({ clusterIP: "None", ports: PORTS })),
	one("a headless Service without selector or ports", service({ clusterIP: "None" })),
	one("an ExternalName", service({ type: "ExternalName", externalName: "example.com." })),
	one("dual-stack if possible", service({ ports: PORTS, ipFamilyPolicy: "PreferDualStack" })),
	one("dual-stack", service(dual)),
	one("dual-stack by families", service({ ports: PORTS, ipFamilies: ["IPv6", "IPv4"] })),
	one("IPv6 alone", service({ ports: PORTS, ipFamilies: ["IPv6"] })),
	one("two addresses", service({ ports: PORTS, clusterIPs: ["10.96.7.7", "fd00:10:96::77"] })),
	one("session affinity", service({ ports: PORTS, sessionAffinity: "ClientIP" })),
	one(
		"session affinity for too long",
		service({
			ports: PORTS,
			sessionAffinity: "ClientIP",
			sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } },
		}),
	),
	one("session affinity of another kind", service({ ports: PORTS, sessionAffinity: "Cookie" })),
	one("no ports", service({})),
	one("no spec", { apiVersion: "v1", kind: "Service", metadata: { name: "web" } }),
	one(
		"bad ports",
		service({
			ports: [
				{ port: 0 },
				{ port: 70000, name: "A_b", protocol: "ICMP" },
				{ port: 80, name: "a", targetPort: "too--long-a-name-for-it" },
				{ port: 81, name: "a" },
			],
		}),
	),
	one(
		"a port twice",
		service({
			ports: [
				{ name: "a", port: 80 },
				{ name: "b", port: 80 },
			],
		}),
	),
	one(
		"a port in two protocols",
		service({
			ports: [
				{ name: "a", port: 53 },
				{ name: "b", port: 53, protocol: "UDP" },
			],
		}),
	),
	one("a node port on a ClusterIP", service({ ports: [{ port: 80, nodePort: 30080 }] })),
	one(
		"a node port twice",
		service({
			type: "NodePort",
			ports: [
				{ name: "a", port: 80, nodePort: 30080 },
				{ name: "b", port: 81, nodePort: 30080 },
			],
		}),
	),
	one(
		"a node port for two protocols",
		service({
			type: "NodePort",
			ports: [
				{ name: "a", port: 53, nodePort: 30053 },
				{ name: "b", port: 53, protocol: "UDP", nodePort: 30053 },
			],
		}),
	),
	one("a node port out of range", service({ type: "NodePort", ports: [{ port: 80, nodePort: 80 }] })),
	one("another type", service({ type: "Internal", ports: PORTS })),
	one("a name of a number", service({ ports: PORTS }, { name: "1web" })),
	one("an external policy without need", service({ ports: PORTS, externalTrafficPolicy: "Local" })),
	one(
		"an external policy of another kind",
		service({ type: "NodePort", ports: PORTS, externalTrafficPolicy: "Nearest" }),
	),
	one("an internal policy of another kind", service({ ports: PORTS, internalTrafficPolicy: "Nearest" })),
	one("external addresses", service({ ports: PORTS, externalIPs: ["192.0.2.1"] })),
	one(
		"bad external addresses",
		service({ ports: PORTS, externalIPs: ["x", "127.0.0.1", "169.254.1.1", "0.0.0.0", "224.0.0.1"] }),
	),
	one("a traffic distribution", service({ ports: PORTS, trafficDistribution: "PreferClose" })),
	one("a traffic distribution of another kind", service({ ports: PORTS, trafficDistribution: "Random" })),
	one(
		"source ranges",
		service({ type: "LoadBalancer", ports: PORTS, loadBalancerSourceRanges: ["10.0.0.0/8", " 192.0.2.0/24 "] }),
	),
	one("bad source ranges", service({ ports: PORTS, loadBalancerSourceRanges: ["10.0.0.0", "x"] })),
	one("a load balancer class", service({ type: "LoadBalancer", ports: PORTS, loadBalancerClass: "example.com/lb" })),
	one("a load balancer class without one", service({ ports: PORTS, loadBalancerClass: "example.com/lb" })),
	one("a health check port without need", service({ ports: PORTS, healthCheckNodePort: 30090 })),
	one("node ports of a load balancer without one", service({ ports: PORTS, allocateLoadBalancerNodePorts: true })),
	one("a headless LoadBalancer", service({ type: "LoadBalancer", clusterIP: "None", ports: PORTS })),
	one(
		"an ExternalName with addresses",
		service({ type: "ExternalName", externalName: "a_b", clusterIP: "10.96.1.1", ipFamilies: ["IPv4"] }),
	),
	one("an ExternalName without name", service({ type: "ExternalName" })),
	one("an address out of range", service({ ports: PORTS, clusterIP: "10.97.0.1" })),
	one("an address that is none", service({ ports: PORTS, clusterIP: "10.96.0.256" })),
	one("the first address", service({ ports: PORTS, clusterIP: "10.96.0.1" })),
	one("two addresses of one family", service({ ports: PORTS, clusterIPs: ["10.96.7.7", "10.96.7.8"] })),
	one("addresses of other families", service({ ports: PORTS, clusterIPs: ["10.96.7.7"], ipFamilies: ["IPv6"] })),
	one("families twice", service({ ports: PORTS, ipFamilies: ["IPv4", "IPv4", "IPX"] })),
	one("a policy of another kind", service({ ports: PORTS, ipFamilyPolicy: "Both" })),
	one(
		"single-stack of two families",
		service({ ports: PORTS, ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4", "IPv6"] }),
	),
	one(
		"single-stack of two addresses",
		service({ ports: PORTS, ipFamilyPolicy: "SingleStack", clusterIPs: ["10.96.7.7", "fd00:10:96::77"] }),
	),
	one(
		"clusterIP beside other clusterIPs",
		service({ ports: PORTS, clusterIP: "10.96.7.6", clusterIPs: ["10.96.7.7"] }),
	),
	one("clusterIPs without clusterIP of None and more", service({ ports: PORTS, clusterIPs: ["None", "10.96.7.7"] })),
	one("a selector that is none", service({ ports: PORTS, selector: { "a/b/c": "d e" } })),
	{
		title: "an address and a node port twice",
		steps: [
			create(service({ type: "NodePort", clusterIP: "10.96.9.9", ports: [{ port: 80, nodePort: 30099 }] })),
			create(service({ clusterIP: "10.96.9.9", ports: PORTS }, { name: "second" })),
			create(service({ type: "NodePort", ports: [{ port: 80, nodePort: 30099 }] }, { name: "third" })),
			remove(service({})),
			create(
				service(
					{ type: "NodePort", clusterIP: "10.96.9.9", ports: [{ port: 80, nodePort: 30099 }] },
					{ name: "third" },
				),
			),
		],
	},
	{
		title: "a ClusterIP becomes a NodePort and goes back",
		steps: [
			create(service({ clusterIP: "10.96.9.10", ports: PORTS })),
			merge(service({}), { spec: { type: "NodePort", ports: [{ port: 80, nodePort: 30098 }] } }),
			merge(service({}), { spec: { type: "ClusterIP" } }),
			create(service({ type: "NodePort", ports: [{ port: 80, nodePort: 30098 }] }, { name: "second" })),
		],
	},
	changed(
		"an address does not change",
		service({ clusterIP: "10.96.9.11", ports: PORTS }),
		{ spec: { clusterIP: "10.96.9.12" } },
		{ spec: { clusterIP: "10.96.9.12", clusterIPs: ["10.96.9.12"] } },
		{ spec: { clusterIP: null, clusterIPs: null } },
	),
	changed(
		"a second family comes and goes",
		service({ ports: PORTS }),
		{ spec: { ipFamilyPolicy: "PreferDualStack" } },
		{ spec: { ipFamilyPolicy: "SingleStack" } },
		{ spec: { ipFamilies: ["IPv6"] } },
	),
	changed(
		"a Service becomes an ExternalName",
		service({ ports: PORTS }),
		{ spec: { type: "ExternalName", externalName: "example.com" } },
		{ spec: { type: "ClusterIP", externalName: null } },
	),
	changed(
		"a LoadBalancer keeps its health check port",
		service({ type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 30097, ports: PORTS }),
		{ spec: { healthCheckNodePort: 30096 } },
		{ spec: { externalTrafficPolicy: "Cluster" } },
	),
	changed(
		"a load balancer class does not change",
		service({ type: "LoadBalancer", loadBalancerClass: "example.com/a", ports: PORTS }),
		{ spec: { loadBalancerClass: "example.com/b" } },
		{ spec: { type: "ClusterIP" } },
	),
	changed(
		"a headless Service gets no address",
		service({ clusterIP: "None", selector: { app: "web" }, ports: PORTS }),
		{ spec: { clusterIP: "10.96.9.13" } },
	),
	{
		title: "a PUT without what was allocated",
		steps: [
			create(service({ type: "NodePort", ports: PORTS })),
			put(service({ type: "NodePort", ports: PORTS })),
			get(service({})),
		],
	},
	{
		title: "a PUT makes a Service",
		steps: [put(service({ clusterIP: "10.96.9.14", ports: PORTS })), get(service({}))],
	},
	changed("a status is written apart", service({ type: "LoadBalancer", ports: PORTS }), {
		status: { loadBalancer: { ingress: [{ ip: "192.0.2.9" }] } },
	}),
	{
		title: "a status",
		steps: [
			create(service({ type: "LoadBalancer", ports: PORTS })),
			merge(
				service({}),
				{ status: { loadBalancer: { ingress: [{ ip: "192.0.2.9" }] } }, spec: { externalName: "x" } },
				"/status",
			),
			merge(service({}), { status: { loadBalancer: { ingress: [{ ip: "x" }] } } }, "/status"),
		],
	},
];
