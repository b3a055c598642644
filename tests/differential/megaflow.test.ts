// Fast is exact: with megaflows, with the path cache off as on, everything comes out as where every stack looks at every
// packet: flows, rule counters, interface counters, conntrack entries with their deadlines and counters, neighbours, lists.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import * as L from "../../assembly/layout.ts";
import type { EngineModule, Instance } from "../../bindings/core.ts";
import { loadModule } from "../../bindings/node.ts";
import { ipv4ToNumber } from "../../js/net/address.ts";
import { runs } from "../runs.ts";
import { Carrier, type Case, trafficAlike } from "./carrier.ts";
import { cluster, type Volley } from "./cluster.ts";
import { trafficSettled } from "./settled.ts";

const BATCH = 200;
let module: EngineModule;

beforeAll(async () => {
	module = await loadModule();
});

/** What a case comes to without and with megaflows, step by step and at its end; stacks that packets passed by them. */
function both(example: Case, cache: number) {
	const start = (on: number) => (engine: Instance) => {
		engine.pathCache(on === 0 ? 0 : cache);
		engine.megaflows(on);
	};
	const without = new Carrier(module, example, BATCH, start(0));
	const quick = new Carrier(module, example, BATCH, start(1));
	for (const step of example.steps) expect(quick.run(step)).toEqual(without.run(step));
	expect(quick.state()).toEqual(without.state());
	expect(without.machine.core.engine.megaflowHits()).toBe(0n);
	const { engine } = quick.machine.core;
	return {
		passed: Number(engine.megaflowHits()),
		whole: Number(engine.passages()),
		carried: engine.cacheMisses(),
	};
}

describe("megaflows", () => {
	it.each([0, 1])("change nothing that can be seen, path cache %i", (cache) => {
		let passed = 0;
		let carried = 0;
		fc.assert(
			fc.property(trafficAlike, (example) => {
				const seen = both(example, cache);
				passed += seen.passed;
				carried += seen.carried;
			}),
			runs(150),
		);
		// They have had the opportunity.
		expect(passed / carried).toBeGreaterThan(cache === 0 ? 0.5 : 0.01);
	});

	it.each([0, 1])("change nothing of connections that stay, path cache %i", (cache) => {
		let whole = 0;
		let carried = 0;
		fc.assert(
			fc.property(trafficSettled, (example) => {
				const seen = both(example, cache);
				whole += seen.whole;
				carried += seen.carried;
			}),
			runs(150),
		);
		// Many went all their way by one row; with the path cache those that are not repeated, now and then.
		if (cache === 0) expect(whole / carried).toBeGreaterThan(0.1);
		else expect(whole).toBeGreaterThan(0);
	});

	// Whatever is established passes this one before its ports are looked at.
	const MARKED =
		"-A PREROUTING -m conntrack --ctstate NEW -m tcp -p tcp --sport 40000 -j CONNMARK --set-xmark 0x1/0xffffffff\n";
	const LABELLED = "-A FORWARD -m connmark --mark 0x1 -j MARK --set-xmark 0x2/0x2\n";
	it.each([
		["a source port", "", "-p tcp -m tcp --sport 40000"],
		["all ports but one", "", "-p tcp -m tcp ! --sport 40000"],
		["ports of a list", "", "-p tcp -m multiport --sports 53,40000"],
		["ports of UDP", "", "-p udp -m udp --sport 40000"],
		["an original port", "", "-m conntrack --ctorigsrcport 40000"],
		["a connection's mark", MARKED, "-m connmark --mark 0x1"],
		["a mark that a connection's mark gives", MARKED + LABELLED, "-m mark --mark 0x2/0x2"],
		[
			"a mark that a connection's mark restores",
			`${MARKED}-A FORWARD -j CONNMARK --restore-mark\n`,
			"-m mark --mark 0x1",
		],
		["ports among many rules", "", "-p tcp -m tcp --dport 40000"],
		["ports and networks among many rules", "", "-s 10.0.0.0/8 -p tcp -m tcp --dport 40000"],
	])("keep apart what a rule keeps apart: %s", (name, before, condition) => {
		const many = name.includes("among many rules") ? 40 : 0;
		const rules = [
			"*mangle",
			...["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"].map((chain) => `:${chain} ACCEPT [0:0]`),
			...(
				before +
				Array.from(
					{ length: many },
					(_, i) =>
						`-A POSTROUTING${condition.startsWith("-s") ? " -s 10.0.0.0/8" : ""} -p tcp -m tcp --dport ${9000 + i}\n`,
				).join("")
			)
				.split("\n")
				.filter(Boolean),
			`-A POSTROUTING ${condition}`,
			"COMMIT",
			"",
		].join("\n");
		const scene = cluster({
			fabric: { kind: "l2" },
			first: rules,
			second: rules,
			bridged: 1,
			liberal: 0,
			hairpinMode: "none",
		});
		const udp = condition.includes("udp");
		const connections = [5000, 40000].map((sport) => ({
			netns: "pod:t/client",
			src: ipv4ToNumber("10.0.1.2"),
			dst: ipv4ToNumber(udp ? "10.0.2.3" : "10.0.2.2"),
			sport,
			dport: udp ? 53 : 8080,
			proto: udp ? L.PROTO_UDP : L.PROTO_TCP,
		}));
		const volley = (which: number, tcp: number, times: number): Volley => ({
			which,
			kind: L.BATCH_OFFER,
			hints: 0,
			tcp,
			tos: 0,
			len: 60,
			times,
			numbers: "next",
			window: 0xffff,
			options: 0,
			stride: 0,
			// An answered datagram begins a stream after two seconds.
			gapNs: 1_100_000_000n,
		});
		const turns = [0, 1, 0, 1, 0].map((which) => volley(which, L.TCP_ACK, 3));
		const opening = [0, 1].map((which) => volley(which, L.TCP_SYN, 1));
		const steps: Case["steps"] = [{ kind: "packets", volleys: [...opening, ...turns] }];
		const { passed } = both({ scene, connections, replies: L.REPLIES_MIRROR, windows: false, steps }, 0);
		expect(passed).toBeGreaterThan(0);
	});
});
