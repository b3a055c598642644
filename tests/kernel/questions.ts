// The small networks of these tests, each with its probes. What a comment or `sees` says is what Linux does: a lab must show
// it, and podwire must do the same in every detail (conntrack entries, rule counts, hops).

import type { ProbeDetail, ProbeStep } from "../../js/net/probe.ts";
import type { Fabric, NodeSpec, PodSpec, RouterSpec, Topology } from "../../js/net/topology.ts";
import { rulesFor, type SmallRules, type SmallService } from "./rules.ts";

/** What a lab must see, field by field; a probe without is only compared. */
export type Sees = Partial<
	Pick<
		ProbeDetail,
		"outcome" | "server" | "serverSawSrc" | "replyFrom" | "by" | "arrivedAt" | "lastSeen" | "icmpType" | "icmpFrom"
	>
> & {
	/** Of all attempts. */
	distinctServers?: number;
	sportPreserved?: boolean;
};

export interface Question {
	name: string;
	topology: Topology;
	steps: (ProbeStep & { sees?: Sees })[];
}

const CLUSTER = "10.244.0.0/16";
const LISTEN = [
	{ proto: "tcp", port: 8080 },
	{ proto: "udp", port: 5353 },
] as const;
const quiet = { "net.ipv4.icmp_ratelimit": 0 };

interface Small {
	fabric?: Fabric;
	services?: SmallService[];
	rules?: Omit<Partial<SmallRules>, "services">;
	nodes?: Record<string, Partial<NodeSpec>>;
	router?: RouterSpec;
	/** Further lines for every node's filter table. */
	filter?: string[];
}

/** Two nodes n1 (pods a, b) and n2 (pods c, d), all listening; hosts client, other, and web, which listens on tcp 80. */
function small({
	fabric = { kind: "l2" },
	services = [],
	rules = {},
	nodes = {},
	router = {},
	filter = [],
}: Small = {}): Topology {
	const node = (number: number): NodeSpec => {
		const podCIDR = `10.244.${number}.0/24`;
		const iptables = rulesFor({ clusterCIDR: CLUSTER, podCIDR, services, filter, ...rules });
		return {
			name: `n${number}`,
			ip: `192.0.2.${10 + number}`,
			podCIDR,
			sysctls: quiet,
			iptables,
			listen: [{ proto: "tcp", port: 9090 }],
			...nodes[`n${number}`],
		};
	};
	const pod = (name: string, number: number, last: number): PodSpec => ({
		name,
		node: `n${number}`,
		ip: `10.244.${number}.${last}`,
		sysctls: quiet,
		listen: [...LISTEN],
	});
	const host = (name: string, last: number) => ({ name, ip: `198.51.100.${last}`, sysctls: quiet });
	return {
		fabric,
		nodes: [node(1), node(2)],
		pods: [pod("a", 1, 2), pod("b", 1, 3), pod("c", 2, 2), pod("d", 2, 3)],
		hosts: [
			host("client", 7),
			host("other", 77),
			{
				...host("web", 80),
				listen: [
					{ proto: "tcp", port: 80 },
					{ proto: "udp", port: 53 },
				],
			},
		],
		router: { sysctls: quiet, ...router },
	};
}

const web = (endpoints: string[], more: Partial<SmallService> = {}): SmallService => ({
	name: "WEB",
	clusterIP: "10.96.0.10",
	port: 80,
	nodePort: 30080,
	endpoints,
	...more,
});
const dns = (endpoints: string[]): SmallService => ({
	name: "DNS",
	proto: "udp",
	clusterIP: "10.96.0.53",
	port: 53,
	nodePort: 30053,
	endpoints,
});

const A = "10.244.1.2";
const B = "10.244.1.3";
const C = "10.244.2.2";

