// Rules of a node that somebody else than its agents has changed: kube-proxy's later syncs act on what is there. Its texts are fed, one
// after the other, to iptables-restore: as js/net reads it, and where there is root on Linux with iptables the real one.

import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Node, Service } from "../../../js/api/core.ts";
import type { EndpointSlice } from "../../../js/api/discovery.ts";
import { keyOf } from "../../../js/api/key.ts";
import type { KubernetesObject } from "../../../js/api/meta.ts";
import { proxyConfigOf, proxyNode } from "../../../js/cluster/live/rules.ts";
import { DEFAULT_IP_MASQ_CONFIG, ipMasqJump, ipMasqRestore } from "../../../js/cni/ipmasq.ts";
import { EVENT_HEADER, parseEvents } from "../../../js/flows/events.ts";
import { Cluster } from "../../../js/index.ts";
import { kubeletRestore, proxyRestore } from "../../../js/kube-proxy/jumps.ts";
import { syncProxyRules } from "../../../js/kube-proxy/sync.ts";
import type { Configuration } from "../../../js/manifests/configuration.ts";
import { TextError } from "../../../js/net/error.ts";
import {
	applyRestore,
	asLoaded,
	emptyRuleset,
	parseIptablesSave,
	printIptablesSave,
} from "../../../js/net/iptables/index.ts";
import type { Ruleset } from "../../../js/net/ruleset.ts";
import { timedActions } from "../../../js/replay/events.ts";
import { runs } from "../../runs.ts";

const NODE = "node:node-1";

/** iptables of one node. */
interface Tool {
	begin(text: string): void;
	/** `--noflush`; false: a table was refused, and nothing has changed of it and those behind it. */
	restore(text: string): boolean;
	save(): string;
}

class ReadTool implements Tool {
	#ruleset: Ruleset = emptyRuleset("ipv4");

	begin(text: string): void {
		this.#ruleset = parseIptablesSave(text);
	}

	restore(text: string): boolean {
		try {
			for (const one of text.split(/(?<=^COMMIT\n)/m))
				this.#ruleset = applyRestore(this.#ruleset, one, { noflush: true });
			return true;
		} catch (error) {
			if (error instanceof TextError) return false;
			throw error;
		}
	}

