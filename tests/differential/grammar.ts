// Random networks, rules and packets from a seed. The rules are of the kind that an index is made for (long runs of exact
// conditions, many of them twice) between rules that no index may pass over: negations, prefixes, matches that remember
// packets, gotos, early returns, and rules that are carried.

/** Draws from a seed (mulberry32), so that a scene is the same wherever it is built. */
export class Draw {
	#state: number;

	constructor(seed: number) {
		this.#state = seed >>> 0;
	}

	/** 0 … below − 1. */
	below(below: number): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let t = this.#state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) % below;
	}

	of<T>(some: readonly T[]): T {
		return some[this.below(some.length)] as T;
	}

	/** True once in `times`. */
	once(times: number): boolean {
		return this.below(times) === 0;
	}
}

export const PODS: Readonly<Record<string, string[]>> = {
	a: ["10.244.1.2", "10.244.1.3", "10.244.1.4"],
	b: ["10.244.2.2", "10.244.2.3", "10.244.2.4"],
};
export const NODES: Readonly<Record<string, string>> = { a: "192.0.2.11", b: "192.0.2.12" };
export const HOST = "198.51.100.7";
const VIPS = Array.from({ length: 12 }, (_, i) => `10.96.0.${i + 1}`);
const ADDRESSES = [...VIPS, ...Object.values(PODS).flat(), ...Object.values(NODES), HOST];
const PORTS = [53, 80, 443, 8080, 9090, 30080];
const PREFIXES = ["10.96.0.0/12", "10.244.0.0/16", "10.244.1.0/24", "10.96.0.0/30", "192.0.2.0/24", "0.0.0.0/1"];
const DEVICES = ["eth0", "cbr0", "lo", "eth+", "nope"];
const SETS = ["ips dst", "ips src", "nets dst", "nets src", "ipport dst,dst", "ipport src,dst"];

const EVERY_MATCH = Array.from({ length: 12 }, (_, i) => i);
/** Those of `matches` that look at the packet alone. */
const FORGETFUL = EVERY_MATCH.filter((i) => ![3, 4, 6].includes(i));

type Hook = "in" | "both" | "out" | "any";
const HOOKS: Readonly<Record<string, Hook>> = {
	PREROUTING: "in",
	INPUT: "in",
	FORWARD: "both",
	OUTPUT: "out",
	POSTROUTING: "out",
};
const BASES: Readonly<Record<string, string[]>> = {
	raw: ["PREROUTING", "OUTPUT"],
	mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
	nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
	filter: ["INPUT", "FORWARD", "OUTPUT"],
};

/** Addresses, protocol and port as most rules of a node ask for them: exactly. */
function exact(draw: Draw): string {
	const proto = draw.of(["tcp", "udp", "tcp", "udp", "sctp"]);
	const port = `-p ${proto} -m ${proto} --dport ${draw.of(PORTS)}`;
	switch (draw.below(8)) {
		case 0:
		case 1:
		case 2:
			return `-d ${draw.of(ADDRESSES)}/32 ${port}`;
		case 3:
			return `-d ${draw.of(ADDRESSES)}/32`;
		case 4:
			return `-s ${draw.of(ADDRESSES)}/32`;
		case 5:
			return `-s ${draw.of(ADDRESSES)}/32 -d ${draw.of(ADDRESSES)}/32`;
		case 6:
			return port;
		default:
			return `-s ${draw.of(ADDRESSES)}/32 ${port}`;
	}
}

/** What a hash cannot tell. */
function loose(draw: Draw, remembers: boolean): string {
	const words: string[] = [];
	if (draw.once(3)) words.push(`${draw.of(["", "! "])}-s ${draw.of(PREFIXES)}`);
	if (draw.once(2)) words.push(`${draw.of(["", "! "])}-d ${draw.of([...PREFIXES, `${draw.of(ADDRESSES)}/32`])}`);
	const low = draw.of(PORTS);
	if (draw.once(3)) {
		words.push(
			draw.of([
				`-p tcp -m tcp --dport ${low}:${low + 1000}`,
				`-p tcp -m tcp ! --dport ${low}`,
				"-p udp -m udp --sport 1024:65535",
				"-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN",
				"! -p udp",
				"-p icmp -m icmp --icmp-type 8",
				`-p tcp -m multiport --dports ${low},${low + 1}`,
				`-p tcp ${remembers ? "-m limit --limit 2/sec --limit-burst 3" : "-m ttl --ttl-gt 9"} -m tcp --dport ${low}`,
				`-p tcp -m mark ! --mark 0x1 -m tcp --dport ${low}`,
			]),
		);
	}
	return words.join(" ");
}

function devices(draw: Draw, hook: Hook): string {
	const side = hook === "in" ? "-i" : hook === "out" ? "-o" : draw.of(["-i", "-o"]);
	return hook === "any" ? "" : `${draw.of(["", "", "! "])}${side} ${draw.of(DEVICES)}`;
}

