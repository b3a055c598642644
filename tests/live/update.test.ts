// A network that changes in place: what comes is there, what goes takes along what Linux takes along, and all else lives on.

import { beforeAll, describe, expect, it } from "vitest";
import * as L from "../../assembly/layout.ts";
import type { EngineModule } from "../../bindings/core.ts";
import { EncodeError } from "../../bindings/encode.ts";
import { loadModule } from "../../bindings/node.ts";
import { CapacityError } from "../../bindings/views.ts";
import { networkChange } from "../../js/net/change.ts";
import type { PodSpec, Topology } from "../../js/net/topology.ts";
import { Live, Networks } from "./live.ts";

let module: EngineModule;

beforeAll(async () => {
	module = await loadModule();
});

const LISTEN = [{ proto: "tcp" as const, port: 80 }];
const RULES = [
	"*nat",
	...["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"].map((chain) => `:${chain} ACCEPT [0:0]`),
	"-A PREROUTING -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.2.9:80",
	"-A POSTROUTING -s 10.0.1.0/24 ! -d 10.0.0.0/8 -j MASQUERADE",
	"COMMIT",
	"*filter",
	...["INPUT", "FORWARD", "OUTPUT"].map((chain) => `:${chain} ACCEPT [0:0]`),
	"-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",
	"COMMIT",
	"",
].join("\n");

const ASKING = RULES.replace("-A FORWARD", "-A FORWARD -m set --match-set DENY src -j DROP\n-A FORWARD");

const pod = (name: string, node: string, ip: string, more: Partial<PodSpec> = {}): PodSpec => ({
	...{ name: `t/${name}`, node, ip, listen: LISTEN },
	...more,
});
const CLIENT = pod("client", "n1", "10.0.1.2");
const NEAR = pod("near", "n1", "10.0.1.3");
const FAR = pod("far", "n2", "10.0.2.9");

function scene(pods: PodSpec[], more: Partial<Topology> = {}): Topology {
	return {
		fabric: { kind: "l2" },
		router: {},
		nodes: ["n1", "n2"].map((name, i) => ({
			...{ name, ip: `192.168.0.1${i + 1}`, podCIDR: `10.0.${i + 1}.0/24`, iptables: RULES },
		})),
		pods,
		hosts: [{ name: "out", ip: "203.0.113.5", listenAny: true }],
		...more,
	};
}

const toNear = { from: "pod:t/client", to: "10.0.1.3", port: 80 };
const toFar = { from: "pod:t/client", to: "10.0.2.9", port: 80 };
const toService = { from: "pod:t/client", to: "10.96.0.1", port: 80 };
const delivered = (netns: string) => [`delivered 0 ${netns}`, "delivered 0 pod:t/client"];
const FAILED = `unreachable ${L.REASON_NEIGHBOUR_FAILED}`;

