// Random small clusters, and random traffic through them as rows of TABLE_BATCH, for comparing ways of carrying it.

import fc from "fast-check";
import * as L from "../../assembly/layout.ts";
import { ipv4ToNumber } from "../../js/net/address.ts";
import type { Topology } from "../../js/net/topology.ts";

const SERVICES = [
	"-A PREROUTING -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.2.2:8080",
	"-A OUTPUT -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.2.2:8080",
	"-A PREROUTING -d 10.96.0.2/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.2.3:53",
	"-A PREROUTING -d 10.96.0.3/32 -p tcp -m tcp --dport 80 -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.0.1.3:8080",
	"-A PREROUTING -d 10.96.0.3/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.2.2:8080",
	"-A PREROUTING -d 192.168.0.0/24 -p tcp -m tcp --dport 30080 -j DNAT --to-destination 10.0.2.2:8080",
	"-A POSTROUTING -d 10.0.0.0/16 -p tcp -m tcp --dport 8080 -m conntrack --ctstate DNAT -j MASQUERADE",
];

/** Rules that say yes now and then, by what stays the same within a connection and by what does not. */
const condition = fc.constantFrom(
	"-p tcp -m tcp --dport 8080",
	"-p tcp -m tcp ! --tcp-flags SYN,RST,ACK SYN",
	"-p tcp -m tcp --tcp-flags PSH PSH",
	"-p udp -m udp --sport 53",
	"-s 10.0.1.0/24",
	"! -d 10.0.2.3/32",
	"-m conntrack --ctstate ESTABLISHED",
	"-m conntrack --ctstate NEW",
	"-m conntrack --ctstate INVALID",
	"-m conntrack --ctstatus ASSURED",
	"-m conntrack --ctexpire 100:200",
	"-m conntrack --ctdir REPLY",
	"-m connmark --mark 0x1",
	"-m mark --mark 0x1/0x1",
	"-m limit --limit 1/sec --limit-burst 2",
	"-m statistic --mode nth --every 3 --packet 0",
	"-m statistic --mode random --probability 0.4",
	"-m recent --set --name A --rsource",
	"-m recent --update --seconds 5 --hitcount 3 --name A --rsource",
	"-m length --length 0:100",
	"-m ttl --ttl-lt 63",
	"-m tos --tos 0x10/0x3f",
	"-m addrtype --dst-type LOCAL",
	"-m physdev --physdev-is-bridged",
);

const TABLES = {
	raw: { chains: ["PREROUTING", "OUTPUT"], targets: ["", "", "-j NOTRACK", "-j X"] },
	mangle: {
		chains: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
		targets: [
			"",
			"",
			"-j MARK --set-xmark 0x1/0x1",
			"-j CONNMARK --set-xmark 0x1/0x3",
			"-j CONNMARK --save-mark",
			"-j CONNMARK --restore-mark",
			"-j X",
		],
	},
	filter: {
		chains: ["INPUT", "FORWARD", "OUTPUT"],
		targets: ["", "", "", "-j ACCEPT", "-j DROP", "-j REJECT", "-j LOG", "-j X"],
	},
};
const isPhysdevChain = (chain: string) => chain === "FORWARD" || chain === "POSTROUTING" || chain === "PREROUTING";

function tableText(name: keyof typeof TABLES): fc.Arbitrary<string> {
	const { chains, targets } = TABLES[name];
	const rule = fc
		.tuple(fc.constantFrom(...chains, "X"), condition, fc.constantFrom(...targets))
		.filter(
			([chain, words, target]) =>
				!(chain === "X" && target === "-j X") && !(words.includes("physdev") && !isPhysdevChain(chain)),
		)
		.map(([chain, words, target]) => `-A ${chain} ${words} ${target}`);
	return fc
		.array(rule, { maxLength: 5 })
		.map((rules) =>
			[`*${name}`, ...chains.map((chain) => `:${chain} ACCEPT [0:0]`), ":X - [0:0]", ...rules, "COMMIT"].join("\n"),
		);
}