/** `remembers`: some match may remember packets; a table with one is no other node's. */
function matches(draw: Draw, remembers: boolean): string {
	switch (draw.of(remembers ? EVERY_MATCH : FORGETFUL)) {
		case 0:
			return `-m set ${draw.of(["", "! "])}--match-set ${draw.of(SETS)}`;
		case 1:
			return `-m mark ${draw.of(["", "! "])}--mark ${draw.of(["0x1", "0x4000/0x4000", "0x0/0xf"])}`;
		case 2:
			return `-m conntrack ${draw.of(["", "! "])}--ctstate ${draw.of(["NEW", "RELATED,ESTABLISHED", "INVALID", "DNAT"])}`;
		case 3:
			return `-m statistic --mode nth --every ${draw.of([2, 3])} --packet 0`;
		case 4:
			return `-m limit --limit ${draw.of(["2/sec", "30/min"])} --limit-burst ${draw.of([1, 4])}`;
		case 5:
			return `-m statistic --mode random --probability ${draw.of(["0.5", "0.25"])}`;
		case 6:
			return `-m recent ${draw.of(["--set", "--rcheck --seconds 10", "--update --hitcount 3"])} --name L --rsource`;
		case 7:
			return `-m addrtype --dst-type ${draw.of(["LOCAL", "UNICAST"])}`;
		case 8:
			return `-m length --length ${draw.of(["60", "0:100"])}`;
		case 9:
			return `-m ttl --ttl-gt ${draw.of([10, 63])}`;
		default:
			return "";
	}
}

/** Which addresses the rules of a chain of nat may rewrite. */
type Nat = "dnat" | "snat" | null;

function target(draw: Draw, table: string, nat: Nat, later: readonly string[]): string {
	if (later.length > 0 && draw.once(2)) return `${draw.of(["-j", "-j", "-g"])} ${draw.of(later)}`;
	const always = ["", "-j RETURN", "-j ACCEPT", "-j MARK --set-xmark 0x1/0x1"];
	if (nat === "snat") always.push("-j MASQUERADE", "-j SNAT --to-source 192.0.2.200");
	if (nat === "dnat") {
		always.push(DNAT.replace("ADDRESS", draw.of(Object.values(PODS).flat())), "-j DNAT --to-destination 10.244.2.2");
	}
	if (table === "filter") always.push("-j DROP", "-j REJECT --reject-with icmp-port-unreachable");
	if (table === "mangle") always.push("-j CONNMARK --save-mark", "-j MARK --set-xmark 0x4000/0x4000", "-j LOG");
	if (table === "raw") always.push("-j DROP");
	return draw.of(always);
}

/** Wants a protocol with ports. */
const DNAT = "-j DNAT --to-destination ADDRESS:8080";

function rule(draw: Draw, style: Style, chain: Chain, later: readonly string[], exactOnes: number): string {
	const { table, remembers } = style;
	const isExact = draw.below(10) < exactOnes;
	const head = isExact ? exact(draw) : loose(draw, remembers);
	const device = draw.once(4) ? devices(draw, chain.hook) : "";
	const extra = draw.once(isExact ? 6 : 2) ? matches(draw, remembers) : "";
	let end = target(draw, table, chain.nat, later);
	if (end.endsWith(":8080") && !/(^| )-p (tcp|udp|sctp)/.test(head)) end = "";
	// Most packets shall get through, and meet more rules.
	if ((end === "-j DROP" || end.startsWith("-j REJECT")) && draw.below(12) > 0) end = draw.of(["", "-j RETURN"]);
	return [device, head, extra, end].filter((words) => words !== "").join(" ");
}

interface Style {
	table: string;
	remembers: boolean;
}

interface Chain {
	name: string;
	hook: Hook;
	nat: Nat;
	/** Bases that may go to it, and all of its kind before it. */
	from: readonly string[];
}

/** User chains of a table; in nat, those that rewrite destinations and those that rewrite sources are apart. */
function userChains(draw: Draw, table: string): Chain[] {
	const some = (letter: string, nat: Nat, from: readonly string[]) =>
		Array.from({ length: draw.below(4) + 1 }, (_, i): Chain => ({ name: `${letter}${i}`, hook: "any", nat, from }));
	if (table !== "nat") return some("U", null, BASES[table] ?? []);
	return [...some("D", "dnat", ["PREROUTING", "OUTPUT"]), ...some("S", "snat", ["POSTROUTING"])];
}

/** What kube-proxy writes: a chain that tells Services apart, and a chain an endpoint. */
function services(draw: Draw): string[] {
	const endpoints = Object.values(PODS).flat();
	const vips = VIPS.filter(() => draw.below(5) > 0);
	const lines = vips.flatMap((vip) =>
		["tcp", "udp"].map((proto) => {
			const port = draw.of(["", ` --dport ${draw.of(PORTS)}`]);
			return `-A SERVICES -d ${vip}/32 -p ${proto} -m ${proto}${port} -j E${draw.below(endpoints.length)}`;
		}),
	);
	return [
		":SERVICES - [0:0]",
		...endpoints.map((_, i) => `:E${i} - [0:0]`),
		"-A PREROUTING -j SERVICES",
		...lines,
		"-A SERVICES -m addrtype --dst-type LOCAL -j E0",
		...endpoints.flatMap((ip, i) => [
			`-A E${i} -s ${ip}/32 -j MARK --set-xmark 0x4000/0x4000`,
			`-A E${i} -p ${draw.of(["tcp", "udp"])} -j DNAT --to-destination ${ip}:8080`,
			`-A E${i} -j DNAT --to-destination ${ip}`,
		]),
	];
}