describe("a pod", () => {
	it("that comes is reached, and one that goes is not", () => {
		const live = new Live(module, scene([CLIENT]));
		expect(live.ask(toFar)[0]).toBe(`${FAILED} node:n2`);
		live.become(scene([CLIENT, FAR, NEAR]));
		expect(live.ask(toFar)).toEqual(delivered("pod:t/far"));
		expect(live.ask(toService)).toEqual(delivered("pod:t/far"));
		expect(live.ask(toNear)).toEqual(delivered("pod:t/near"));
		live.become(scene([CLIENT, NEAR]));
		expect(live.ask(toFar)[0]).toBe(`${FAILED} node:n2`);
		expect(() => live.machine.netnsRow("pod:t/far")).toThrow(RangeError);
		expect(live.ask(toNear)).toEqual(delivered("pod:t/near"));
	});

	it("with the address and name of one that went is another one: its neighbours ask anew, and nothing of it is left", () => {
		const live = new Live(module, scene([CLIENT, NEAR, FAR]));
		const far = live.machine.netnsRow("pod:t/far");
		for (const question of [toNear, toFar, { from: "pod:t/far", to: "10.0.1.2", port: 80 }]) live.ask(question);
		const extra = live.wire.open(far, L.PROTO_TCP, 0, 8080, 0, 0, 0);
		expect(extra).toBeGreaterThanOrEqual(0);
		expect(live.ask({ ...toFar, port: 8080 })[0]).toBe("delivered 0 pod:t/far");
		const networks = new Networks().of(scene([CLIENT, NEAR, FAR]));
		const again = networks.netns.find(({ name }) => name === "pod:t/far");
		if (again === undefined) throw new Error("no such pod");
		live.machine.update({ removed: ["pod:t/far"], added: [again], changed: [] });
		expect(live.ask(toFar)).toEqual(delivered("pod:t/far"));
		expect(live.ask({ ...toFar, port: 8080 })[0]).toBe(`rejected ${L.REASON_PORT_CLOSED} pod:t/far`);
	});

	it("with the address of one on another node is found there", () => {
		const live = new Live(module, scene([CLIENT, NEAR]));
		expect(live.ask(toNear)).toEqual(delivered("pod:t/near"));
		// Outside its node's network: by a route of its own there, and by none here.
		live.become(scene([CLIENT, pod("moved", "n1", "10.0.1.3", { silent: false })]));
		expect(live.ask(toNear)).toEqual(delivered("pod:t/moved"));
	});

	it("that goes takes packets along that wait in it", () => {
		const live = new Live(module, scene([CLIENT, NEAR]));
		const netns = live.machine.netnsRow("pod:t/client");
		const [src, dst] = [live.wire.address("10.0.1.2"), live.wire.address("10.0.1.77")];
		live.wire.send(netns, { proto: L.PROTO_UDP, src, dst, sport: 1, dport: 2, len: 60 });
		expect(live.wire.due).not.toBeNull();
		live.become(scene([NEAR]));
		expect(live.wire.due).toBeNull();
		expect(live.wire.advance(10_000_000_000n)).toEqual([]);
	});

	it("has the listeners that it has now", () => {
		const live = new Live(module, scene([CLIENT, NEAR]));
		const port = (listen: PodSpec["listen"]) => live.become(scene([CLIENT, { ...NEAR, listen }]));
		port([...LISTEN, { proto: "tcp", port: 81 }]);
		expect(live.ask({ ...toNear, port: 81 })).toEqual(delivered("pod:t/near"));
		port([{ proto: "tcp", port: 81, bind: "10.0.1.3" }]);
		expect(live.ask({ ...toNear, port: 81 })).toEqual(delivered("pod:t/near"));
		expect(live.ask(toNear)[0]).toBe(`rejected ${L.REASON_PORT_CLOSED} pod:t/near`);
		expect(live.machine.core.engine.socketCount()).toBe(2);
	});

	it("falls silent, and speaks again", () => {
		const live = new Live(module, scene([CLIENT, NEAR]));
		live.become(scene([CLIENT, { ...NEAR, silent: true }]));
		expect(live.ask(toNear)[0]).toBe(`dropped ${L.REASON_SILENT} pod:t/near`);
		live.become(scene([CLIENT, NEAR]));
		expect(live.ask(toNear)).toEqual(delivered("pod:t/near"));
		live.machine.silence("pod:t/near");
		live.become(scene([CLIENT, { ...NEAR, listen: [] }]));
		expect(live.ask(toNear)[0]).toBe(`dropped ${L.REASON_SILENT} pod:t/near`);
	});
});

describe("connections", () => {
	it("of nodes live on, with their counters; those of a node that goes go with it", () => {
		const live = new Live(module, scene([CLIENT, NEAR, FAR]));
		for (const question of [toFar, toService, toFar]) live.ask(question);
		const before = live.connections();
		expect([...before.keys()].sort()).toEqual(["node:n1", "node:n2"]);
		const counted = live.machine.countedRuleset("node:n1");
		live.become(scene([CLIENT, FAR, pod("new", "n1", "10.0.1.8")]));
		expect(live.connections()).toEqual(before);
		expect(live.machine.countedRuleset("node:n1")).toEqual(counted);
		const { nodes } = scene([]);
		live.become(scene([CLIENT], { nodes: nodes.slice(0, 1) }));
		expect([...live.connections().keys()]).toEqual(["node:n1"]);
		live.become(scene([CLIENT, FAR]));
		expect([...live.connections().keys()]).toEqual(["node:n1"]);
		expect(live.ask(toFar)).toEqual(delivered("pod:t/far"));
	});

	it("that are masqueraded go with their address (masq_inet_event)", () => {
		const live = new Live(module, scene([CLIENT, FAR]));
		const out = { from: "pod:t/client", to: "203.0.113.5", port: 443 };
		for (const question of [out, toFar]) live.ask(question);
		expect(live.connections().get("node:n1")).toHaveLength(2);
		const [first, second] = scene([]).nodes;
		if (first === undefined || second === undefined) throw new Error("no nodes");
		live.become(scene([CLIENT, FAR], { nodes: [{ ...first, ip: "192.168.0.31" }, second] }));
		expect(live.connections().get("node:n1")).toHaveLength(1);
		expect(live.ask(out)).toEqual(["delivered 0 host:out", "delivered 0 pod:t/client"]);
	});
});

