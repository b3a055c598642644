// Random Services and EndpointSlices for property tests: both families, all types and policies, hints, termination.

import fc from "fast-check";
import type { Service, ServicePort } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import { DEFAULT_PROXY_CONFIG, type DetectLocal, type ProxyConfig } from "../../js/kube-proxy/config.ts";
import type { SyncInput } from "../../js/kube-proxy/sync.ts";
import type { Family } from "../../js/net/ruleset.ts";

const NODE = "node-1";

function addressIn(family: Family, network: number, host: number): string {
	return family === "ipv4" ? `10.${network}.0.${host}` : `fd00:${network}::${host.toString(16)}`;
}

const port = fc.record({
	protocol: fc.constantFrom("TCP" as const, "UDP" as const, "SCTP" as const),
	hasNodePort: fc.boolean(),
});

const policy = fc.constantFrom("Cluster" as const, "Local" as const);

const facts = fc.record({
	type: fc.constantFrom("ClusterIP" as const, "NodePort" as const, "LoadBalancer" as const),
	ports: fc.array(port, { minLength: 1, maxLength: 3 }),
	externalTrafficPolicy: policy,
	internalTrafficPolicy: policy,
	sessionAffinity: fc.constantFrom("None" as const, "ClientIP" as const),
	hasExternalIP: fc.boolean(),
	hasRanges: fc.boolean(),
	ipMode: fc.constantFrom("VIP" as const, "Proxy" as const),
	endpoints: fc.array(
		fc.record({
			host: fc.integer({ min: 1, max: 40 }),
			node: fc.constantFrom(NODE, "node-2", undefined),
			ready: fc.boolean(),
			serving: fc.boolean(),
			terminating: fc.boolean(),
			zone: fc.constantFrom("a", "b", undefined),
		}),
		{ maxLength: 6 },
	),
});

type Facts = typeof facts extends fc.Arbitrary<infer T> ? T : never;

function serviceOf(it: Facts, index: number, family: Family): Service {
	const ports = it.ports.map(
		({ protocol, hasNodePort }, at): ServicePort => ({
			name: `p${at}`,
			port: 80 + at,
			protocol,
			...(it.type !== "ClusterIP" && hasNodePort ? { nodePort: 30000 + index * 10 + at } : {}),
		}),
	);
	return {
		apiVersion: "v1",
		kind: "Service",
		metadata: { namespace: "ns", name: `svc${index}` },
		spec: {
			type: it.type,
			clusterIP: addressIn(family, 96, index + 1),
			ports,
			externalTrafficPolicy: it.externalTrafficPolicy,
			internalTrafficPolicy: it.internalTrafficPolicy,
			sessionAffinity: it.sessionAffinity,
			...(it.hasExternalIP ? { externalIPs: [addressIn(family, 97, index + 1)] } : {}),
			...(it.hasRanges ? { loadBalancerSourceRanges: ["203.0.113.0/24", "2001:db8::/32"] } : {}),
			...(it.type === "LoadBalancer" ? { healthCheckNodePort: 31000 + index } : {}),
		},
		...(it.type === "LoadBalancer"
			? { status: { loadBalancer: { ingress: [{ ip: addressIn(family, 98, index + 1), ipMode: it.ipMode }] } } }
			: {}),
	};
}

function sliceOf(it: Facts, index: number, family: Family): EndpointSlice {
	return {
		apiVersion: "discovery.k8s.io/v1",
		kind: "EndpointSlice",
		metadata: {
			namespace: "ns",
			name: `svc${index}-a`,
			labels: { "kubernetes.io/service-name": `svc${index}` },
		},
		addressType: family === "ipv4" ? "IPv4" : "IPv6",
		endpoints: it.endpoints.map(({ host, node, zone, ready, serving, terminating }) => ({
			addresses: [addressIn(family, 244, host)],
			conditions: { ready, serving, terminating },
			...(node === undefined ? {} : { nodeName: node }),
			...(zone === undefined ? {} : { hints: { forZones: [{ name: zone }] } }),
		})),
		ports: it.ports.map(({ protocol }, at) => ({ name: `p${at}`, port: 8080 + at, protocol })),
	};
}

const config: fc.Arbitrary<ProxyConfig> = fc
	.record({
		detectLocal: fc.constantFrom<DetectLocal[]>(
			{ mode: "None" },
			{ mode: "ClusterCIDR", cidrs: ["10.244.0.0/16", "fd00:244::/32"] },
			{ mode: "InterfaceNamePrefix", prefix: "veth" },
		),
		masqueradeAll: fc.boolean(),
		localhostNodePorts: fc.boolean(),
		nodePortAddresses: fc.constantFrom<string[][]>([], ["192.0.2.0/24"], ["127.0.0.0/8"]),
		randomFully: fc.boolean(),
		conntrackTCPBeLiberal: fc.boolean(),
	})
	.map((fields) => ({ ...DEFAULT_PROXY_CONFIG, ...fields }));

/** What one node's kube-proxy is given. */
export const inputs: fc.Arbitrary<SyncInput> = fc
	.record({
		family: fc.constantFrom("ipv4" as const, "ipv6" as const),
		services: fc.array(facts, { maxLength: 4 }),
		config,
	})
	.map(({ family, services, config }) => ({
		family,
		node: {
			name: NODE,
			ips: ["192.0.2.11", "2001:db8::11"],
			podCIDRs: ["10.244.1.0/24", "fd00:244:1::/64"],
			labels: { "topology.kubernetes.io/zone": "a" },
		},
		services: services.map((it, index) => serviceOf(it, index, family)),
		endpointSlices: services.map((it, index) => sliceOf(it, index, family)),
		config,
	}));