export const questions: Question[] = [
	{
		name: "pods of one node talk over the bridge",
		topology: small(),
		steps: [
			{
				from: "pod:a",
				proto: "tcp",
				dst: B,
				port: 8080,
				sees: { outcome: "delivered", server: "pod b", serverSawSrc: A, sportPreserved: true },
			},
			{ from: "pod:a", proto: "udp", dst: B, port: 5353, sees: { outcome: "delivered", server: "pod b" } },
			{ from: "pod:a", proto: "icmp", dst: B, sees: { outcome: "delivered", server: "pod b" } },
			{ from: "pod:a", proto: "tcp", dst: B, port: 81, sees: { outcome: "refused", by: "rst" } },
			{ from: "pod:a", proto: "udp", dst: B, port: 54, sees: { outcome: "refused", by: "icmp", icmpFrom: B } },
			{ from: "pod:a", proto: "tcp", dst: B, port: 8080, ttl: 1, sees: { outcome: "delivered" } },
		],
	},
	...(["l2", "routed"] as const).map((kind) => ({
		name: `pods of two nodes talk, fabric ${kind}`,
		topology: small({ fabric: { kind } }),
		steps: [
			{
				from: "pod:a",
				proto: "tcp",
				dst: C,
				port: 8080,
				sees: { outcome: "delivered", server: "pod c", serverSawSrc: A },
			},
			{
				from: "pod:c",
				proto: "udp",
				dst: A,
				port: 5353,
				sees: { outcome: "delivered", server: "pod a", serverSawSrc: C },
			},
			{ from: "node:n1", proto: "tcp", dst: C, port: 8080, sees: { outcome: "delivered", serverSawSrc: "192.0.2.11" } },
			{ from: "pod:a", proto: "tcp", dst: "192.0.2.12", port: 9090, sees: { outcome: "delivered", server: "node n2" } },
			{
				from: "pod:a",
				proto: "icmp",
				dst: C,
				ttl: 1,
				sees: { outcome: "unreachable", icmpType: [11, 0], icmpFrom: "10.244.1.1" },
			},
		] satisfies Question["steps"],
	})),
	{
		name: "pods of two nodes talk through a VXLAN overlay",
		topology: small({
			fabric: { kind: "l2", overlay: { kind: "vxlan", vni: 1, port: 8472 } },
			services: [web([`${C}:8080`])],
		}),
		steps: [
			{
				from: "pod:a",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 80,
				sees: { outcome: "delivered", server: "pod c", serverSawSrc: A },
			},
			{ from: "node:n1", proto: "tcp", dst: C, port: 8080, sees: { outcome: "delivered", serverSawSrc: "10.244.1.0" } },
		],
	},
	{
		name: "a cluster IP leads to its endpoint, near or far, and the answer comes from it",
		topology: small({ services: [web([`${B}:8080`]), dns([`${C}:5353`])] }),
		steps: [
			{
				from: "pod:a",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 80,
				sees: { outcome: "delivered", server: "pod b", serverSawSrc: A, replyFrom: "10.96.0.10" },
			},
			{
				from: "pod:a",
				proto: "udp",
				dst: "10.96.0.53",
				port: 53,
				sees: { outcome: "delivered", server: "pod c", serverSawSrc: A, replyFrom: "10.96.0.53" },
			},
			{
				from: "node:n1",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 80,
				sees: { outcome: "delivered", server: "pod b", serverSawSrc: "10.244.1.1" },
			},
			{
				from: "node:n2",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 80,
				sees: { outcome: "delivered", server: "pod b", serverSawSrc: "192.0.2.12" },
			},
			{
				from: "pod:a",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 81,
				// It leaves by the default route, and the router, which knows no pod network, cannot say no.
				sees: { outcome: "timeout" },
			},
			{
				from: "node:n1",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 81,
				sees: { outcome: "unreachable", icmpFrom: "192.0.2.1" },
			},
		],
	},
	{
		name: "a pod reaches itself through its Service if the port is a hairpin",
		topology: small({
			services: [web([`${A}:8080`]), { name: "BACK", clusterIP: "10.96.0.11", port: 80, endpoints: [`${C}:8080`] }],
			nodes: { n1: { hairpin: true } },
		}),
		steps: [
			{
				from: "pod:a",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 80,
				sees: { outcome: "delivered", server: "pod a", serverSawSrc: "10.244.1.1" },
			},
			{ from: "pod:c", proto: "tcp", dst: "10.96.0.11", port: 80, sees: { outcome: "timeout" } },
		],
	},
	{
		name: "a node port takes a second hop, and the source is the first node",
		topology: small({ services: [web([`${C}:8080`]), dns([`${C}:5353`])] }),
		steps: [
			{
				from: "host:client",
				proto: "tcp",
				dst: "192.0.2.11",
				port: 30080,
				sees: { outcome: "delivered", server: "pod c", serverSawSrc: "192.0.2.11", replyFrom: "192.0.2.11" },
			},
			{
				from: "host:client",
				proto: "udp",
				dst: "192.0.2.11",
				port: 30053,
				sees: { outcome: "delivered", server: "pod c", serverSawSrc: "192.0.2.11" },
			},
			{
				from: "host:client",
				proto: "tcp",
				dst: "192.0.2.12",
				port: 30080,
				sees: { outcome: "delivered", server: "pod c", serverSawSrc: "10.244.2.1" },
			},
			{ from: "pod:a", proto: "tcp", dst: "192.0.2.12", port: 30080, sees: { outcome: "delivered", server: "pod c" } },
		],
	},
	{
		name: "externalTrafficPolicy Local keeps the source where an endpoint is, and drops where none is",
		topology: small({ services: [web([`${C}:8080`], { local: true })] }),
		steps: [
			{
				from: "host:client",
				proto: "tcp",
				dst: "192.0.2.12",
				port: 30080,
				sees: { outcome: "delivered", server: "pod c", serverSawSrc: "198.51.100.7" },
			},
			{ from: "host:client", proto: "tcp", dst: "192.0.2.11", port: 30080, sees: { outcome: "timeout" } },
			{ from: "pod:a", proto: "tcp", dst: "192.0.2.11", port: 30080, sees: { outcome: "delivered", server: "pod c" } },
			{
				from: "node:n1",
				proto: "tcp",
				dst: "192.0.2.11",
				port: 30080,
				sees: { outcome: "delivered", serverSawSrc: "192.0.2.11" },
			},
		],
	},
	{
		name: "client affinity keeps to one endpoint",
		topology: small({ services: [web([`${A}:8080`, `${B}:8080`, `${C}:8080`], { affinity: 3600 })] }),
		steps: [
			{ from: "pod:d", proto: "tcp", dst: "10.96.0.10", port: 80, count: 20, sees: { distinctServers: 1 } },
			{ from: "host:client", proto: "tcp", dst: "192.0.2.11", port: 30080, count: 20, sees: { distinctServers: 1 } },
		],
	},
	{
		name: "a pod reaches the internet behind its node's address and the fabric's 1:1 NAT, and the answer finds back",
		topology: small({
			rules: { masquerade: "random-fully" },
			router: { nat11: { "192.0.2.11": "203.0.113.11", "192.0.2.12": "203.0.113.12" }, natOnly: true },
		}),
		steps: [
			{
				from: "pod:a",
				proto: "tcp",
				dst: "198.51.100.80",
				port: 80,
				sees: { outcome: "delivered", server: "host web", serverSawSrc: "203.0.113.11" },
			},
			{
				from: "pod:a",
				proto: "udp",
				dst: "198.51.100.80",
				port: 53,
				sees: { outcome: "delivered", serverSawSrc: "203.0.113.11", replyFrom: "198.51.100.80" },
			},
			{ from: "pod:a", proto: "icmp", dst: "198.51.100.80", sees: { outcome: "delivered", server: "host web" } },
			{
				from: "node:n2",
				proto: "tcp",
				dst: "198.51.100.80",
				port: 80,
				sees: { outcome: "delivered", serverSawSrc: "203.0.113.12", sportPreserved: true },
			},
			{
				from: "host:client",
				proto: "tcp",
				dst: "203.0.113.12",
				port: 9090,
				sees: { outcome: "delivered", server: "node n2", replyFrom: "203.0.113.12" },
			},
		],
	},
	{
		name: "without masquerading a pod's source does not leave the fabric",
		topology: small({ router: { nat11: { "192.0.2.11": "203.0.113.11" }, natOnly: true } }),
		steps: [{ from: "pod:a", proto: "tcp", dst: "198.51.100.80", port: 80, sees: { outcome: "timeout" } }],
	},
	{
		name: "two flows with one source port cannot be masqueraded alike: the second gets another of its class",
		topology: small({ rules: { masquerade: "plain" }, router: { nat11: { "192.0.2.11": "203.0.113.11" } } }),
		steps: [
			{
				from: "pod:a",
				proto: "tcp",
				dst: "198.51.100.80",
				port: 80,
				sport: 20000,
				hold: true,
				sees: { outcome: "delivered", sportPreserved: true },
			},
			{
				from: "pod:b",
				proto: "tcp",
				dst: "198.51.100.80",
				port: 80,
				sport: 20000,
				hold: true,
				sees: { outcome: "delivered", sportPreserved: false },
			},
			{
				from: "node:n1",
				proto: "tcp",
				dst: "198.51.100.80",
				port: 80,
				sport: 20000,
				sees: { outcome: "delivered", sportPreserved: false },
			},
			{
				from: "pod:a",
				proto: "udp",
				dst: "198.51.100.80",
				port: 53,
				sport: 600,
				sees: { outcome: "delivered", sportPreserved: true },
			},
			{
				from: "pod:b",
				proto: "udp",
				dst: "198.51.100.80",
				port: 53,
				sport: 600,
				sees: { outcome: "delivered", sportPreserved: false },
			},
			{ action: { release: true } },
		],
	},
	{
		name: "REJECT says no in the words of its type",
		topology: small({
			filter: [
				"-A FORWARD -p tcp -m tcp --dport 7001 -j REJECT --reject-with tcp-reset",
				"-A FORWARD -p tcp -m tcp --dport 7002 -j REJECT --reject-with icmp-host-prohibited",
				"-A FORWARD -p udp -m udp --dport 7003 -j REJECT --reject-with icmp-admin-prohibited",
				"-A FORWARD -p udp -m udp --dport 7004 -j REJECT --reject-with icmp-net-unreachable",
				"-A INPUT -p tcp -m tcp --dport 7005 -j REJECT --reject-with icmp-port-unreachable",
				"-A OUTPUT -p udp -m udp --dport 7006 -j REJECT --reject-with icmp-port-unreachable",
				"-A OUTPUT -p udp -m udp --dport 7007 -j DROP",
			],
			services: [web([]), dns([])],
		}),
		steps: [
			{ from: "pod:a", proto: "tcp", dst: B, port: 7001, sees: { outcome: "refused", by: "rst" } },
			{
				from: "pod:a",
				proto: "tcp",
				dst: C,
				port: 7002,
				sees: { outcome: "unreachable", by: "icmp", icmpType: [3, 10], icmpFrom: "10.244.1.1" },
			},
			{
				from: "host:client",
				proto: "udp",
				dst: C,
				port: 7003,
				sees: { outcome: "unreachable", icmpType: [3, 0], icmpFrom: "192.0.2.1" },
			},
			{ from: "pod:a", proto: "udp", dst: C, port: 7003, sees: { outcome: "unreachable", icmpType: [3, 13] } },
			{ from: "pod:a", proto: "udp", dst: B, port: 7004, sees: { outcome: "unreachable", icmpType: [3, 0] } },
			{
				from: "host:client",
				proto: "tcp",
				dst: "192.0.2.11",
				port: 7005,
				sees: { outcome: "refused", by: "icmp", icmpFrom: "192.0.2.11" },
			},
			{ from: "node:n1", proto: "udp", dst: C, port: 7006, sees: { outcome: "refused", by: "icmp" } },
			{ from: "node:n1", proto: "udp", dst: C, port: 7007, sees: { outcome: "blocked-locally", by: "local" } },
			{
				from: "pod:a",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 80,
				sees: { outcome: "refused", by: "icmp", icmpFrom: "10.244.1.1" },
			},
			{
				from: "node:n1",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 80,
				sees: { outcome: "refused", by: "icmp", icmpFrom: "192.0.2.11" },
			},
			{
				from: "host:client",
				proto: "udp",
				dst: "192.0.2.11",
				port: 30053,
				sees: { outcome: "refused", icmpFrom: "192.0.2.11" },
			},
		],
	},
	{
		name: "loadBalancerSourceRanges let their sources in, and drop others; node ports pass by",
		topology: small({
			services: [web([`${C}:8080`], { loadBalancerIP: "203.0.113.100", sourceRanges: ["198.51.100.0/28"] })],
			router: { lb: { "203.0.113.100": ["n1"] } },
		}),
		steps: [
			{
				from: "host:client",
				proto: "tcp",
				dst: "203.0.113.100",
				port: 80,
				sees: { outcome: "delivered", server: "pod c", replyFrom: "203.0.113.100" },
			},
			{ from: "host:other", proto: "tcp", dst: "203.0.113.100", port: 80, sees: { outcome: "timeout" } },
			{
				from: "host:other",
				proto: "tcp",
				dst: "192.0.2.11",
				port: 30080,
				sees: { outcome: "delivered", server: "pod c" },
			},
		],
	},
	{
		name: "an ICMP error finds back through DNAT, and comes from the Service",
		topology: small({
			services: [
				{ name: "VOID", proto: "udp", clusterIP: "10.96.0.92", port: 53, endpoints: [`${C}:9`] },
				dns([`${C}:5353`]),
			],
		}),
		steps: [
			{
				from: "pod:a",
				proto: "udp",
				dst: "10.96.0.92",
				port: 53,
				sees: { outcome: "refused", icmpType: [3, 3], icmpFrom: "10.96.0.92" },
			},
			{
				from: "pod:a",
				proto: "udp",
				dst: "10.96.0.53",
				port: 53,
				ttl: 1,
				sees: { outcome: "unreachable", icmpType: [11, 0], icmpFrom: "10.96.0.53" },
			},
			{
				from: "pod:a",
				proto: "udp",
				dst: "10.96.0.53",
				port: 53,
				ttl: 2,
				sees: { outcome: "unreachable", icmpType: [11, 0], icmpFrom: "10.96.0.53" },
			},
			{
				from: "pod:a",
				proto: "udp",
				dst: "10.96.0.53",
				port: 53,
				ttl: 3,
				sees: { outcome: "delivered", server: "pod c" },
			},
		],
	},
	...[true, false].map((dropInvalid) => ({
		name: `a stray SYN-ACK is INVALID, and ${dropInvalid ? "dropped by the rule" : "passes without the rule"}`,
		topology: small({ rules: { dropInvalid }, services: [web([`${C}:8080`])] }),
		steps: [
			{
				from: "pod:a",
				proto: "tcp",
				dst: C,
				port: 8080,
				sport: 20001,
				raw: { flags: "SA", seq: 7777, ack: 1 },
				sees: dropInvalid
					? { outcome: "timeout", lastSeen: "node:n1/cbr0 in" }
					: { outcome: "delivered", arrivedAt: "pod:c" },
			},
			{
				from: "pod:a",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 80,
				sport: 20002,
				raw: { flags: "SA", seq: 7777, ack: 1 },
				sees: { outcome: "timeout" },
			},
			{
				from: "pod:a",
				proto: "tcp",
				dst: C,
				port: 8080,
				sport: 20003,
				raw: { flags: "A", seq: 7777, ack: 1 },
				sees: { outcome: "delivered", arrivedAt: "pod:c" },
			},
			{
				from: "pod:a",
				proto: "tcp",
				dst: C,
				port: 8080,
				sport: 20004,
				raw: { flags: "R", seq: 7777, ack: 0 },
				sees: dropInvalid ? { outcome: "timeout" } : { outcome: "delivered", arrivedAt: "pod:c" },
			},
		] satisfies Question["steps"],
	})),
	{
		name: "rules replaced between packets take effect on the next connection, and conntrack keeps the old",
		topology: small({ services: [web([`${B}:8080`])] }),
		steps: [
			{
				from: "pod:a",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 80,
				sport: 20001,
				sees: { outcome: "delivered", server: "pod b" },
			},
			{ from: "pod:a", proto: "udp", dst: B, port: 5353, sport: 20002, sees: { outcome: "delivered" } },
			{
				action: {
					iptablesRestore: {
						node: "n1",
						text: rulesFor({ clusterCIDR: CLUSTER, podCIDR: "10.244.1.0/24", services: [web([`${C}:8080`])] }),
					},
				},
			},
			{
				from: "pod:a",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 80,
				sport: 20003,
				sees: { outcome: "delivered", server: "pod c" },
			},
			{ action: { conntrackFlush: "n1" } },
			{
				from: "pod:a",
				proto: "tcp",
				dst: "10.96.0.10",
				port: 80,
				sport: 20004,
				sees: { outcome: "delivered", server: "pod c" },
			},
		],
	},
];

/** Three endpoints on two nodes behind one cluster IP: chance alone chooses. */
export const threeEndpoints: Topology = small({
	services: [web([`${A}:8080`, `${B}:8080`, `${C}:8080`]), { ...dns([`${A}:5353`, `${B}:5353`, `${C}:5353`]) }],
});