/** A node's tables: Services and a few random rules. */
export const ruleset: fc.Arbitrary<string> = fc
	.tuple(
		fc.option(tableText("raw"), { nil: "", freq: 1 }),
		fc.option(tableText("mangle"), { nil: "", freq: 1 }),
		fc.option(tableText("filter"), { nil: "", freq: 2 }),
		fc.constantFrom(SERVICES, SERVICES.slice(2), SERVICES.slice(0, -1)),
		fc.boolean(),
	)
	.map(([raw, mangle, filter, services, jumps]) =>
		[
			raw,
			mangle,
			"*nat",
			...["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"].map((chain) => `:${chain} ACCEPT [0:0]`),
			...(jumps ? [":KUBE-SERVICES - [0:0]", "-A PREROUTING -j KUBE-SERVICES"] : []),
			...services.map((rule) => (jumps ? rule.replace("PREROUTING", "KUBE-SERVICES") : rule)),
			"COMMIT",
			filter,
			"",
		].join("\n"),
	);

const fabric = fc.constantFrom<Topology["fabric"]>(
	{ kind: "routed" },
	{ kind: "routed" },
	{ kind: "l2" },
	{ kind: "l2" },
	{ kind: "l2", overlay: { kind: "vxlan", vni: 1, port: 8472 } },
);

interface Variety {
	fabric: Topology["fabric"];
	/** Of either node, as iptables-save prints them. */
	first: string;
	second: string;
	/** net.bridge.bridge-nf-call-iptables */
	bridged: number;
	/** net.netfilter.nf_conntrack_tcp_be_liberal */
	liberal: number;
	/** Of the first node's bridge, as the bridge plugin makes it: one of them at most. */
	hairpinMode: "hairpin-veth" | "promiscuous-bridge" | "none";
}

export const hairpinModes = fc.constantFrom<Variety["hairpinMode"][]>("hairpin-veth", "promiscuous-bridge", "none");

/** Two nodes, a client and three servers in pods, a machine outside. */
export function cluster({ fabric, first, second, bridged, liberal, hairpinMode }: Variety): Topology {
	const [hairpin, promisc] = [hairpinMode === "hairpin-veth", hairpinMode === "promiscuous-bridge"];
	const sysctls = {
		"net.bridge.bridge-nf-call-iptables": bridged,
		"net.netfilter.nf_conntrack_tcp_be_liberal": liberal,
	};
	return {
		fabric,
		router: {},
		nodes: [
			{ name: "n1", ip: "192.168.0.11", podCIDR: "10.0.1.0/24", iptables: first, sysctls, hairpin, promisc },
			{ name: "n2", ip: "192.168.0.12", podCIDR: "10.0.2.0/24", iptables: second, sysctls },
		],
		pods: [
			{ name: "t/client", node: "n1", ip: "10.0.1.2" },
			{ name: "t/near", node: "n1", ip: "10.0.1.3", listen: [{ proto: "tcp", port: 8080 }] },
			{ name: "t/web", node: "n2", ip: "10.0.2.2", listen: [{ proto: "tcp", port: 8080 }] },
			{ name: "t/dns", node: "n2", ip: "10.0.2.3", listen: [{ proto: "udp", port: 53 }] },
		],
		hosts: [{ name: "out", ip: "203.0.113.5" }],
	} as Topology;
}

export const topology: fc.Arbitrary<Topology> = fc
	.record({
		fabric,
		first: ruleset,
		second: ruleset,
		bridged: fc.constantFrom(0, 1),
		liberal: fc.constantFrom(0, 0, 0, 1),
		hairpinMode: hairpinModes,
	})
	.map(cluster);

/** A connection that someone has: who begins it, from which address, to where. */
export interface Connection {
	netns: string;
	src: number;
	dst: number;
	sport: number;
	dport: number;
	proto: number;
}

const SOURCES = [
	["pod:t/client", "10.0.1.2"],
	["pod:t/client", "10.0.1.2"],
	["pod:t/web", "10.0.2.2"],
	["node:n1", "192.168.0.11"],
	["host:out", "203.0.113.5"],
] as const;
const TCP_TARGETS = [
	["10.96.0.1", 80],
	["10.96.0.1", 80],
	["10.96.0.3", 80],
	["10.0.2.2", 8080],
	["10.0.1.3", 8080],
	["192.168.0.12", 30080],
	["203.0.113.5", 80],
] as const;
const UDP_TARGETS = [
	["10.96.0.2", 53],
	["10.0.2.3", 53],
	["10.0.1.2", 5000],
] as const;

