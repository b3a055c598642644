// Tables that are hashes and get more room while a network carries packets, against an engine that had as much from the start.

import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import * as L from "../../assembly/layout.ts";
import type { EngineModule } from "../../bindings/core.ts";
import { Machine } from "../../bindings/machine.ts";
import { loadModule } from "../../bindings/node.ts";
import { connectionSizes } from "../../bindings/sizes.ts";
import type { PodSpec, Topology } from "../../js/net/topology.ts";
import { Wire } from "../../js/wire/wire.ts";
import { runs } from "../runs.ts";
import { Live, Networks, type Question } from "./live.ts";

let module: EngineModule;

beforeAll(async () => {
	module = await loadModule();
});

const RULES = [
	"*nat",
	...["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"].map((chain) => `:${chain} ACCEPT [0:0]`),
	"-A PREROUTING -d 10.96.0.1/32 -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.0.2.9",
	"-A PREROUTING -d 10.96.0.1/32 -j DNAT --to-destination 10.0.2.8",
	"-A POSTROUTING -s 10.0.1.0/24 ! -d 10.0.0.0/8 -p tcp -j MASQUERADE --to-ports 40000-40020",
	"-A POSTROUTING -s 10.0.1.0/24 ! -d 10.0.0.0/8 -j MASQUERADE",
	"COMMIT",
	"*filter",
	...["INPUT", "FORWARD", "OUTPUT"].map((chain) => `:${chain} ACCEPT [0:0]`),
	"-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",
	"COMMIT",
	"",
].join("\n");

const pod = (name: string, node: string, ip: string, ports: number[]): PodSpec => ({
	...{ name: `t/${name}`, node, ip },
	listen: ports.flatMap((port) => (["tcp", "udp"] as const).map((proto) => ({ proto, port }))),
});

function scene(ports: number[] = [80]): Topology {
	return {
		fabric: { kind: "l2" },
		router: {},
		nodes: ["n1", "n2"].map((name, i) => ({
			...{ name, ip: `192.168.0.1${i + 1}`, podCIDR: `10.0.${i + 1}.0/24`, iptables: RULES },
		})),
		pods: [
			pod("a", "n1", "10.0.1.2", []),
			pod("b", "n1", "10.0.1.3", []),
			pod("near", "n2", "10.0.2.8", ports),
			pod("far", "n2", "10.0.2.9", [80]),
		],
		hosts: ["203.0.113.5", "203.0.113.6"].map((ip) => ({ name: ip, ip, listenAny: true })),
	};
}

function live(entries: number): Live {
	const networks = new Networks();
	const machine = new Machine(module, networks.of(scene()), { capacities: connectionSizes(entries) });
	return new Live(module, scene(), networks, new Wire(machine));
}

const question: fc.Arbitrary<Question> = fc.record({
	from: fc.constantFrom("pod:t/a", "pod:t/b", "node:n1"),
	to: fc.constantFrom("10.96.0.1", "10.0.2.8", "203.0.113.5", "203.0.113.6"),
	port: fc.constantFrom(80, 81),
	proto: fc.constantFrom(L.PROTO_TCP, L.PROTO_UDP),
});

describe("connections", () => {
	it("live on where they get more room, and those that come are what they were without", () => {
		const property = fc.property(
			fc.array(question, { minLength: 20, maxLength: 120 }),
			fc.nat(60),
			(questions, when) => {
				const [grown, large] = [live(128), live(1024)];
				for (const [i, one] of questions.entries()) {
					if (i % 40 === when % 40) {
						const room = grown.machine.core.engine.capacity(L.TABLE_CT);
						const wanted = Math.min(1024, room * 2);
						expect(grown.machine.expectConnections(wanted)).toBe(wanted > room);
					}
					expect(grown.ask(one)).toEqual(large.ask(one));
					if (i % 10 === 0) for (const { wire } of [grown, large]) wire.advance(7_000_000_000n);
				}
				expect(grown.connections()).toEqual(large.connections());
				expect(grown.machine.countedRuleset("node:n1")).toEqual(large.machine.countedRuleset("node:n1"));
			},
		);
		fc.assert(property, runs(25));
	});

	it("have no more room than was there, or memory has", () => {
		const { machine } = live(1024);
		expect(machine.expectConnections(512)).toBe(false);
		expect(machine.expectConnections(1024)).toBe(false);
		expect(machine.expectConnections(1 << 26)).toBe(false);
	});
});

describe("sockets", () => {
	it("of more listeners than there was room for are found, and closed, by whoever has them", () => {
		const one = live(1024);
		const client = one.machine.netnsRow("pod:t/a");
		const own = one.wire.open(client, L.PROTO_UDP, 0, 5300, 0, 0, 0);
		expect(own).toBeGreaterThanOrEqual(0);
		const room = one.machine.core.engine.capacity(L.TABLE_SOCKET);
		const ports = Array.from({ length: room }, (_, i) => 1000 + i);
		const asks = (port: number) => one.ask({ from: "pod:t/a", to: "10.0.2.8", port })[0];
		expect(asks(80)).toBe("delivered 0 pod:t/near");
		one.become(scene([80, ...ports]));
		expect(one.machine.core.engine.capacity(L.TABLE_SOCKET)).toBeGreaterThan(room);
		for (const port of [80, 1000, 1000 + room - 1]) expect(asks(port)).toBe("delivered 0 pod:t/near");
		expect(one.ask({ from: "pod:t/b", to: "10.0.1.2", port: 5300, proto: L.PROTO_UDP })[0]).toBe("delivered 0 pod:t/a");
		const open = one.machine.core.engine.socketCount();
		one.become(scene([1000]));
		expect(open - one.machine.core.engine.socketCount()).toBe(2 * room);
		expect([80, 1000, 1001].map((port) => asks(port)?.split(" ")[0])).toEqual(["rejected", "delivered", "rejected"]);
	});
});
