// The text of a trace is JSON.stringify's, for hops of a cluster as for any other, and hops say what rules say now.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Cluster, type Hop, type PacketFields, type TracePath, traceJson } from "../../js/index.ts";
import { parseIptablesSave, printIptablesSave } from "../../js/net/iptables/index.ts";
import { hopsJson } from "../../js/trace/json.ts";
import { runs } from "../runs.ts";

const scene = JSON.parse(readFileSync(new URL("../hash/scene.json", import.meta.url), "utf8"));

/** Words with all that JSON escapes. */
const word = fc.oneof(fc.constantFrom("eth0", "a", "b"), fc.string({ unit: "grapheme", maxLength: 4 }));
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const number = fc.oneof(fc.nat(3), fc.maxSafeNat());
const inner = fc.record({ proto: word, src: word, sport: number, dst: word, dport: number });
const plain = fc.record({
	...{ proto: word, src: word, sport: optional(fc.nat(2)), dst: word, dport: optional(fc.nat(2)), ttl: fc.nat(2) },
	...{
		flags: optional(word),
		seq: optional(number),
		ack: optional(number),
		icmp: optional(word),
		id: optional(number),
	},
	...{ inner: optional(inner), length: number },
});
const packet = fc
	.record({ ...{ packet: plain, encapsulated: optional(plain) } })
	.map(({ packet: outer, encapsulated }) => ({ ...outer, ...(encapsulated ? { encapsulated } : {}) }) as PacketFields);
const hop = fc
	.record({
		...{ netns: word, device: fc.option(word), event: fc.constantFrom("transmit", "rule", "route") },
		...{ hook: fc.option(word), table: fc.option(word), chain: fc.option(word), rule: fc.option(word), packet },
		...{ ctstate: optional(word), mark: optional(word), via: optional(word), reason: optional(word) },
	})
	.map((made) => made as Hop);

describe("hopsJson", () => {
	it("is JSON.stringify of any hops", () => {
		fc.assert(
			fc.property(fc.array(hop, { maxLength: 12 }), (hops) => {
				expect(hopsJson(hops)).toBe(JSON.stringify(hops));
				// What a frame remembers is not what a hop says after somebody wrote to it.
				for (const one of hops) one.rule = `${one.rule}'`;
				for (const one of hops) one.packet.ttl++;
				expect(hopsJson(hops)).toBe(JSON.stringify(hops));
			}),
			runs(300),
		);
	});
});

describe.each(["routed", "l2", "vxlan"] as const)("traceJson, %s", (fabric) => {
	it("is JSON.stringify of a path", async () => {
		const cluster = await Cluster.create({ fabric });
		await cluster.apply(scene.cluster.manifests);
		await cluster.settle();
		const from = "pod/shop/client";
		const paths: TracePath[] = [
			...["svc/shop/lb:80", "svc/shop/empty:80", "node/node-2:9", "host/198.51.100.9:80"].map((to) =>
				cluster.trace({ from, to }),
			),
			cluster.trace({ from, to: "node/node-2", proto: "icmp" }),
			cluster.trace({ from, to: "node/node-2:53", proto: "udp" }),
		];
		expect(new Set(paths.map(({ verdict }) => verdict)).size).toBeGreaterThan(1);
		for (const path of [...paths, ...paths]) expect(traceJson(path)).toBe(JSON.stringify(path));
	});
});

describe("hops", () => {
	it("say what rules say now", async () => {
		const cluster = await Cluster.create();
		await cluster.apply(scene.cluster.manifests);
		await cluster.settle();
		const rules = (sport: number) => {
			const { hops } = cluster.trace({ from: "pod/shop/client", to: "svc/shop/lb:80", sport });
			return hops.flatMap(({ netns, rule }) => (netns === "node/node-1" && rule?.startsWith("-A ") ? [rule] : []));
		};
		const before = rules(40001);
		expect(before).toContain(
			'-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
		);
		const { machine } = cluster;
		const now = machine.rulesetOf("node:node-1");
		const text = now === null ? "" : printIptablesSave(now, { counters: false });
		// As often as rows of rules that are gone come to be used again.
		for (let sport = 40002; sport < 40060; sport++) {
			const changed = (rule: string) => rule.replaceAll(' --comment "', ` --comment "${sport} `);
			machine.loadRuleset("node:node-1", parseIptablesSave(changed(text)));
			expect(rules(sport)).toEqual(before.map(changed));
		}
	});
});
