// Whatever a network has been, an engine that was told of every change says what a fresh one says that never saw another, and
// connections of what stayed live on.

import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import * as L from "../../assembly/layout.ts";
import type { EngineModule } from "../../bindings/core.ts";
import { loadModule } from "../../bindings/node.ts";
import type { HostSpec, NodeSpec, PodSpec, Topology } from "../../js/net/topology.ts";
import { runs } from "../runs.ts";
import { Live, Networks, type Question } from "./live.ts";

let module: EngineModule;

beforeAll(async () => {
	module = await loadModule();
});

const HEAD = {
	nat: ["*nat", ...["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"].map((chain) => `:${chain} ACCEPT [0:0]`)],
	filter: ["*filter", ...["INPUT", "FORWARD", "OUTPUT"].map((chain) => `:${chain} ACCEPT [0:0]`)],
};
const NAT = [
	"-A PREROUTING -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.2.4:80",
	"-A OUTPUT -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.1.5:80",
	"-A POSTROUTING -s 10.0.0.0/16 ! -d 10.0.0.0/16 -j MASQUERADE",
	"-A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE",
];
const FILTER = [
	"-A FORWARD -m set --match-set DENY src -j DROP",
	"-A FORWARD -d 10.0.2.5/32 -j REJECT --reject-with icmp-port-unreachable",
	"-A FORWARD -m physdev --physdev-in v-t/p1+ -p tcp -m tcp --dport 81 -j DROP",
	"-A INPUT -i cbr0 -p tcp -m tcp --dport 81 -j DROP",
	"-A FORWARD -m conntrack --ctstate INVALID -j DROP",
	"-A OUTPUT -o eth+ -p tcp -m tcp --dport 81 -j REJECT --reject-with tcp-reset",
];
const FILTER6 = ["-A FORWARD -d fd00:2::5/128 -j DROP", "-A INPUT -i cbr0 -p tcp -m tcp --dport 81 -j DROP"];

const some = (rules: string[]) => fc.subarray(rules);
const iptables = fc
	.tuple(some(NAT), some(FILTER))
	.map(([nat, filter]) => [...HEAD.nat, ...nat, "COMMIT", ...HEAD.filter, ...filter, "COMMIT", ""].join("\n"));
const ip6tables = some(FILTER6).map((filter) => [...HEAD.filter, ...filter, "COMMIT", ""].join("\n"));
const ipset = fc
	.subarray(["10.0.1.3", "10.0.2.4", "10.9.0.1", "10.9.0.2", "10.9.0.3", "10.9.0.4"])
	.map((members) =>
		["create DENY hash:ip family inet hashsize 1024 maxelem 65536", ...members.map((ip) => `add DENY ${ip}`), ""].join(
			"\n",
		),
	);
const listen = fc.subarray([
	{ proto: "tcp" as const, port: 80 },
	{ proto: "tcp" as const, port: 81 },
	{ proto: "udp" as const, port: 53 },
]);

/** Networks: node 1 is always there, node 2 and 3 may be; pods by the number of their address; machines outside. */
interface Picture {
	nodes: {
		there: boolean;
		iptables: string;
		ip6tables: string | null;
		ipset: string;
		hairpin: boolean;
		forward: number;
	}[];
	pods: { node: number; number: number; name: number; there: boolean; listen: PodSpec["listen"]; silent: boolean }[];
	hosts: number[];
}

const picture: fc.Arbitrary<Picture> = fc.record({
	nodes: fc.array(
		fc.record({
			there: fc.boolean(),
			iptables,
			ip6tables: fc.option(ip6tables),
			ipset,
			hairpin: fc.boolean(),
			forward: fc.constantFrom(1, 1, 1, 0),
		}),
		{ minLength: 3, maxLength: 3 },
	),
	pods: fc.array(
		fc.record({
			node: fc.nat(2),
			number: fc.integer({ min: 3, max: 6 }),
			name: fc.integer({ min: 0, max: 12 }),
			there: fc.constantFrom(true, true, false),
			listen,
			silent: fc.constantFrom(false, false, false, true),
		}),
		{ maxLength: 6 },
	),
	hosts: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
});
const fabric = fc.constantFrom<Topology["fabric"]>(
	{ kind: "routed" },
	{ kind: "l2" },
	{ kind: "l2", overlay: { kind: "vxlan", vni: 1, port: 8472 } },
);