export const connection: fc.Arbitrary<Connection> = fc
	.tuple(
		fc.constantFrom(...SOURCES),
		fc.constantFrom(L.PROTO_TCP, L.PROTO_TCP, L.PROTO_TCP, L.PROTO_UDP, L.PROTO_UDP, L.PROTO_ICMP),
		fc.constantFrom(...TCP_TARGETS),
		fc.constantFrom(...UDP_TARGETS),
		fc.constantFrom(5000, 53, 40000),
	)
	.map(([[netns, src], proto, tcp, udp, sport]) => {
		const [dst, dport] = proto === L.PROTO_TCP ? tcp : proto === L.PROTO_UDP ? udp : [tcp[0], 8 << 8];
		return { netns, src: ipv4ToNumber(src), dst: ipv4ToNumber(dst), sport, dport, proto };
	});

/** Connections of two kinds, which differ in their source port alone. */
export const alike = (ports: readonly number[]): fc.Arbitrary<Connection[]> =>
	fc.tuple(connection, connection).map((pair) => pair.flatMap((one) => ports.map((sport) => ({ ...one, sport }))));

/** Between pods, and what the receivers begin with the same ports: packets of one are found to belong to the other. */
export const crossing: fc.Arbitrary<Connection[]> = fc
	.array(fc.tuple(fc.constantFrom(L.PROTO_TCP, L.PROTO_UDP), fc.constantFrom(5000, 40000)), {
		minLength: 1,
		maxLength: 2,
	})
	.map((some) =>
		some.flatMap(([proto, port]) => {
			const [client, web] = [ipv4ToNumber("10.0.1.2"), ipv4ToNumber("10.0.2.2")];
			const ports = { proto, sport: port, dport: proto === L.PROTO_TCP ? 8080 : 53 };
			return [
				{ ...ports, netns: "pod:t/client", src: client, dst: web },
				{ proto, netns: "pod:t/web", src: web, dst: client, sport: ports.dport, dport: ports.sport },
			];
		}),
	);

/**
 * Segments in sequence; the last one again; its data again, acknowledging more; far beyond the window; just over it; long
 * acknowledged; acknowledging what was not sent; a hole with a SACK block behind it; a keep-alive.
 */
export type Numbers = "next" | "again" | "data again" | "beyond" | "over" | "old" | "ahead" | "sack" | "keep-alive";

const numbers: fc.Arbitrary<Numbers> = fc.oneof(
	{ weight: 16, arbitrary: fc.constant<Numbers>("next") },
	{
		weight: 8,
		arbitrary: fc.constantFrom<Numbers>("again", "data again", "beyond", "over", "old", "ahead", "sack", "keep-alive"),
	},
);

/** A few packets of one connection, alike, `gapNs` apart. */
export interface Volley {
	/** Which of the connections, and how it is offered. */
	which: number;
	kind: number;
	hints: number;
	tcp: number;
	tos: number;
	len: number;
	/** TCP: which of its connection's numbers it has, where windows are tracked. */
	numbers: Numbers;
	window: number;
	/** TCPOPT_* of a SYN. */
	options: number;
	times: number;
	/** Source ports from one packet to the next: with 1 each begins a connection of its own, as the one before did. */
	stride: number;
	gapNs: bigint;
}

const ACK = L.TCP_ACK;
const gap = fc.constantFrom(0n, 1000n, 1_000_000n, 50_000_000n, 400_000_000n, 2_100_000_000n);
// Most of what is sent follows at once: else every neighbour has aged in between.
const pause = fc.constantFrom(
	31_000_000_000n,
	119_000_000_000n,
	121_000_000_000n,
	299_000_000_000n,
	9_000_000_000_000n,
);

