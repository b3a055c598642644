// What a real kernel did in small clusters and no recorded scenario covers: each fact a topology with a few rules written
// out by hand, and probes through the engine. The numbers are those of the list in docs/fidelity.md.

import { describe, expect, it } from "vitest";
import { loadModule } from "../../bindings/node.ts";
import { openMachine } from "../../js/lab.ts";
import type { Probe, ProbeResult } from "../../js/net/probe.ts";
import type { NodeSpec, Topology } from "../../js/net/topology.ts";
import { Prober } from "../../js/wire/prober.ts";

const module = await loadModule();

const CHAINS = {
	nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
	filter: ["INPUT", "FORWARD", "OUTPUT"],
};

interface Rules {
	nat?: string[];
	filter?: string[];
	/** Built-in chains whose policy is DROP. */
	drop?: string[];
}

/** An iptables-restore text; user chains are those that rules jump to. */
function rules({ nat = [], filter = [], drop = [] }: Rules): string {
	const table = (name: "nat" | "filter", lines: string[]) => {
		const own = new Set(lines.map((line) => line.split(" ")[1] ?? "").filter((chain) => !CHAINS[name].includes(chain)));
		return [
			`*${name}`,
			...CHAINS[name].map((chain) => `:${chain} ${drop.includes(chain) ? "DROP" : "ACCEPT"} [0:0]`),
			...[...own].map((chain) => `:${chain} - [0:0]`),
			...lines,
			"COMMIT",
			"",
		].join("\n");
	};
	return table("nat", nat) + table("filter", filter);
}

const SERVED = [
	{ proto: "tcp" as const, port: 8080 },
	{ proto: "udp" as const, port: 5353 },
];

/** Nodes n1 (pods a, b) and n2 (pods c, d) on one segment with the router; host `out` beyond it. */
function topology(nodes: Record<string, Partial<NodeSpec>>, more: Partial<Topology> = {}): Topology {
	return {
		fabric: { kind: "l2" },
		nodes: [1, 2].map((i) => ({
			name: `n${i}`,
			ip: `192.0.2.1${i}`,
			podCIDR: `10.244.${i}.0/24`,
			iptables: rules({}),
			...nodes[`n${i}`],
		})),
		pods: [
			{ name: "a", node: "n1", ip: "10.244.1.2", listen: SERVED },
			{ name: "b", node: "n1", ip: "10.244.1.3", listen: SERVED },
			{ name: "c", node: "n2", ip: "10.244.2.2", listen: SERVED },
			{ name: "d", node: "n2", ip: "10.244.2.3", listen: SERVED },
		],
		hosts: [{ name: "out", ip: "198.51.100.7", listen: SERVED }],
		router: {},
		...more,
	};
}

function open(nodes: Record<string, Partial<NodeSpec>>, more: Partial<Topology> = {}): Prober {
	return new Prober(openMachine(module, topology(nodes, more), { windows: true, seed: 1n }));
}

function ask(prober: Prober, probe: Omit<Probe, "proto"> & { proto?: Probe["proto"] }): ProbeResult {
	return prober.probe({ proto: "tcp", ...probe });
}

const outcome = (result: ProbeResult) => result.result?.outcome;
const hits = (result: ProbeResult, node: string, word: string) =>
	[...(result.ruleHits?.[`node:${node}`] ?? [])]
		.filter((line) => line.includes(word))
		.reduce((sum, line) => sum + Number(line.split(" ")[0]), 0);

const VIP = "10.96.0.10";

