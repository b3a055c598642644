// What a topology becomes before any namespace is made, and which probes a cluster is asked.

import { describe, expect, it } from "vitest";
import { natRules } from "../../js/net/nat11.ts";
import { planLab, type Step } from "../../js/verify/plan.ts";
import { attemptsToSeeAll, questionsFor } from "../../js/verify/questions.ts";
import { withoutRateLimits } from "../../js/verify/verify.ts";
import { chiSquareP } from "./chisquare.ts";
import { questions, threeEndpoints } from "./questions.ts";

const lines = (steps: Step[], netns: string) =>
	steps.flatMap((step) =>
		step.netns === netns && "stdin" in step && step.argv[0] === "ip" ? step.stdin.trim().split(/ ?\n/) : [],
	);

describe("a plan", () => {
	it("makes one netns for the fabric, the router, each host, node and pod, in that order", () => {
		const { netns } = planLab(threeEndpoints, "legacy");
		expect(netns.map(({ name }) => name)).toEqual([
			"fabric",
			"router",
			"host:client",
			"host:other",
			"host:web",
			"node:n1",
			"node:n2",
			"pod:a",
			"pod:b",
			"pod:c",
			"pod:d",
		]);
		expect(netns.filter(({ filtered }) => filtered).map(({ name }) => name)).toEqual(["node:n1", "node:n2"]);
	});

	it("sets the user's sysctls last", () => {
		const own = { "net.ipv4.ip_forward": 0 };
		const [first, ...rest] = threeEndpoints.nodes;
		const topology = { ...threeEndpoints, nodes: [{ ...(first as NonNullable<typeof first>), sysctls: own }, ...rest] };
		const set = planLab(topology, "legacy").steps.filter((step) => step.netns === "node:n1" && "sysctls" in step);
		expect(set.at(-1)).toEqual({ netns: "node:n1", sysctls: own });
		expect(set.length).toBeGreaterThan(1);
	});

	it("loads rules with the backend's own command, after the sets", () => {
		const [first, ...rest] = threeEndpoints.nodes;
		const topology = {
			...threeEndpoints,
			nodes: [{ ...(first as NonNullable<typeof first>), ipset: "create s hash:ip\n" }, ...rest],
		};
		const commands = planLab(topology, "nft").steps.flatMap((step) =>
			step.netns === "node:n1" && "argv" in step ? [step.argv.join(" ")] : [],
		);
		expect(commands.slice(-2)).toEqual(["ipset restore", "iptables-nft-restore"]);
	});

	it("cuts a long device name and remembers the whole one", () => {
		const [pod, ...rest] = threeEndpoints.pods;
		const name = "frontend-5c9d8c6f7b-x2x4q";
		const { netns, steps } = planLab(
			{ ...threeEndpoints, pods: [{ ...(pod as NonNullable<typeof pod>), name }, ...rest] },
			"legacy",
		);
		const devices = netns.find((plan) => plan.name === "node:n1")?.devices ?? {};
		const [short] = Object.keys(devices);
		expect(devices).toEqual({ [short as string]: `v-${name}` });
		expect(short?.length).toBeLessThanOrEqual(15);
		expect(lines(steps, "node:n1")).toContain(`link add ${short} type veth peer name eth0 netns @pod:${name}`);
	});

	it("routes a VIP to one node or over several, in both fabrics", () => {
		const routes = (kind: "l2" | "routed", nodes: string[]) => {
			const topology = { ...threeEndpoints, fabric: { kind }, router: { lb: { "203.0.113.100": nodes } } };
			return lines(planLab(topology, "legacy").steps, "router").filter((line) => line.includes("203.0.113.100"));
		};
		expect(routes("l2", ["n1"])).toEqual(["route add 203.0.113.100/32 via 192.0.2.11"]);
		expect(routes("l2", ["n1", "n2"])).toEqual([
			"route add 203.0.113.100/32 nexthop via 192.0.2.11 nexthop via 192.0.2.12",
		]);
		expect(routes("routed", ["n2"])).toEqual(["route add 203.0.113.100/32 via 192.0.2.12 dev n-n2 onlink"]);
	});

	it("translates at the router only where it is asked to", () => {
		expect(natRules({ lb: { "203.0.113.100": ["n1"] } }, true)).toBeNull();
		expect(natRules({ nat11: { "192.0.2.11": "203.0.113.11" } }, true)).not.toContain("*filter");
		expect(natRules({ nat11: { "192.0.2.11": "203.0.113.11" }, natOnly: true }, true)).toContain("-j DROP");
	});
});