describe("rules and sets", () => {
	it("with a wildcard see devices that come", () => {
		const rules = RULES.replace("-A FORWARD", "-A FORWARD -m physdev --physdev-in v-t/b+ -j DROP\n-A FORWARD");
		const nodes = scene([]).nodes.map((node) => ({ ...node, iptables: rules }));
		const live = new Live(module, scene([CLIENT, FAR], { nodes }));
		for (let i = 0; i < 70; i++) {
			const pods = [CLIENT, FAR, pod(`b${i}`, "n1", "10.0.1.4"), pod(`a${i}`, "n1", "10.0.1.5")];
			live.become(scene(pods, { nodes }));
			expect(live.ask({ ...toFar, from: `pod:t/a${i}` })[0]).toBe("delivered 0 pod:t/far");
			expect(live.ask({ from: `pod:t/b${i}`, to: "10.0.1.5", port: 80 })[0]).toBe(`dropped ${L.REASON_RULE} node:n1`);
			expect(live.ask({ from: `pod:t/a${i}`, to: "10.0.1.2", port: 80 })[0]).toBe("delivered 0 pod:t/client");
		}
	});

	const allowing = (set: string, rules = ASKING): Partial<Topology> => ({
		nodes: scene([]).nodes.map((node) => ({ ...node, iptables: rules, ipset: set })),
	});
	const set = (...members: string[]) =>
		`create DENY hash:ip family inet hashsize 1024 maxelem 65536\n${members.map((ip) => `add DENY ${ip}\n`).join("")}`;

	it("ask the sets as they are now", () => {
		const live = new Live(module, scene([CLIENT, FAR], allowing(set("10.0.1.9"))));
		expect(live.ask(toFar)).toEqual(delivered("pod:t/far"));
		const before = live.rows;
		const many = Array.from({ length: 20 }, (_, i) => `10.9.9.${i}`);
		for (let i = 0; i < 50; i++) {
			live.become(scene([CLIENT, FAR], allowing(set("10.0.1.2", ...many))));
			expect(live.ask(toFar)[0]).toBe(`dropped ${L.REASON_RULE} node:n1`);
			live.become(scene([CLIENT, FAR], allowing(set("10.0.1.9"))));
			expect(live.ask(toFar)).toEqual(delivered("pod:t/far"));
		}
		expect(live.rows.sets).toBe(before.sets);
		expect(live.rows.entries).toBeLessThan((before.entries ?? 0) + 100);
		live.become(scene([CLIENT, FAR], allowing("", RULES)));
		expect(live.ask(toFar)).toEqual(delivered("pod:t/far"));
	});

	it("a set that a rule names stays: nothing has changed", () => {
		const live = new Live(module, scene([CLIENT, FAR], allowing(set("10.0.1.2"))));
		expect(() => live.become(scene([CLIENT, FAR, NEAR], allowing("")))).toThrow(EncodeError);
		expect(live.ask(toFar)[0]).toBe(`dropped ${L.REASON_RULE} node:n1`);
		expect(() => live.machine.netnsRow("pod:t/near")).toThrow(RangeError);
	});
});