describe("NAT", () => {
	it("12: of three flows at once into a range of two ports the third is dropped, silently", () => {
		const snat = rules({ nat: ["-A POSTROUTING -p tcp -o eth0 -j SNAT --to-source 192.0.2.11:40000-40001"] });
		const prober = open({ n1: { iptables: snat } });
		const flows = [1, 2, 3].map((i) =>
			outcome(
				ask(prober, { from: `pod:${"aba"[i - 1]}`, dst: "198.51.100.7", port: 8080, sport: 1000 * i, hold: true }),
			),
		);
		expect(flows).toEqual(["delivered", "delivered", "timeout"]);
	});

	it("9: plain MASQUERADE keeps the port, and clashes with an entry in TIME_WAIT", () => {
		const masquerade = rules({ nat: ["-A POSTROUTING -s 10.244.0.0/16 -o eth0 -j MASQUERADE"] });
		const prober = open({ n1: { iptables: masquerade } });
		const port = (pod: string) =>
			ask(prober, { from: `pod:${pod}`, dst: "198.51.100.7", port: 8080, sport: 700 }).result?.serverSawSport;
		expect(port("a")).toBe(700);
		const second = port("b") as number;
		expect(second).not.toBe(700);
		expect(second).toBeGreaterThanOrEqual(600);
		expect(second).toBeLessThan(1024);
	});

	it("11: a node's own port changes when a masqueraded flow holds the tuple", () => {
		const masquerade = rules({ nat: ["-A POSTROUTING -s 10.244.0.0/16 -o eth0 -j MASQUERADE"] });
		const prober = open({ n1: { iptables: masquerade } });
		ask(prober, { from: "pod:a", dst: "198.51.100.7", port: 8080, sport: 5000, hold: true });
		const own = ask(prober, { from: "node:n1", dst: "198.51.100.7", port: 8080, sport: 5000 }).result;
		expect(own?.outcome).toBe("delivered");
		expect(own?.serverSawSrc).toBe("192.0.2.11");
		expect(own?.serverSawSport).not.toBe(5000);
	});

	it("28: what conntrack calls INVALID is not translated", () => {
		const dnat = rules({ nat: [`-A PREROUTING -d ${VIP} -p tcp -j DNAT --to-destination 10.244.1.3:8080`] });
		const prober = open({ n1: { iptables: dnat } });
		const stray = ask(prober, { from: "pod:a", dst: VIP, port: 80, sport: 4000, raw: { flags: "SA", seq: 1, ack: 1 } });
		expect(stray.hops?.length).toBeGreaterThan(0);
		expect(hits(stray, "n1", "DNAT")).toBe(0);
		expect((stray.hops ?? []).some((hop) => hop.includes("> 10.244.1.3:"))).toBe(false);
	});

	it("36: a UDP answer from another local address is a new flow, and can be SNATed", () => {
		const text = rules({ nat: ["-A POSTROUTING -p udp -s 192.0.2.11 --sport 5353 -j SNAT --to-source 192.0.2.99"] });
		const node = { iptables: text, listen: SERVED, addresses: [{ dev: "eth0", addr: "192.0.2.50/24" }] };
		const prober = open({ n1: node });
		const asked = ask(prober, { from: "host:out", proto: "udp", dst: "192.0.2.50", port: 5353 });
		expect(hits(asked, "n1", "SNAT")).toBe(1);
	});
});

describe("localhost NodePorts", () => {
	const text = rules({
		nat: [
			"-A OUTPUT -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j DNAT --to-destination 10.244.1.2:8080",
			"-A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE",
		],
	});

	it("16: without route_localnet the DNAT rule hits and no packet leaves", () => {
		const asked = ask(open({ n1: { iptables: text } }), { from: "node:n1", dst: "127.0.0.1", port: 30080 });
		expect(outcome(asked)).toBe("timeout");
		expect(hits(asked, "n1", "DNAT --to")).toBeGreaterThan(0);
		expect(asked.hops).toEqual([]);
	});

	it("16: with it, they work", () => {
		const node = { iptables: text, sysctls: { "net.ipv4.conf.all.route_localnet": 1 } };
		const asked = ask(open({ n1: node }), { from: "node:n1", dst: "127.0.0.1", port: 30080 });
		expect(outcome(asked)).toBe("delivered");
		expect(asked.result?.replyFrom).toBe("127.0.0.1");
	});
});

describe("UDP at a second local address", () => {
	const answers = (listen: NonNullable<NodeSpec["listen"]>) =>
		ask(open({ n1: { listen, addresses: [{ dev: "eth0", addr: "192.0.2.50/24" }] } }), {
			from: "host:out",
			proto: "udp",
			dst: "192.0.2.50",
			port: 5353,
		}).result;

	it("18: is answered from the outgoing interface's address", () => {
		const answer = answers([{ proto: "udp", port: 5353 }]);
		expect(answer).toMatchObject({ replyFrom: "192.0.2.11", replyAddrMismatch: true });
	});

	it("18: unless the socket is bound or uses PKTINFO", () => {
		expect(answers([{ proto: "udp", port: 5353, bind: "192.0.2.50" }])?.replyFrom).toBe("192.0.2.50");
		expect(answers([{ proto: "udp", port: 5353, pktinfo: true }])?.replyFrom).toBe("192.0.2.50");
	});
});