describe("the questions to a cluster", () => {
	const service = {
		name: "web",
		clusterIP: "10.96.0.10",
		externalIPs: ["203.0.113.100"],
		ports: [{ proto: "tcp", port: 80, nodePort: 30080, endpoints: 3 }],
	} as const;
	const asked = questionsFor(threeEndpoints, [
		{ ...service, externalIPs: [...service.externalIPs], ports: [...service.ports] },
	]);
	const from = (who: string, dst: string) => asked.filter((probe) => probe.from === who && probe.dst === dst);

	it("reach each Service from each pod and node, and from each host by node port and load balancer", () => {
		for (const pod of threeEndpoints.pods) expect(from(`pod:${pod.name}`, "10.96.0.10")).toHaveLength(1);
		for (const node of threeEndpoints.nodes) expect(from(`node:${node.name}`, "10.96.0.10")).toHaveLength(1);
		for (const host of threeEndpoints.hosts) {
			expect(from(`host:${host.name}`, "10.96.0.10")).toEqual([]);
			expect(from(`host:${host.name}`, "203.0.113.100")).toHaveLength(1);
			expect(from(`host:${host.name}`, "192.0.2.11")[0]?.port).toBe(30080);
		}
	});

	it("are asked often enough to see every endpoint, and not more often than wanted", () => {
		expect([1, 2, 3].map(attemptsToSeeAll)).toEqual([1, 21, 37]);
		expect(3 * (2 / 3) ** attemptsToSeeAll(3)).toBeLessThan(1.1e-6);
		expect(attemptsToSeeAll(1000)).toBe(200);
		const few = questionsFor(threeEndpoints, [], 5);
		expect(new Set(few).size).toBe(5);
		expect(asked.some(({ count }) => count === 37)).toBe(true);
	});

	it("can be asked without losing ICMP errors to rate limits, unless the topology sets its own", () => {
		const own = { ...threeEndpoints, router: { sysctls: { "net.ipv4.icmp_ratelimit": 7 } } };
		const unlimited = withoutRateLimits(own);
		expect(unlimited.hosts.every((host) => host.sysctls?.["net.ipv4.icmp_ratelimit"] === 0)).toBe(true);
		expect(unlimited.router.sysctls).toEqual({ "net.ipv4.icmp_ratelimit": 7 });
	});
});

describe("the small networks", () => {
	it("have a name and an expectation each", () => {
		expect(new Set(questions.map(({ name }) => name)).size).toBe(questions.length);
		for (const { name, steps } of questions)
			expect(
				steps.some((step) => step.sees !== undefined),
				name,
			).toBe(true);
	});
});

describe("chi-square", () => {
	const even = { a: 1 / 3, b: 1 / 3, c: 1 / 3 };
	it("agrees with tables", () => {
		expect(chiSquareP({ a: 479, b: 485, c: 536 }, even)).toBeCloseTo(0.142, 2);
		expect(chiSquareP({ a: 500, b: 500, c: 500 }, even)).toBeCloseTo(1, 6);
		expect(chiSquareP({ a: 60, b: 40 }, { a: 0.5, b: 0.5 })).toBeCloseTo(0.0455, 3);
	});
	it("rejects a skewed choice and an unexpected answer", () => {
		expect(chiSquareP({ a: 1050, b: 700, c: 350 }, even)).toBeLessThan(1e-6);
		expect(chiSquareP({ a: 700, b: 700, c: 700, d: 1 }, even)).toBe(0);
	});
});
