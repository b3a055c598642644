// Ingresses, NetworkPolicies, EndpointSlices, Endpoints, Service ranges and addresses.

import { changed, create, type Given, get, one, type Scene } from "./question.ts";

const named = (apiVersion: string, kind: string, rest: object, name = "web"): Given => ({
	apiVersion,
	kind,
	metadata: { name },
	...rest,
});
const NET = "networking.k8s.io/v1";
const ingress = (spec: object, metadata: object = {}): Given => ({
	apiVersion: NET,
	kind: "Ingress",
	metadata: { name: "web", ...metadata },
	spec,
});
const backend = { service: { name: "web", port: { number: 80 } } };
const path = (rest: object) => ({ path: "/", pathType: "Prefix", backend, ...rest });
const rule = (...paths: object[]) => ({ http: { paths } });
const policy = (spec: object) => named(NET, "NetworkPolicy", { spec });
const peer = { podSelector: { matchLabels: { app: "x" } } };
const slice = (rest: object) => named("discovery.k8s.io/v1", "EndpointSlice", { addressType: "IPv4", ...rest });

export const NETWORKING: Scene[] = [
	one(
		"an Ingress",
		ingress({
			ingressClassName: "nginx",
			rules: [{ host: "a.example", ...rule(path({})) }],
			tls: [{ hosts: ["a.example"], secretName: "s" }],
		}),
	),
	one("an Ingress of a default backend", ingress({ defaultBackend: backend })),
	one("an Ingress without spec", named(NET, "Ingress", {})),
	one(
		"bad hosts",
		ingress({
			rules: [{ host: "1.2.3.4" }, { host: "A" }, { host: "*.b.example" }, { host: "a.*.b" }],
			tls: [{ hosts: ["X"], secretName: "A_B" }],
		}),
	),
	one("no paths", ingress({ rules: [{ http: { paths: [] } }] })),
	one(
		"bad paths",
		ingress({
			rules: [
				rule(
					path({ path: "x" }),
					path({ path: "" }),
					path({ path: "/a//b/./c/../d%2fe" }),
					path({ path: "/a/.." }),
					path({ path: "/b/." }),
					path({ pathType: "Regex" }),
					{ backend },
					path({ pathType: "ImplementationSpecific", path: "x" }),
					path({ pathType: "ImplementationSpecific", path: "" }),
					path({ pathType: "Exact", path: "" }),
				),
			],
		}),
	),
	one(
		"bad backends",
		ingress({
			rules: [
				rule(
					path({ backend: {} }),
					path({ backend: { service: { name: "", port: {} } } }),
					path({ backend: { service: { name: "A", port: { name: "x", number: 1 } } } }),
					path({ backend: { service: { name: "a", port: { number: 70000 } } } }),
					path({ backend: { service: { name: "a", port: { name: "x--y" } } } }),
					path({ backend: { ...backend, resource: { kind: "A", name: "b" } } }),
					path({ backend: { resource: { kind: "", name: "" } } }),
				),
			],
		}),
	),
	one("a bad class", ingress({ defaultBackend: backend, ingressClassName: "A_B" })),
	one(
		"a class twice",
		ingress(
			{ defaultBackend: backend, ingressClassName: "a" },
			{ annotations: { "kubernetes.io/ingress.class": "a" } },
		),
	),
	changed(
		"an Ingress changes",
		ingress({ defaultBackend: backend }),
		{ spec: { rules: [rule(path({}))] } },
		{ metadata: { labels: { a: "b" } } },
		{ status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } } },
	),
	one(
		"an IngressClass",
		named(
			NET,
			"IngressClass",
			{ spec: { controller: "example.com/c", parameters: { kind: "P", name: "p" } } },
			"question-class",
		),
	),
	one(
		"a bad IngressClass",
		named(
			NET,
			"IngressClass",
			{ spec: { controller: "c", parameters: { kind: "", name: "", scope: "Namespace" } } },
			"question-class",
		),
	),
	one(
		"an IngressClass of a cluster's parameters in a namespace",
		named(
			NET,
			"IngressClass",
			{ spec: { controller: "", parameters: { kind: "a", name: "b", scope: "Cluster", namespace: "c" } } },
			"question-class",
		),
	),
	changed(
		"an IngressClass's controller stays",
		named(NET, "IngressClass", { spec: { controller: "example.com/c" } }, "question-class"),
		{ spec: { controller: "example.com/d" } },
	),
	one("a NetworkPolicy", policy({})),
	one(
		"a NetworkPolicy of both ways",
		policy({ podSelector: {}, ingress: [{ from: [peer], ports: [{ port: 80 }] }], egress: [{}] }),
	),
	one("a NetworkPolicy without spec", named(NET, "NetworkPolicy", {})),
	one(
		"bad policy ports",
		policy({
			ingress: [
				{
					ports: [
						{ port: 0 },
						{ port: "x--y", protocol: "ICMP" },
						{ port: 80, endPort: 79 },
						{ endPort: 5 },
						{ port: "http", endPort: 5 },
						{ port: 80, endPort: 70000 },
					],
				},
			],
		}),
	),
	one(
		"bad peers",
		policy({
			ingress: [
				{
					from: [
						{},
						{ ...peer, ipBlock: { cidr: "10.0.0.0/8" } },
						{ ipBlock: { cidr: "" } },
						{ ipBlock: { cidr: "x" } },
						{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.0.0.0/8", "192.0.2.0/24", "y", "10.1.0.0/16", "::/64"] } },
						{ podSelector: { matchLabels: { "a b": "" } } },
					],
				},
			],
		}),
	),
	one("bad policy types", policy({ policyTypes: ["Ingress", "Through"] })),
	one("three policy types", policy({ policyTypes: ["Ingress", "Egress", "Ingress"] })),
	changed("a NetworkPolicy changes", policy({}), { spec: { egress: [{}] } }, { spec: { policyTypes: ["Egress"] } }),
	one("an EndpointSlice", slice({ endpoints: [{ addresses: ["10.0.0.1"] }], ports: [{ port: 80 }] })),
	one("an EndpointSlice of nothing", named("discovery.k8s.io/v1", "EndpointSlice", { addressType: "IPv4" })),
	one("an EndpointSlice of no type", named("discovery.k8s.io/v1", "EndpointSlice", {})),
	one(
		"a bad EndpointSlice",
		slice({
			endpoints: [{ addresses: [] }, { addresses: ["::1", "x", "127.0.0.1"], hostname: "A", nodeName: "N_1" }],
			ports: [{ name: "A", protocol: "ICMP", appProtocol: "a b" }, { name: "b" }, { name: "b" }, {}, {}],
		}),
	),
	one("an EndpointSlice of another type", slice({ addressType: "IPX" })),
	one("an EndpointSlice of names", slice({ addressType: "FQDN", endpoints: [{ addresses: ["a.example", "A_B"] }] })),
	changed(
		"an EndpointSlice's type stays",
		slice({}),
		{ addressType: "IPv6" },
		{ endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: false } }] },
	),
	one("Endpoints", named("v1", "Endpoints", { subsets: [{ addresses: [{ ip: "10.0.0.1" }], ports: [{ port: 80 }] }] })),
	one(
		"bad Endpoints",
		named("v1", "Endpoints", {
			subsets: [
				{},
				{
					addresses: [{ ip: "x" }, { ip: "127.0.0.1", hostname: "A", nodeName: "N_1" }],
					ports: [{ port: 0 }, { name: "A", port: 1, protocol: "ICMP", appProtocol: "a b" }],
				},
			],
		}),
	),
	{
		title: "the API's own Service",
		steps: [
			{ method: "GET", url: "/api/v1/namespaces/default/services/kubernetes" },
			{ method: "GET", url: "/api/v1/namespaces/default/endpoints/kubernetes" },
			{ method: "GET", url: "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes" },
			{ method: "GET", url: "/apis/networking.k8s.io/v1/servicecidrs/kubernetes" },
			{ method: "GET", url: "/apis/networking.k8s.io/v1/ipaddresses/10.96.0.1" },
			{ method: "GET", url: "/api/v1/namespaces/kube-system" },
			{ method: "GET", url: "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical" },
		],
	},
	{
		title: "a Service's address is an object",
		steps: [
			create(named("v1", "Service", { spec: { clusterIP: "10.96.9.20", ports: [{ port: 80 }] } })),
			get(named(NET, "IPAddress", {}, "10.96.9.20")),
		],
	},
	one("a ServiceCIDR", named(NET, "ServiceCIDR", { spec: { cidrs: ["10.98.0.0/24"] } }, "question-range")),
	one(
		"a bad ServiceCIDR",
		named(NET, "ServiceCIDR", { spec: { cidrs: ["10.98.0.0/24", "10.99.0.0/24", "x"] } }, "question-range"),
	),
	one("a ServiceCIDR of nothing", named(NET, "ServiceCIDR", { spec: {} }, "question-range")),
	one(
		"a ServiceCIDR with host bits",
		named(NET, "ServiceCIDR", { spec: { cidrs: ["10.98.0.1/24"] } }, "question-range"),
	),
	one(
		"an IPAddress",
		named(
			NET,
			"IPAddress",
			{ spec: { parentRef: { resource: "services", name: "web", namespace: "x" } } },
			"10.96.9.21",
		),
	),
	one(
		"a bad IPAddress",
		named(NET, "IPAddress", { spec: { parentRef: { resource: "", name: "", namespace: "A" } } }, "web"),
	),
	one("an IPAddress of nothing", named(NET, "IPAddress", { spec: {} }, "10.96.9.21")),
];