describe("limits of ICMP", () => {
	const refused = (result: ProbeResult) => result.summary.outcomes.refused ?? 0;

	it("21: icmp_ratelimit makes bulk probes lose their answers, and none at 0", () => {
		const reject = { filter: ["-A FORWARD -p udp -j REJECT"] };
		const bulk = { from: "pod:c", proto: "udp" as const, dst: "10.244.1.2", port: 5353, count: 20, timeout: 0.01 };
		const limit = (ms: number) => ({
			n1: { iptables: rules(reject), sysctls: { "net.ipv4.icmp_ratelimit": ms } },
		});
		expect(refused(ask(open(limit(0)), bulk))).toBe(20);
		const limited = refused(ask(open(limit(1000)), bulk));
		expect(limited).toBeGreaterThanOrEqual(6);
		expect(limited).toBeLessThan(10);
	});

	it("24: a router without a route says so five times, then once a second", () => {
		const prober = open({}, { router: { sysctls: { "net.ipv4.icmp_ratelimit": 0 } } });
		const nowhere = { from: "node:n1", proto: "udp" as const, dst: "203.0.113.9", port: 53, timeout: 0.01 };
		const at = (seconds: number) => ask(prober, { ...nowhere, count: 10, interval: seconds }).summary.outcomes;
		expect(at(0).unreachable).toBe(5);
		prober.step({ action: { sleep: 1 } });
		expect(at(1).unreachable).toBe(10);
	});
});

describe("policies", () => {
	it("25: under Local, a pod asks another node's NodePort and is sent to a pod beside it: TCP times out, UDP hears the pod", () => {
		// n2 takes the pod-source shortcut: the answer is bridged on n1, past n2's translation
		const dnat = (proto: string, port: number, to: string) =>
			`-A PREROUTING -d 192.0.2.12 -p ${proto} -m ${proto} --dport ${port} -j DNAT --to-destination ${to}`;
		const text = rules({ nat: [dnat("tcp", 30080, "10.244.1.3:8080"), dnat("udp", 30053, "10.244.1.3:5353")] });
		const prober = open({ n2: { iptables: text } });
		expect(outcome(ask(prober, { from: "pod:a", dst: "192.0.2.12", port: 30080 }))).toBe("timeout");
		const heard = ask(prober, { from: "pod:a", proto: "udp", dst: "192.0.2.12", port: 30053 }).result;
		expect(heard).toMatchObject({ outcome: "delivered", replyFrom: "10.244.1.3", replyAddrMismatch: true });
	});

	it("26: masqueraded on its way to another node, a pod loses the shortcut of Local", () => {
		const local = rules({
			nat: ["-A PREROUTING -s 10.244.0.0/16 -p tcp -m tcp --dport 30080 -j DNAT --to-destination 10.244.1.3:8080"],
			filter: ["-A INPUT -p tcp -m tcp --dport 30080 -j DROP"],
		});
		const masquerade = rules({ nat: ["-A POSTROUTING -m addrtype ! --dst-type LOCAL ! -d 10.0.0.0/8 -j MASQUERADE"] });
		const asked = ask(open({ n1: { iptables: masquerade }, n2: { iptables: local } }), {
			from: "pod:a",
			dst: "192.0.2.12",
			port: 30080,
		});
		expect(outcome(asked)).toBe("timeout");
		expect(hits(asked, "n2", "DROP")).toBeGreaterThan(0);
		expect(hits(asked, "n2", "DNAT")).toBe(0);
	});

	it("27: FORWARD policy DROP kills Service traffic, but a pod reaches itself: its mark is accepted", () => {
		const text = rules({
			nat: [
				`-A PREROUTING -d ${VIP}/32 -p tcp -m tcp --dport 80 -j SVC`,
				`-A PREROUTING -d 10.96.0.11/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.1.3:8080`,
				"-A SVC -s 10.244.1.2/32 -j MARK --set-xmark 0x4000/0x4000",
				"-A SVC -p tcp -j DNAT --to-destination 10.244.1.2:8080",
				"-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE",
			],
			filter: [
				"-A FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT",
				"-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
			],
			drop: ["FORWARD"],
		});
		const prober = open({ n1: { iptables: text, hairpin: true } });
		expect(outcome(ask(prober, { from: "pod:a", dst: "10.96.0.11", port: 80 }))).toBe("timeout");
		expect(outcome(ask(prober, { from: "pod:a", dst: VIP, port: 80 }))).toBe("delivered");
	});

	it.each([
		["policy DROP", { drop: ["OUTPUT"] }],
		["REJECT", { filter: ["-A OUTPUT -j REJECT"] }],
	])("37: OUTPUT %s also swallows the node's own port-unreachable", (_, text) => {
		const closed = { from: "pod:a", proto: "udp" as const, dst: "192.0.2.11", port: 9999 };
		expect(outcome(ask(open({ n1: { iptables: rules(text) } }), closed))).toBe("timeout");
		expect(outcome(ask(open({}), closed))).toBe("refused");
	});

	it("30: retries of an unanswered flow stay NEW, and count with nth", () => {
		const text = rules({
			filter: ["-A FORWARD -p udp -m conntrack --ctstate NEW -m comment --comment asked", "-A FORWARD -p udp -j DROP"],
		});
		const prober = open({ n1: { iptables: text } });
		const again = ask(prober, { from: "pod:c", proto: "udp", dst: "10.244.1.2", port: 5353, sport: 4000, count: 3 });
		expect(hits(again, "n1", "asked")).toBe(3);
	});
});

