// Nodes that load the very same table have its rows once: what each of them counts is its own all the same, and one that
// loads other rules leaves the others theirs.

import { describe, expect, test } from "vitest";
import * as L from "../../assembly/layout.ts";
import { Machine } from "../../bindings/machine.ts";
import { loadTopology } from "../../js/lab.ts";
import { ipv4ToNumber } from "../../js/net/address.ts";
import { parseIptablesSave, parseRule } from "../../js/net/iptables/index.ts";
import type { Chain, Ruleset } from "../../js/net/ruleset.ts";
import { module } from "./bench.ts";

const NODES = ["a", "b", "c"];

function filter(...rules: string[]): Ruleset {
	return parseIptablesSave(["*filter", ":FORWARD ACCEPT [5:50]", ":U - [0:0]", ...rules, "COMMIT", ""].join("\n"));
}

/** The same table but for one chain. */
function changed(ruleset: Ruleset, name: string, change: Partial<Chain>): Ruleset {
	const chain = (own: Chain): Chain => (own.name === name ? { ...own, ...change } : own);
	return { ...ruleset, tables: ruleset.tables.map((own) => ({ ...own, chains: own.chains.map(chain) })) };
}

const RULES = ["-A FORWARD -d 10.0.0.1/32 -j U", "-A U -p udp -j DROP", "-A U -j ACCEPT"];

class Nodes {
	readonly machine: Machine;

	constructor(rulesets: readonly Ruleset[], paths = 64) {
		const network = loadTopology({
			fabric: { kind: "routed" },
			router: {},
			nodes: NODES.map((name, i) => ({ name, ip: `192.0.2.${i + 1}`, podCIDR: `10.${i + 1}.0.0/24` })),
			pods: [],
			hosts: [],
		});
		for (const [i, name] of NODES.entries()) {
			const netns = network.netns.find((own) => own.name === `node:${name}`);
			if (netns) netns.ruleset = rulesets[i] ?? null;
		}
		const capacities = { [L.TABLE_PATH]: paths, [L.TABLE_PATHRULE]: paths * 4, [L.TABLE_COUNTER]: 256 };
		this.machine = new Machine(module, network, { capacities });
	}

	forward(node: string, dst: string, times = 1): void {
		const { core } = this.machine;
		const at = core.packetIn(0);
		new Uint8Array(core.rows.view.buffer, at, L.PACKET_STRIDE).fill(0);
		core.rows.setU32(at + L.PACKET_DST, ipv4ToNumber(dst));
		core.rows.setU8(at + L.PACKET_PROTO, L.PROTO_TCP);
		core.rows.setU32(at + L.PACKET_LEN, 100);
		core.rows.setI32(at + L.PACKET_NETNS, this.machine.netnsRow(`node:${node}`));
		for (const field of [L.PACKET_IIF, L.PACKET_OIF, L.PACKET_CT]) core.rows.setI32(at + field, -1);
		const { judge } = core.engine as unknown as { judge(index: number, hook: number, table: number): number };
		for (let i = 0; i < times; i++) judge(0, L.HOOK_FORWARD, L.XT_FILTER);
	}

	/** Packets of FORWARD's policy and of every rule, in order. */
	packets(node: string): bigint[] {
		const chains = this.machine.countedRuleset(`node:${node}`)?.tables[0]?.chains ?? [];
		const policy = chains.find(({ name }) => name === "FORWARD")?.counters.packets ?? -1n;
		return [policy, ...chains.flatMap(({ rules }) => rules.map(({ counters }) => counters?.packets ?? -1n))];
	}

	get rules(): number {
		return this.machine.core.rows.count(L.TABLE_RULE);
	}
}

describe.each([64, 2])("with %i rows for paths", (paths) => {
	test("rows are shared, counters are not", () => {
		const ruleset = filter(...RULES);
		const nodes = new Nodes([ruleset, ruleset, ruleset], paths);
		expect(nodes.rules).toBe(new Nodes([ruleset]).rules);
		nodes.forward("a", "10.0.0.1", 3);
		nodes.forward("b", "10.0.0.1");
		nodes.forward("b", "10.0.0.2", 2);
		expect(nodes.packets("a")).toEqual([5n, 3n, 0n, 3n]);
		expect(nodes.packets("b")).toEqual([7n, 1n, 0n, 1n]);
		expect(nodes.packets("c")).toEqual([5n, 0n, 0n, 0n]);
	});

	test("a node with other rules leaves the others theirs, and counts anew when it comes back", () => {
		const ruleset = filter(...RULES);
		const nodes = new Nodes([ruleset, ruleset, ruleset], paths);
		for (const node of NODES) nodes.forward(node, "10.0.0.1", 2);
		nodes.machine.loadRuleset("node:b", filter("-A FORWARD -d 10.0.0.1/32 -j DROP"));
		for (const node of NODES) nodes.forward(node, "10.0.0.1");
		expect(nodes.packets("a")).toEqual([5n, 3n, 0n, 3n]);
		expect(nodes.packets("b")).toEqual([5n, 1n]);
		const before = nodes.rules;
		nodes.machine.loadRuleset("node:b", ruleset);
		expect(nodes.rules).toBe(before);
		nodes.forward("b", "10.0.0.1", 4);
		expect(nodes.packets("b")).toEqual([5n, 4n, 0n, 4n]);
		expect(nodes.packets("c")).toEqual([5n, 3n, 0n, 3n]);
	});
});

test("a table whose matches remember packets is a node's own", () => {
	const ruleset = filter("-A FORWARD -m limit --limit 1/min --limit-burst 1 -j DROP");
	const nodes = new Nodes([ruleset, ruleset, ruleset]);
	for (const node of NODES) nodes.forward(node, "10.0.0.1", 2);
	for (const node of NODES) expect(nodes.packets(node)).toEqual([6n, 1n]);
});

test("a node whose counters were set counts on from them in a table that another node had first", () => {
	const start = filter("-A FORWARD -d 10.0.0.1/32");
	const limited = changed(start, "U", { rules: [parseRule("-m limit --limit 1/sec", "filter", "ipv4")] });
	const nodes = new Nodes([start, start, start]);
	nodes.machine.loadRuleset("node:a", limited);
	nodes.machine.loadRuleset("node:c", changed(start, "FORWARD", { counters: { packets: 9n, bytes: 90n } }));
	nodes.forward("c", "10.0.0.1");
	expect(nodes.packets("c")).toEqual([10n, 1n]);
	nodes.machine.loadRuleset("node:c", limited);
	expect(nodes.packets("c")).toEqual([5n, 1n, 0n]);
	nodes.machine.loadRuleset(["node:a", "node:c"], changed(limited, "U", { rules: [] }));
	expect(nodes.packets("c")).toEqual([5n, 1n]);
	expect(nodes.packets("a")).toEqual([5n, 0n]);
});

test("when the last node has left, a table's rows are nobody's", () => {
	const nodes = new Nodes([filter(...RULES)]);
	const a = nodes.machine.netnsRow("node:a");
	nodes.forward("a", "10.0.0.1");
	const [first] = nodes.machine.counters().get(a)?.keys() ?? [];
	expect(nodes.machine.placeOf(first ?? -1)).toMatchObject({ chain: "FORWARD", number: 1 });
	expect(nodes.machine.hasRule(a, first ?? -1)).toBe(true);
	nodes.machine.loadRuleset("node:a", filter("-A FORWARD -j ACCEPT"));
	expect(nodes.machine.hasRule(a, first ?? -1)).toBe(false);
});
