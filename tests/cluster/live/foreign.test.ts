// Rules of a node that somebody else than its agents has changed: kube-proxy's later syncs act on what is there. Its texts are fed, one
// after the other, to iptables-restore: as js/net reads it, and where there is root on Linux with iptables the real one.

import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EVENT_HEADER, parseEvents } from "../../../js/flows/events.ts";
import { Cluster } from "../../../js/index.ts";
import { TextError } from "../../../js/net/error.ts";
import { applyRestore } from "../../../js/net/iptables/index.ts";
import type { Ruleset } from "../../../js/net/ruleset.ts";
import { timedActions } from "../../../js/replay/events.ts";
import { runs } from "../../runs.ts";
import { Agents, hasTools, KERNEL, linesOf, MS, NETNS, ReadTool, run, type Tool, table } from "./agents.ts";

const NODE = "node:node-1";

const deployment = (replicas: number) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec: {containers: [{name: c, image: i, ports: [{containerPort: 80}]}]}
`;
const service = (name: string, ip: string, app: string, spec = "") =>
	`{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {clusterIP: ${ip}, selector: {app: ${app}}, ports: [{port: 80}], ${spec}}}`;

const START = [
	deployment(2),
	"{apiVersion: v1, kind: Pod, metadata: {name: b, labels: {app: b}}, spec: {containers: [{name: c, image: i}]}}",
	service("a", "10.96.0.10", "a"),
	service("b", "10.96.0.11", "b"),
].join("\n---\n");

const MANIFESTS = [
	...[0, 1, 2, 3].map(deployment),
	service("more", "10.96.0.12", "a"),
	service("more", "10.96.0.12", "b", "type: NodePort"),
	service("local", "10.96.0.13", "a", "type: NodePort, externalTrafficPolicy: Local"),
];

/** What an administrator feeds to iptables-restore --noflush. `CHAIN-OF-B`, `END-OF-B`: those of Service b. */
const EDITS = [
	table("filter", "-I FORWARD -s 198.51.100.7/32 -j DROP"),
	table("filter", ":MINE - [0:0]", "-A MINE -j ACCEPT", "-I INPUT -j MINE"),
	// In a chain that every sync writes, and in one that only b's do.
	table("nat", "-I KUBE-SERVICES -d 10.96.0.11/32 -p tcp -j RETURN"),
	table("nat", "-I CHAIN-OF-B -j RETURN"),
	table("nat", "-F CHAIN-OF-B"),
	table("filter", "-F KUBE-FORWARD"),
	table("filter", "-D FORWARD 1"),
	table("nat", "-F PREROUTING"),
	// Dangling jumps and chains in use: such a sync is refused.
	table("nat", "-F CHAIN-OF-B", "-F KUBE-SERVICES", "-F END-OF-B", "-X CHAIN-OF-B"),
	table("nat", ":MINE - [0:0]", "-A MINE -j CHAIN-OF-MORE"),
	table("nat", "-F MINE"),
	table("nat", ":KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]"),
	table("mangle", "-X KUBE-PROXY-CANARY"),
	table("mangle", "-F", "-X"),
	["mangle", "filter", "nat"].map((name) => table(name, "-F", "-X")).join(""),
];

type Operation =
	| { kind: "edit"; which: number }
	| { kind: "apply"; which: number }
	| { kind: "delete"; name: string }
	| { kind: "minute" }
	| { kind: "hour" };

const operation: fc.Arbitrary<Operation> = fc.oneof(
	{ weight: 5, arbitrary: fc.record({ kind: fc.constant("edit" as const), which: fc.nat(EDITS.length - 1) }) },
	{ weight: 5, arbitrary: fc.record({ kind: fc.constant("apply" as const), which: fc.nat(MANIFESTS.length - 1) }) },
	{
		weight: 1,
		arbitrary: fc.record({ kind: fc.constant("delete" as const), name: fc.constantFrom("a", "b", "more") }),
	},
	{ weight: 2, arbitrary: fc.record({ kind: fc.constant("minute" as const) }) },
	{ weight: 1, arbitrary: fc.record({ kind: fc.constant("hour" as const) }) },
);

/** Chains of Services and endpoints by the names that stand for them. */
function chainsOf(text: string): (edit: string) => string {
	const of = (pattern: RegExp) => pattern.exec(text)?.[1] ?? "KUBE-SVC-NONE";
	const names = {
		"CHAIN-OF-B": of(/-d 10\.96\.0\.11\/32 .*-j (KUBE-SVC-\S+)/),
		"CHAIN-OF-MORE": of(/-d 10\.96\.0\.12\/32 .*-j (KUBE-SVC-\S+)/),
		"END-OF-B": of(/"default\/b -> .*-j (KUBE-SEP-\S+)/),
	};
	return (edit) => Object.entries(names).reduce((line, [word, name]) => line.replaceAll(word, name), edit);
}

async function started(): Promise<Cluster> {
	const cluster = await Cluster.create({ nodes: 2, now: () => 1_800_000_000_000n * MS });
	await cluster.apply(START);
	await cluster.settle();
	await cluster.api.list("v1", "Service");
	return cluster;
}

/** False: refused. */
function edit({ machine }: Cluster, text: string): boolean {
	try {
		machine.loadRuleset(NODE, applyRestore(machine.rulesetOf(NODE) as Ruleset, text, { noflush: true }));
		return true;
	} catch (error) {
		if (error instanceof TextError) return false;
		throw error;
	}
}

async function play(tool: Tool, operations: readonly Operation[]): Promise<void> {
	using cluster = await started();
	const named = chainsOf(cluster.iptables("node-1"));
	const more = "KUBE-SVC-JNTHCHFUKOVMOKFP";
	const agents = new Agents(tool, cluster);
	for (const step of operations) {
		if (step.kind === "edit") {
			const text = named(EDITS[step.which] as string).replaceAll("KUBE-SVC-NONE", more);
			expect([text, edit(cluster, text)]).toEqual([text, tool.restore(text)]);
			await cluster.advance(0);
			agents.edited(cluster.now);
		} else if (step.kind === "apply") {
			await cluster.apply(MANIFESTS[step.which] as string);
			await cluster.settle();
			agents.sync(cluster.objects);
		} else if (step.kind === "delete") {
			const { items } = await cluster.api.list("v1", "Service", { namespace: "default" });
			if (!items.some(({ metadata }) => metadata.name === step.name)) continue;
			await cluster.api.delete("v1", "Service", step.name);
			await cluster.settle();
			agents.sync(cluster.objects);
		} else {
			await cluster.advance(61_000);
			agents.retry(cluster.objects);
			if (step.kind === "hour") {
				await cluster.advance(3_600_000);
				agents.full(cluster.objects);
			}
		}
		agents.look(cluster.objects, cluster.now);
		expect(linesOf(cluster.iptables("node-1"))).toEqual(linesOf(tool.save()));
	}
}

describe("a node whose rules somebody else has changed", () => {
	it("has what its agents write over them, as iptables-restore has it", async () => {
		const property = fc.asyncProperty(fc.array(operation, { minLength: 2, maxLength: 10 }), (operations) =>
			play(new ReadTool(), operations),
		);
		await fc.assert(property, runs(15));
	}, 300_000);

	it("is seen to by its kube-proxy while traffic is replayed, when its iptables monitor looks", async () => {
		using cluster = await started();
		const flushed = ["mangle", "filter", "nat"].map((name) => table(name, "-F", "-X")).join("");
		const mine = table("filter", "-I INPUT -s 198.51.100.7/32 -j DROP");
		const events = [
			["1800000007", flushed],
			["1800000008", mine],
		].map(([time, object]) => `${time},,iptables-restore,node-1,${object === mine ? "mine" : "flushed"},`);
		const actions = timedActions(parseEvents([EVENT_HEADER, ...events, ""].join("\n"), "events.csv"), {
			restoreText: ({ object }) => ({ file: object, text: object === "mine" ? mine : flushed }),
		});
		const client = cluster.topology.pods.find(({ node }) => node === "node-1");
		const rows = Array.from(
			{ length: 12 },
			(_, i) => `${1_800_000_000 + 5 * i}.5,${client?.ip},${30_000 + i},10.96.0.10,80,tcp,3,300,27`,
		);
		const text = ["time,src,sport,dst,dport,proto,packets,bytes,flags", ...rows, ""].join("\n");
		const source = {
			name: "flows.csv",
			async *open() {
				yield new TextEncoder().encode(text);
			},
		};
		const { verdicts } = await cluster.replay(source, { live: true, actions });
		// Those of 10.5 s to 25.5 s found no rule for the Service.
		expect(verdicts.delivered).toBe(8);
		await cluster.apply(service("more", "10.96.0.12", "a"));
		await cluster.settle();
		const rules = cluster.iptables("node-1");
		expect(rules).toContain("-A INPUT -s 198.51.100.7/32 -j DROP");
		expect(rules).toContain('-d 10.96.0.12/32 -p tcp -m comment --comment "default/more cluster IP"');
	});

	it("is the same in a fork and in a restored cluster", async () => {
		using cluster = await started();
		edit(cluster, EDITS[12] as string);
		await cluster.advance(0);
		using copy = cluster.fork();
		using restored = await Cluster.restore(await cluster.snapshot());
		for (const one of [cluster, copy, restored]) {
			expect(one.iptables("node-1")).not.toMatch(/^\*mangle[^*]*KUBE-PROXY-CANARY/m);
			edit(one, EDITS[0] as string);
			await one.advance(30_000);
			await one.apply(service("more", "10.96.0.12", "a"));
			await one.settle();
		}
		const rules = cluster.iptables("node-1");
		expect(rules).toMatch(/^\*mangle[^*]*KUBE-PROXY-CANARY/m);
		expect(rules).toContain("198.51.100.7");
		expect(rules).toContain("10.96.0.12");
		expect([copy, restored].map((one) => one.iptables("node-1"))).toEqual([rules, rules]);
	});

	describe.skipIf(!hasTools())("(skipped where there is no root on Linux with iptables)", () => {
		beforeAll(() => void run(["ip", "netns", "add", NETNS]));
		afterAll(() => void run(["ip", "netns", "del", NETNS]));

		it("has them as the kernel has", async () => {
			const property = fc.asyncProperty(fc.array(operation, { minLength: 2, maxLength: 10 }), (operations) =>
				play(KERNEL, operations),
			);
			await fc.assert(property, runs(5));
		}, 300_000);
	});
});