describe("answers from elsewhere", () => {
	it("38: DNAT without SNAT away from the way back: UDP and ping take the answer from the wrong address, TCP does not", () => {
		// out asks n2, which sends it to a pod of n1; n1 answers by the router, past n2
		const dnat = (match: string, to: string) => `-A PREROUTING -d 192.0.2.12 ${match} -j DNAT --to-destination ${to}`;
		const text = rules({
			nat: [
				dnat("-p tcp -m tcp --dport 30080", "10.244.1.3:8080"),
				dnat("-p udp -m udp --dport 30053", "10.244.1.3:5353"),
				dnat("-p icmp", "10.244.1.3"),
			],
		});
		const prober = open({ n2: { iptables: text } });
		const udp = ask(prober, { from: "host:out", proto: "udp", dst: "192.0.2.12", port: 30053 }).result;
		expect(udp).toMatchObject({ outcome: "delivered", replyFrom: "10.244.1.3", replyAddrMismatch: true });
		const ping = ask(prober, { from: "host:out", proto: "icmp", dst: "192.0.2.12" }).result;
		expect(ping).toMatchObject({ outcome: "delivered", replyFrom: "10.244.1.3" });
		expect(outcome(ask(prober, { from: "host:out", dst: "192.0.2.12", port: 30080 }))).toBe("timeout");
	});

	it("39: a routed VIP that no node translates loops until its TTL is used up", () => {
		const counted = rules({ filter: ["-A FORWARD -d 203.0.113.10/32 -m comment --comment looped"] });
		const prober = open({ n1: { iptables: counted } }, { router: { lb: { "203.0.113.10": ["n1"] } } });
		const asked = ask(prober, { from: "host:out", proto: "udp", dst: "203.0.113.10", port: 53 });
		expect(outcome(asked)).toBe("unreachable");
		expect(asked.result?.icmp).toMatchObject([{ name: "ttl-exceeded" }]);
		expect(hits(asked, "n1", "looped")).toBeGreaterThanOrEqual(30);
		expect(hits(asked, "n1", "looped")).toBeLessThanOrEqual(32);
	});

	it("40: a load balancer keeps a connection's retries on one node, and spreads connections", () => {
		const dropped = rules({ filter: ["-A INPUT -j DROP", "-A FORWARD -j DROP"] });
		const nodes = { n1: { iptables: dropped }, n2: { iptables: dropped } };
		const prober = open(nodes, { router: { lb: { "203.0.113.10": ["n1", "n2"] } } });
		const seen = new Set<string>();
		for (let sport = 4000; sport < 4016; sport++) {
			const tried = ask(prober, { from: "host:out", dst: "203.0.113.10", port: 80, sport, timeout: 2.5 });
			const counts = ["n1", "n2"].map((node) => hits(tried, node, "DROP"));
			expect(counts.toSorted()).toEqual([0, 3]);
			seen.add(counts[0] === 0 ? "n2" : "n1");
		}
		expect(seen.size).toBe(2);
	});
});

describe("chance", () => {
	it("20: statistic random with 1/3, 1/2, 1 is uniform", () => {
		const dnat = (probability: string, i: number) =>
			`-A PREROUTING -d ${VIP} -p udp ${probability}-j DNAT --to-destination 10.244.2.${i}:5353`;
		const text = rules({
			nat: [
				dnat("-m statistic --mode random --probability 0.33333333349 ", 2),
				dnat("-m statistic --mode random --probability 0.5 ", 3),
				dnat("", 4),
			],
		});
		const prober = open(
			{ n1: { iptables: text } },
			{ pods: [...topology({}).pods, { name: "e", node: "n2", ip: "10.244.2.4", listen: SERVED }] },
		);
		const share = new Map<string, number>();
		for (let i = 0; i < 900; i++) {
			const server = ask(prober, { from: "pod:a", proto: "udp", dst: VIP, port: 53 }).result?.server ?? "none";
			share.set(server, (share.get(server) ?? 0) + 1);
		}
		expect([...share.keys()].toSorted()).toEqual(["pod c", "pod d", "pod e"]);
		const chi2 = [...share.values()].reduce((sum, n) => sum + (n - 300) ** 2 / 300, 0);
		// two degrees of freedom, p = 0.001
		expect(chi2).toBeLessThan(13.8);
	});
});