	save(): string {
		return printIptablesSave(asLoaded(this.#ruleset, { backend: "nft" }));
	}
}

const NETNS = `podwire-foreign-${process.pid}`;

function run(command: string[], input = ""): string {
	const [file = "", ...words] = command;
	return execFileSync(file, words, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
}

const KERNEL: Tool = {
	begin(text) {
		run(["ip", "netns", "exec", NETNS, "iptables-nft-restore"], text);
	},
	restore(text) {
		try {
			run(["ip", "netns", "exec", NETNS, "iptables-nft-restore", "--noflush", "--counters"], text);
			return true;
		} catch {
			return false;
		}
	},
	save() {
		return run(["ip", "netns", "exec", NETNS, "iptables-nft-save"]);
	},
};

function hasTools(): boolean {
	if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
	try {
		run(["ip", "netns", "list"]);
		return run(["iptables-nft", "--version"]) !== "";
	} catch {
		return false;
	}
}

/** By table and chain: the kernel's tables are in another order, its rules are not. */
function linesOf(text: string): string[] {
	let table = "";
	const lines: string[] = [];
	for (const line of text.split("\n")) {
		if (line.startsWith("*")) table = line;
		else if (line.startsWith(":")) lines.push(`${table} ${line.split(" ").slice(0, 2).join(" ")}`);
		else if (line.startsWith("-A")) lines.push(`${table} ${line}`);
	}
	const chainOf = (line: string) => line.split(" ").slice(0, 3).join(" ");
	return lines
		.map((line, at) => ({ line, at }))
		.sort((a, b) => (chainOf(a.line) < chainOf(b.line) ? -1 : chainOf(a.line) > chainOf(b.line) ? 1 : a.at - b.at))
		.map(({ line }) => line);
}

const MS = 1_000_000n;

/** A node's agents, as upstream has them, over iptables: each sync writes its text, and nothing is remembered of rules. */
class Agents {
	readonly #tool: Tool;
	readonly #configuration: Configuration;
	#known: ReadonlyMap<string, string>;
	#needsFull = false;
	/** When the kubelet and kube-proxy look next, ns. */
	#looks: { at: bigint; kubelet: boolean }[] = [];

	constructor(tool: Tool, cluster: Cluster) {
		this.#tool = tool;
		this.#configuration = cluster.configuration as Configuration;
		this.#known = servicesOf(cluster.objects);
		tool.begin(cluster.iptables("node-1"));
	}

	edited(now: bigint): void {
		const next = (period: bigint) => (now / (period * MS) + 1n) * period * MS;
		const [canary, kubelet] = [next(30_000n), next(60_000n)];
		this.#looks = [
			{ at: canary, kubelet: canary === kubelet },
			...(canary === kubelet ? [] : [{ at: kubelet, kubelet: true }]),
		];
	}

	/** Services that are others than before are synced. */
	sync(objects: readonly KubernetesObject[]): void {
		const now = servicesOf(objects);
		const names = new Set([...this.#known.keys(), ...now.keys()]);
		const updated = new Set([...names].filter((name) => this.#known.get(name) !== now.get(name)));
		this.#known = now;
		if (updated.size > 0) this.#write(objects, updated);
	}

	/** It is so late: who looks at times has looked. */
	look(objects: readonly KubernetesObject[], now: bigint): void {
		const gone = (chain: string) => !this.#tool.save().split("*mangle")[1]?.split("COMMIT")[0]?.includes(`:${chain} `);
		const others = () => {
			if (gone("KUBE-KUBELET-CANARY")) this.#tool.restore(kubeletRestore(parseIptablesSave(this.#tool.save())));
			this.#tool.restore(ipMasqRestore(MASQUERADE, "ipv4"));
			const jump = `-A POSTROUTING ${ipMasqJump(MASQUERADE)}`;
			if (!this.#tool.save().includes("-j IP-MASQ-AGENT")) this.#tool.restore(table("nat", jump));
		};
		for (const { kubelet } of this.#looks.filter(({ at }) => at <= now)) {
			if (kubelet) others();
			if (gone("KUBE-PROXY-CANARY")) this.#write(objects, null);
		}
		this.#looks = this.#looks.filter(({ at }) => at > now);
	}

	/** What was refused is written anew. */
	retry(objects: readonly KubernetesObject[]): void {
		if (this.#needsFull) this.#write(objects, null);
	}

	/** An hour passes. */
	full(objects: readonly KubernetesObject[]): void {
		this.#write(objects, null);
	}

	#write(objects: readonly KubernetesObject[], updated: ReadonlySet<string> | null): void {
		const isFull = updated === null || this.#needsFull;
		const before = parseIptablesSave(this.#tool.save());
		if (isFull) this.#tool.restore(proxyRestore(before));
		const { restore } = syncProxyRules({
			family: "ipv4",
			node: proxyNode(objects.find(({ kind, metadata }) => kind === "Node" && metadata.name === "node-1") as Node),
			services: objects.filter(({ kind }) => kind === "Service") as Service[],
			endpointSlices: objects.filter(({ kind }) => kind === "EndpointSlice") as EndpointSlice[],
			config: proxyConfigOf(this.#configuration),
			existingNatChains: before.tables.find(({ name }) => name === "nat")?.chains.map(({ name }) => name) ?? [],
			...(isFull ? {} : { updatedServices: updated }),
		});
		this.#needsFull = !this.#tool.restore(restore);
	}
}

const MASQUERADE = { ...DEFAULT_IP_MASQ_CONFIG, nonMasqueradeCIDRs: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] };

/** What kube-proxy hears of each Service. */
function servicesOf(objects: readonly KubernetesObject[]): Map<string, string> {
	const texts = new Map<string, string>();
	for (const { kind, metadata, ...rest } of objects) {
		const service = metadata.labels?.["kubernetes.io/service-name"];
		const slice = rest as Partial<EndpointSlice>;
		if (kind === "Service") {
			const name = keyOf({ kind, metadata, ...rest });
			texts.set(name, `${texts.get(name) ?? ""} ${JSON.stringify(rest)}`);
		} else if (kind === "EndpointSlice" && service !== undefined) {
			const name = `${metadata.namespace}/${service}`;
			texts.set(name, `${texts.get(name) ?? ""} ${JSON.stringify([slice.endpoints, slice.ports])}`);
		}
	}
	return texts;
}

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

const table = (name: string, ...lines: string[]) => [`*${name}`, ...lines, "COMMIT", ""].join("\n");

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