export const volley: fc.Arbitrary<Volley> = fc.record({
	which: fc.nat(),
	kind: fc.constantFrom(L.BATCH_OFFER, L.BATCH_OFFER, L.BATCH_OFFER, L.BATCH_REPLY),
	hints: fc.constantFrom(0, 0, 0, 0, L.BATCHF_OPENS, L.BATCHF_RECORDED),
	tcp: fc.constantFrom(
		L.TCP_SYN,
		ACK,
		ACK,
		ACK,
		ACK,
		ACK,
		ACK,
		ACK | L.TCP_PSH,
		ACK | L.TCP_PSH,
		ACK | L.TCP_SYN,
		ACK | L.TCP_FIN,
		L.TCP_RST,
	),
	tos: fc.constantFrom(0, 0, 0, 0x10),
	len: fc.constantFrom(60, 52, 40, 90, 1400, 1400, 9000),
	numbers,
	window: fc.constantFrom(64240, 64240, 64240, 65535, 500, 0),
	options: fc.constantFrom(0, L.TCPOPT_SACK_PERM, L.TCPOPT_SACK_PERM | L.TCPOPT_WINDOW | 7, L.TCPOPT_WINDOW | 2),
	times: fc.constantFrom(1, 2, 3, 5, 12, 30),
	stride: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1),
	gapNs: fc.oneof({ weight: 20, arbitrary: gap }, { weight: 1, arbitrary: pause }),
});

const OPENS = L.BATCHF_OPENS;
const REPLY = L.BATCH_REPLY;

/** What two programs say to each other, from the first segment to the last. */
const TALK: readonly Pick<Volley, "kind" | "tcp" | "len" | "hints">[] = [
	{ kind: L.BATCH_OFFER, tcp: L.TCP_SYN, len: 60, hints: OPENS },
	{ kind: REPLY, tcp: L.TCP_SYN | ACK, len: 60, hints: 0 },
	{ kind: L.BATCH_OFFER, tcp: ACK, len: 52, hints: 0 },
	{ kind: L.BATCH_OFFER, tcp: ACK | L.TCP_PSH, len: 90, hints: 0 },
	{ kind: REPLY, tcp: ACK, len: 1400, hints: 0 },
	{ kind: L.BATCH_OFFER, tcp: ACK, len: 52, hints: 0 },
	{ kind: REPLY, tcp: ACK | L.TCP_PSH, len: 90, hints: 0 },
	{ kind: REPLY, tcp: ACK | L.TCP_FIN, len: 52, hints: 0 },
	{ kind: L.BATCH_OFFER, tcp: ACK | L.TCP_FIN, len: 52, hints: 0 },
	{ kind: REPLY, tcp: ACK, len: 52, hints: 0 },
];

/** Some connections, one behind the other or in turns, each from its beginning on; now and then a segment is another one, or lost. */
export const talk: fc.Arbitrary<Volley[]> = fc
	.record({
		first: fc.nat(),
		connections: fc.integer({ min: 2, max: 5 }),
		turns: fc.boolean(),
		recorded: fc.constantFrom(0, L.BATCHF_RECORDED, L.BATCHF_RECORDED),
		upTo: fc.integer({ min: 2, max: TALK.length }),
		options: fc.constantFrom(0, L.TCPOPT_SACK_PERM | L.TCPOPT_WINDOW | 7),
		gapNs: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(0n, 1000n, 1_000_000n) }, { weight: 1, arbitrary: gap }),
		changes: fc.array(fc.tuple(fc.nat(60), fc.option(volley, { freq: 3 })), { maxLength: 3 }),
	})
	.map(({ first, connections, turns, recorded, upTo, options, gapNs, changes }) => {
		const said = (i: number, part: (typeof TALK)[number]): Volley => ({
			...part,
			which: first + i,
			hints: part.kind === REPLY ? 0 : part.hints | recorded,
			tos: 0,
			numbers: "next",
			window: 64240,
			options,
			times: 1,
			stride: 0,
			gapNs,
		});
		const each = Array.from({ length: connections }, (_, i) => i);
		const parts = TALK.slice(0, upTo);
		const all = turns
			? parts.flatMap((part) => each.map((i) => said(i, part)))
			: each.flatMap((i) => parts.map((part) => said(i, part)));
		for (const [at, other] of changes) {
			const before = all[at];
			if (before === undefined) continue;
			if (other === null) all.splice(at, 1);
			else all[at] = { ...other, which: before.which, times: 1, stride: 0 };
		}
		return all;
	});