function topologyOf(kind: Topology["fabric"], { nodes, pods, hosts }: Picture): Topology {
	const present = nodes.map(({ there }, i) => i === 0 || there);
	const used = new Set<string>();
	const fresh = (key: string) => !used.has(key) && used.add(key) !== null;
	return {
		fabric: kind,
		router: { ip: "192.168.0.1", ip6: "fd00::1" },
		nodes: nodes.flatMap(({ iptables, ip6tables, ipset, hairpin, forward }, i): NodeSpec[] =>
			present[i]
				? [
						{
							...{ name: `n${i + 1}`, ip: `192.168.0.${11 + i}`, ip6: `fd00::${11 + i}` },
							...{ podCIDR: `10.0.${i + 1}.0/24`, podCIDR6: `fd00:${i + 1}::/64` },
							...{ iptables, ip6tables, ipset, hairpin },
							sysctls: { "net.ipv4.ip_forward": forward },
						},
					]
				: [],
		),
		pods: pods.flatMap(({ node, number, name, there, listen = [], silent }): PodSpec[] =>
			there && present[node] && fresh(`p${name}`) && fresh(`${node} ${number}`)
				? [
						{
							...{ name: `t/p${name}`, node: `n${node + 1}`, ip: `10.0.${node + 1}.${number}` },
							...{ ip6: `fd00:${node + 1}::${number}`, listen, silent },
						},
					]
				: [],
		),
		hosts: hosts.map(
			(i): HostSpec => ({ name: `h${i}`, ip: `203.0.113.${i}`, ip6: `2001:db8::${i}`, listenAny: true }),
		),
	} as Topology;
}

/** From every netns that sends to every address that is, or was. */
function questions({ pods, nodes, hosts }: Topology): Question[] {
	const from = [
		...pods.map(({ name }) => `pod:${name}`),
		...nodes.map(({ name }) => `node:${name}`),
		...hosts.map(({ name }) => `host:${name}`),
	];
	const to = [
		...["10.0.1.3", "10.0.1.5", "10.0.2.4", "10.0.3.6", "192.168.0.12", "203.0.113.1", "10.96.0.1"],
		...["fd00:1::3", "fd00:2::5", "fd00::12", "2001:db8::2"],
	];
	return from.flatMap((one, i) =>
		to.map((address, j) => ({
			...{ from: one, to: address },
			...((i + j) % 4 === 0 ? { proto: L.PROTO_UDP, port: 53 } : { port: 80 + ((i + j) % 2) }),
		})),
	);
}

it("an engine that was told of every change answers as a fresh one", () => {
	let asked = 0;
	let delivered = 0;
	fc.assert(
		fc.property(fabric, fc.array(picture, { minLength: 2, maxLength: 5 }), fc.boolean(), (kind, pictures, warm) => {
			const networks = new Networks();
			const topologies = pictures.map((one) => topologyOf(kind, one));
			const live = new Live(module, topologies[0] as Topology, networks);
			for (const topology of topologies.slice(1)) {
				if (warm) for (const question of questions(live.topology)) live.ask(question);
				const before = live.connections();
				live.become(topology);
				for (const [name, entries] of live.connections()) {
					// None comes into being, and what is left is as it was.
					for (const entry of entries) expect(before.get(name)).toContainEqual(entry);
				}
				const fresh = new Live(module, topology, networks);
				const all = questions(topology);
				// Neighbours are asked once; what is learned then is the same.
				for (const engine of [live, fresh]) for (const question of all) engine.ask(question);
				for (const question of all) {
					const answer = fresh.ask(question);
					expect([question, live.ask(question)]).toEqual([question, answer]);
					expect([question, live.hops(question)]).toEqual([question, fresh.hops(question)]);
					asked++;
					if (answer[0]?.startsWith("delivered")) delivered++;
				}
			}
		}),
		runs(40),
	);
	expect(delivered / asked).toBeGreaterThan(0.05);
}, 600_000);
