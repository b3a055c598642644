// What a cluster's packets left lives on, whatever brings its network more room or more machines.

import { describe, expect, it } from "vitest";
import * as L from "../../assembly/layout.ts";
import { Cluster, type ClusterOptions } from "../../js/index.ts";
import { applyRestore } from "../../js/net/iptables/index.ts";
import type { Ruleset } from "../../js/net/ruleset.ts";

const POD = (name: string) =>
	`{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: {app: ${name}}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 80}]}]}}`;
const SERVICE =
	"{apiVersion: v1, kind: Service, metadata: {name: b}, spec: {type: NodePort, selector: {app: b}, ports: [{port: 80, nodePort: 30080}]}}";

async function cluster(options: ClusterOptions = {}): Promise<Cluster> {
	const made = await Cluster.create({ nodes: 2, ...options });
	await made.apply([POD("a"), POD("b"), SERVICE].join("\n---\n"));
	await made.settle();
	const trace = made.trace({ from: "pod/default/a", to: "svc/default/b:80", sport: 40_000 });
	expect(trace.verdict).toBe("delivered");
	return made;
}

const left = (made: Cluster) =>
	["node-1", "node-2"].map((node) => [made.conntrack(node), made.iptables(node, { counters: true })]);

describe("connections and counters", () => {
	it("are there after settling what is settled, of a cluster whose API nobody has asked", async () => {
		const made = await cluster();
		const before = left(made);
		expect(before[0]?.[0]).toContain("sport=40000");
		await made.settle();
		expect(left(made)).toEqual(before);
	});

	it("are there when a machine outside comes, and so is what somebody has changed of rules", async () => {
		const [made, knowing] = [await cluster(), await cluster({ hosts: ["198.51.100.9"] })];
		const mine = "*filter\n-I FORWARD -s 198.51.100.77/32 -j DROP\nCOMMIT\n";
		for (const { machine } of [made, knowing]) {
			const rules = machine.rulesetOf("node:node-1") as Ruleset;
			machine.loadRuleset("node:node-1", applyRestore(rules, mine, { noflush: true }));
		}
		const [answer, known] = [made, knowing].map((one) => {
			return one.trace({ from: "host/198.51.100.9", to: "node/node-1:30080", sport: 50_000 });
		});
		expect(answer?.verdict).toBe("delivered");
		expect(answer?.hops.map(({ device }) => device)).toEqual(known?.hops.map(({ device }) => device));
		expect(left(made)).toEqual(left(knowing));
		expect(left(made)[0]?.[0]).toContain("sport=40000");
		expect(left(made)[0]?.[1]).toContain("198.51.100.77");
	});

	it("are there when probes get more room", async () => {
		const made = await cluster();
		const before = left(made);
		const { engine } = made.machine.core;
		const room = engine.capacity(L.TABLE_CT);
		expect(made.machine.expectConnections(2 * room)).toBe(true);
		expect([engine.capacity(L.TABLE_CT), left(made)]).toEqual([2 * room, before]);
	});
});
