// What `podwire verify` makes of a cluster, what it says, and with root on Linux whether both agree.

import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../js/cli/commands.ts";
import { main } from "../../js/cli/program.ts";
import { Cluster } from "../../js/cluster.ts";
import { agreementRows, agreementTable, differenceLines } from "../../js/verify/agreement.ts";
import { withoutNeighbourDetour } from "../../js/verify/neighbour.ts";
import { planLab } from "../../js/verify/plan.ts";
import { questionsFor } from "../../js/verify/questions.ts";
import { SubjectSizeError, subjectOf } from "../../js/verify/subject.ts";
import { verifyTopology } from "../../js/verify/verify.ts";
import { fakeTerminal } from "../cli/fake.ts";
import { openPodwire } from "../kernel/podwire.ts";
import { canLab } from "../kernel/skip.ts";

const MANIFESTS = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web, ports: [{ containerPort: 8080 }] }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: resolver-with-a-long-name, namespace: shop }
spec:
  replicas: 1
  selector: { matchLabels: { app: resolver } }
  template:
    metadata: { labels: { app: resolver } }
    spec: { containers: [{ name: resolver, image: resolver }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: resolver, namespace: shop }
spec: { selector: { app: resolver }, ports: [{ name: dns, port: 53, targetPort: 5353, protocol: UDP }] }
---
apiVersion: v1
kind: Service
metadata: { name: nobody, namespace: shop }
spec: { selector: { app: nobody }, ports: [{ port: 80 }] }
`;
const LIMITS = { pods: 10, nodes: 5 };

async function small(): Promise<Cluster> {
	const cluster = await Cluster.create({ nodes: 2 });
	await cluster.apply(MANIFESTS);
	await cluster.settle();
	return cluster;
}

describe("a cluster to verify", () => {
	it("has its nodes' rules, its pods' listeners, and a machine outside", async () => {
		const cluster = await small();
		const { topology, services } = subjectOf(cluster, LIMITS);
		expect(topology.nodes.map(({ iptables }) => iptables)).toEqual(
			cluster.topology.nodes.map(({ name }) => cluster.iptables(name)),
		);
		expect(topology.pods.every(({ listenAny }) => listenAny === undefined)).toBe(true);
		const resolver = topology.pods.find(({ name }) => name.startsWith("shop/resolver"));
		expect(resolver?.listen).toContainEqual({ proto: "udp", port: 5353 });
		expect(topology.hosts.map(({ ip }) => ip)).toEqual(["198.19.255.2", "198.51.100.7"]);
		const web = services.find(({ name }) => name === "shop/web");
		expect(web?.ports).toEqual([{ proto: "tcp", port: 80, nodePort: 30080, endpoints: 2 }]);
		expect(services.find(({ name }) => name === "shop/nobody")?.ports[0]?.endpoints).toBe(0);
	});

	it("that is too large is refused, and the limit named", async () => {
		const cluster = await small();
		expect(() => subjectOf(cluster, { pods: 2, nodes: 5 })).toThrow(SubjectSizeError);
		expect(() => subjectOf(cluster, { pods: 2, nodes: 5 })).toThrow(
			"the cluster has 3 pods, and verify builds at most 2 in Linux (--max-pods)",
		);
		expect(() => subjectOf(cluster, { pods: 5, nodes: 1 })).toThrow(/2 nodes.*--max-nodes/);
	});

	it("gets device names that the kernel takes", async () => {
		const { topology } = subjectOf(await small(), LIMITS);
		const plans = planLab(topology, "legacy").netns;
		const told = plans.flatMap(({ devices }) => Object.entries(devices));
		expect(told.map(([, name]) => name)).toEqual(expect.arrayContaining(topology.pods.map(({ name }) => `v-${name}`)));
		const names = plans.flatMap(({ links }) => links);
		for (const name of names) expect(name).toMatch(/^[^/:\s]{1,15}$/);
		for (const { links } of plans) expect(new Set(links).size).toBe(links.length);
	});
});

describe("the agreement", () => {
	it("is told by who asked whom, and each difference on its line", async () => {
		const { topology, services } = subjectOf(await small(), LIMITS);
		const probes = questionsFor(topology, services);
		const agreeing = probes.map((probe) => {
			const result = { probe, summary: { n: 1, outcomes: {} } };
			return { probe, lab: result, podwire: result, differences: [] };
		});
		const [first, ...rest] = agreeing;
		if (first === undefined) throw new Error("no probe");
		const differences = [{ path: "summary.outcomes.delivered", expected: 1, got: undefined }];
		const rows = agreementRows([{ ...first, differences }, ...rest], topology, services);
		expect(rows.reduce((sum, { probes: count }) => sum + count, 0)).toBe(probes.length);
		expect(rows.reduce((sum, { differ }) => sum + differ, 0)).toBe(1);
		expect(rows.map(({ from, to }) => `${from} ${to}`)).toEqual(
			expect.arrayContaining(["pod pod", "pod cluster IP", "node cluster IP", "pod node port", "host node port"]),
		);
		expect(agreementTable(rows).split("\n")[0]).toMatch(/^FROM +TO +PROBES +ATTEMPTS +AGREE +DIFFER$/);
		expect(differenceLines({ ...first, differences })).toEqual([
			`${first.probe.from} ${first.probe.proto} ${first.probe.dst}${first.probe.port ? `:${first.probe.port}` : ""}: summary.outcomes.delivered: expected 1, got nothing`,
		]);
	});
});

describe("an aged ARP entry", () => {
	const port = (name: string, direction: string, ttl = 64) =>
		`node:n1/${name} ${direction} tcp 10.244.1.2:4000 > 10.244.1.3:80 [S] ttl ${ttl}`;

	it("changes nothing but the bridge's own hop of a bridged packet", () => {
		const direct = [port("v-shop/a", "in-other"), port("v-shop/b", "out")];
		expect(withoutNeighbourDetour([direct[0] as string, port("cbr0", "out"), direct[1] as string])).toEqual(direct);
		expect(withoutNeighbourDetour(direct)).toEqual(direct);
	});

	it("leaves a routed packet's hops, and those of another node", () => {
		const routed = [port("v-a", "in"), port("cbr0", "out", 63), port("v-b", "out", 63)];
		expect(withoutNeighbourDetour(routed)).toEqual(routed);
		const local = [
			"node:n2/eth0 in tcp 10.244.1.2:4000 > 10.244.1.3:80 [S] ttl 64",
			port("cbr0", "out"),
			port("v-b", "out"),
		];
		expect(withoutNeighbourDetour(local)).toEqual(local);
	});
});

describe("podwire verify", () => {
	const run = async (...words: string[]) => {
		const terminal = fakeTerminal(MANIFESTS);
		const status = await main(["verify", "-f", "-", ...words], terminal, "0", COMMANDS);
		return { status, out: terminal.out, err: terminal.err };
	};

	it.skipIf(canLab)("says that it needs root on Linux", async () => {
		const { status, err } = await run();
		expect(err).toMatch(/^skipped, needs root on Linux/);
		expect(status).toBe(2);
	});

	it.skipIf(!canLab)("refuses a cluster that is too large", async () => {
		const { status, err } = await run("--max-pods", "1");
		expect(err).toContain("--max-pods");
		expect(status).toBe(2);
	});

	it.skipIf(!canLab).each(["legacy", "nft"])("finds no difference (%s)", async (backend) => {
		const { status, out } = await run("--backend", backend, "--nodes", "2", "--max-probes", "30");
		expect(out).not.toContain("expected is Linux");
		expect(status).toBe(0);
	});

	it.skipIf(!canLab)("tells a node whose rules differ", async () => {
		const { topology, services } = subjectOf(await small(), LIMITS);
		const clusterIP = services.find(({ name }) => name === "shop/web")?.clusterIP;
		const probes = questionsFor(topology, services).filter(({ dst }) => dst === clusterIP);
		const bare = topology.nodes.map((node) => ({ ...node, iptables: "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n" }));
		const podwire = await openPodwire({ ...topology, nodes: bare });
		const verified = await verifyTopology(topology, probes.slice(0, 1), podwire);
		expect(verified.flatMap(differenceLines)[0]).toMatch(/^pod:shop\/.* tcp .*:80: summary\.outcomes/);
	});
});