function tableText(draw: Draw, table: string): string[] {
	const bases = BASES[table] ?? [];
	const users = userChains(draw, table);
	const heads = bases.map((name) => `:${name} ${table !== "nat" && draw.once(40) ? "DROP" : "ACCEPT"} [0:0]`);
	const rules: string[] = [];
	const style = { table, remembers: draw.once(2) };
	const add = (chain: Chain, later: readonly Chain[], count: number) => {
		const names = later.map(({ name }) => name);
		const exactOnes = draw.of([0, 5, 9, 10]);
		for (let i = 0; i < count; i++) {
			rules.push(`-A ${chain.name} ${rule(draw, style, chain, names, exactOnes)}`.trimEnd());
		}
	};
	for (const name of bases) {
		const chain: Chain = { name, hook: HOOKS[name] ?? "any", nat: null, from: [] };
		const reached = users.filter(({ from }) => from.includes(name));
		add(chain, reached, draw.of([0, 2, 6, 30]));
	}
	for (const [i, chain] of users.entries()) {
		const later = users.slice(i + 1).filter(({ nat }) => nat === chain.nat);
		add(chain, later, draw.of([1, 3, 12, 40, 120]));
	}
	const more = table === "nat" ? services(draw) : [];
	return [`*${table}`, ...heads, ...users.map(({ name }) => `:${name} - [0:0]`), ...rules, ...more, "COMMIT"];
}

/** The `iptables-save` texts of two nodes, which may have a table in common. */
export function rulesTexts(draw: Draw): [string, string] {
	const tables = ["raw", "mangle", "nat", "filter"].filter((table) => table === "nat" || draw.below(4) > 0);
	const first = tables.map((table) => tableText(draw, table));
	const second = tables.map((table, i) => (draw.once(2) ? (first[i] ?? []) : tableText(draw, table)));
	const text = (all: readonly string[][]) => [...all.flat(), ""].join("\n");
	return [text(first), text(second)];
}

/** A node's `ipset save` text. */
export function setsText(draw: Draw): string {
	const ips = new Set(Array.from({ length: draw.below(8) }, () => draw.of(ADDRESSES)));
	const nets = new Set(Array.from({ length: draw.below(4) }, () => draw.of(PREFIXES)));
	const ports = new Set(Array.from({ length: draw.below(9) }, () => `${draw.of(ADDRESSES)},tcp:${draw.of(PORTS)}`));
	return [
		"create ips hash:ip",
		...[...ips].map((ip) => `add ips ${ip}`),
		"create nets hash:net",
		...[...nets].map((net) => `add nets ${net}`),
		"create ipport hash:ip,port",
		...[...ports].map((port) => `add ipport ${port}`),
		"",
	].join("\n");
}

/** A packet of a connection that a client of the scene opens or goes on with. */
export interface ScenePacket {
	/** Of PODS, `pod:t/ADDRESS`. */
	netns: string;
	src: string;
	dst: string;
	sport: number;
	/** ICMP: type << 8 | code. */
	dport: number;
	proto: number;
	tcp: number;
	bytes: number;
	ttl: number;
	timeNs: bigint;
}

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const SYN = 2;
const ACK = 16;

/** Packets in time order, each of one of a few connections. */
export function packets(draw: Draw, count: number): ScenePacket[] {
	const clients = Object.values(PODS).flat();
	const connections = Array.from({ length: Math.ceil(count / 6) }, () => {
		const src = draw.of(clients);
		const proto = draw.of([TCP, TCP, TCP, UDP, UDP, ICMP, 132]);
		return {
			netns: `pod:t/${src}`,
			src,
			dst: draw.of(draw.once(3) ? VIPS : ADDRESSES.filter((address) => address !== src)),
			sport: 32768 + draw.below(40),
			dport: proto === ICMP ? 8 << 8 : draw.once(20) ? 7 : draw.of(PORTS),
			proto,
			sent: 0,
		};
	});
	let timeNs = 1_700_000_000_000_000_000n;
	return Array.from({ length: count }, () => {
		const connection = draw.of(connections);
		timeNs += BigInt(draw.once(80) ? 40_000 : draw.of([0, 1, 1, 150])) * 1_000_000n;
		const tcp = connection.proto !== TCP ? 0 : connection.sent++ === 0 ? SYN : draw.once(12) ? ACK | 1 : ACK;
		return {
			netns: connection.netns,
			src: connection.src,
			dst: connection.dst,
			sport: connection.sport,
			dport: connection.dport,
			proto: connection.proto,
			tcp,
			bytes: draw.of([60, 84, 1500]),
			ttl: draw.once(30) ? 2 : 64,
			timeNs,
		};
	});
}