describe("a change that cannot be", () => {
	const bytes = (live: Live) => {
		const { engine, rows } = live.machine.core;
		const tables: [number, number][] = [
			[L.TABLE_NETNS, L.NETNS_STRIDE],
			[L.TABLE_DEVICE, L.DEVICE_STRIDE],
			[L.TABLE_ADDRESS, L.ADDRESS_STRIDE],
			[L.TABLE_ROUTE, L.ROUTE_STRIDE],
			[L.TABLE_SET, L.SET_STRIDE],
		];
		return tables.map(([table, stride]) =>
			Buffer.from(rows.view.buffer, engine.table(table), rows.count(table) * stride).toString("hex"),
		);
	};

	it("leaves everything as it was", () => {
		const live = new Live(module, scene([CLIENT, NEAR, FAR]));
		live.ask(toFar);
		const before = bytes(live);
		const { network } = live.machine;
		const now = new Networks().of(scene([CLIENT, NEAR, FAR, pod("new", "n1", "10.0.1.8")]));
		const change = networkChange(network, now);
		const [added] = change.added;
		const [changed] = change.changed;
		if (added === undefined || changed === undefined) throw new Error("nothing has changed");
		const nowhere = { ...added, routes: added.routes.map((route) => ({ ...route, device: "eth7" })) };
		const [raw] = new Networks()
			.of(scene([], { nodes: scene([]).nodes.map((node) => ({ ...node, iptables: ASKING })) }))
			.netns.filter(({ name }) => name === changed.name);
		// More listeners than any memory has room for; nobody gets as far as to look at one.
		const listen = { length: 2 ** 29, *[Symbol.iterator]() {} } as unknown as typeof added.listen;
		const full = { ...added, listen };
		const wrong: [typeof change, new (...args: never[]) => Error][] = [
			[{ ...change, changed: [] }, RangeError],
			[{ ...change, added: [] }, RangeError],
			[{ ...change, removed: ["pod:t/none"] }, RangeError],
			[{ added: [], removed: ["pod:t/near"], changed: [] }, RangeError],
			[{ ...change, removed: [changed.name] }, RangeError],
			[{ ...change, added: [added, added] }, RangeError],
			[{ ...change, added: [nowhere] }, RangeError],
			[{ ...change, added: [full] }, CapacityError],
			[{ ...change, changed: [{ ...changed, ruleset: raw?.ruleset ?? null }] }, EncodeError],
		];
		for (const [one, error] of wrong) {
			expect(() => live.machine.update(one)).toThrow(error);
			expect(bytes(live)).toEqual(before);
			expect(live.machine.network).toBe(network);
		}
		expect(live.ask(toFar)).toEqual(delivered("pod:t/far"));
		live.machine.update(change);
		expect(live.ask({ ...toFar, from: "pod:t/new" })[0]).toBe("delivered 0 pod:t/far");
	});
});

it("a fork changes alone", () => {
	const live = new Live(module, scene([CLIENT, NEAR, FAR]));
	live.ask(toFar);
	live.become(scene([CLIENT, FAR]));
	const fork = live.fork(module);
	fork.become(scene([CLIENT, FAR, NEAR, pod("new", "n2", "10.0.2.8", { listen: [] })]));
	live.become(scene([CLIENT, pod("other", "n2", "10.0.2.8")]));
	expect(fork.connections()).toEqual(live.connections());
	expect(fork.ask(toNear)).toEqual(delivered("pod:t/near"));
	expect(live.ask(toNear)[0]).toBe(`${FAILED} pod:t/client`);
	expect(fork.ask(toFar)).toEqual(delivered("pod:t/far"));
	expect(live.ask(toFar)[0]).toBe(`${FAILED} node:n2`);
	expect(fork.ask({ ...toFar, to: "10.0.2.8" })[0]).toBe(`rejected ${L.REASON_PORT_CLOSED} pod:t/new`);
	expect(live.ask({ ...toFar, to: "10.0.2.8" })).toEqual(delivered("pod:t/other"));
});

describe("rows", () => {
	it("of pods that went are those of pods that come: ten thousand leave no trace", () => {
		const live = new Live(module, scene([CLIENT, FAR]));
		const base = live.machine.network;
		const networks = new Networks();
		let seen: Live["rows"] | null = null;
		for (let i = 0; i < 10_000; i++) {
			// The addresses of a /24, one behind the other, on both nodes in turns.
			const ip = `10.0.${(i & 1) + 1}.${20 + (i % 200)}`;
			const other = networks.of(scene([CLIENT, FAR, pod(`churned-${i}`, `n${(i & 1) + 1}`, ip)]));
			live.machine.update(networkChange(live.machine.network, other));
			if (i % 50 === 0) expect(live.ask({ ...toFar, from: `pod:t/churned-${i}` })[0]).toBe("delivered 0 pod:t/far");
			if (i % 50 === 25) expect(live.ask({ ...toFar, to: ip })).toEqual(delivered(`pod:t/churned-${i}`));
			live.machine.update(networkChange(live.machine.network, base));
			if (i === 400) seen = live.rows;
		}
		expect(live.rows).toEqual(seen);
		expect(live.ask(toFar)).toEqual(delivered("pod:t/far"));
	}, 120_000);
});
