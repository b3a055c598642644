// Random rule sets as iptables-save text, random ipsets, and packets that have a fair chance to match.

import fc from "fast-check";
import type { RuleConnection, RulePacket } from "../reference/rules.ts";

const ADDRESSES = [
	"10.244.1.2",
	"10.244.1.3",
	"10.244.2.9",
	"192.0.2.11",
	"10.244.1.1",
	"192.0.2.255",
	"224.0.0.5",
	"127.0.0.1",
	"198.51.100.7",
];
const PREFIXES = ["10.244.1.2/32", "10.244.1.0/24", "10.244.0.0/16", "192.0.2.0/25", "0.0.0.0/1", "10.0.0.2/255.0.0.3"];
const PORTS = [53, 80, 443, 8080, 40000];
const DEVICES = ["eth0", "cbr0", "v-a", "v-b", "lo"];

const address = fc.constantFrom(...ADDRESSES);
const prefix = fc.constantFrom(...PREFIXES);
const port = fc.constantFrom(...PORTS);
const device = fc.constantFrom(...DEVICES, "v-+", "nope", "+");
const bang = fc.constantFrom("", "", "! ");
const ports = fc.oneof(
	port.map(String),
	fc.tuple(port, port).map(([a, b]) => `${Math.min(a, b)}:${Math.max(a, b)}`),
);

const option = (name: string, value: fc.Arbitrary<string>) =>
	fc.tuple(bang, value).map(([not, word]) => `${not}--${name} ${word}`);
const list = (words: string[]) => fc.subarray(words, { minLength: 1 }).map((some) => some.join(","));

/** Matches that remember packets. */
const memoryMatch = fc.oneof(
	fc
		.integer({ min: 1, max: 4 })
		.chain((every) =>
			fc
				.tuple(bang, fc.nat(every - 1))
				.map(([not, packet]) => `-m statistic --mode nth ${not}--every ${every} --packet ${packet}`),
		),
	fc
		.tuple(fc.constantFrom("2/sec", "30/min", "5/hour"), fc.integer({ min: 1, max: 5 }))
		.map(([rate, burst]) => `-m limit --limit ${rate} --limit-burst ${burst}`),
	fc
		.tuple(
			bang,
			fc.constantFrom(
				"--set",
				"--rcheck",
				"--update --seconds 10",
				"--rcheck --seconds 5 --reap",
				"--update --seconds 3 --reap --hitcount 2",
				"--rcheck --hitcount 3",
				"--remove",
				"--rcheck --rttl",
			),
			fc.constantFrom("A", "B"),
			fc.constantFrom("--rsource", "--rdest", "--mask 255.255.255.0 --rsource"),
		)
		.map(([not, action, name, which]) => `-m recent ${not}${action} --name ${name} ${which}`),
);

const anyMatch = fc.oneof(
	option("mark", fc.constantFrom("0x1", "0x4000/0x4000", "0/0xf")).map((o) => `-m mark ${o}`),
	option("mark", fc.constantFrom("0x2", "0x1/0x3")).map((o) => `-m connmark ${o}`),
	option("ctstate", list(["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED", "DNAT", "SNAT"])).map(
		(o) => `-m conntrack ${o}`,
	),
	option("state", list(["NEW", "ESTABLISHED", "INVALID"])).map((o) => `-m state ${o}`),
	fc
		.tuple(
			fc.subarray([0, 1, 2, 3, 4, 5], { minLength: 1, maxLength: 3 }),
			fc.tuple(
				option("ctstate", list(["NEW", "ESTABLISHED", "INVALID"])),
				option("ctorigdst", prefix),
				option("ctreplsrc", prefix),
				option("ctorigdstport", ports),
				option("ctstatus", list(["SEEN_REPLY", "ASSURED", "CONFIRMED"])),
				fc.constantFrom("--ctdir ORIGINAL", "--ctdir REPLY", "--ctproto 6", "--ctexpire 10:100"),
			),
		)
		.map(([which, all]) => `-m conntrack ${which.map((i) => all[i]).join(" ")}`),
	fc
		.tuple(
			option("src-type", list(["LOCAL", "UNICAST", "MULTICAST"])),
			option("dst-type", list(["LOCAL", "BROADCAST"])),
		)
		.map(([a, b]) => `-m addrtype ${a} ${b}`),
	option("dst-type", fc.constant("LOCAL")).map((o) => `-m addrtype ${o}`),
	option("src-range", fc.constant("10.244.1.2-10.244.1.9")).map((o) => `-m iprange ${o}`),
	option("dst-range", fc.constant("10.0.0.0-192.0.2.11")).map((o) => `-m iprange ${o}`),
	option("length", fc.constantFrom("60", "0:100", "1000:65535")).map((o) => `-m length ${o}`),
	fc.constantFrom("-m ttl --ttl-eq 64", "-m ttl ! --ttl-eq 64", "-m ttl --ttl-lt 10", "-m ttl --ttl-gt 10"),
	option("tos", fc.constantFrom("0x10/0x3f", "0x00/0xff")).map((o) => `-m tos ${o}`),
	fc
		.tuple(
			bang,
			fc.constantFrom(
				"ips src",
				"ips dst",
				"nets src",
				"nets dst,src",
				"ipport src,dst",
				"ipport dst,src",
				"ipport src",
				"netport dst,dst",
				"ipportip src,dst,dst",
				"ipportnet dst,src,src",
			),
		)
		.map(([not, words]) => `-m set ${not}--match-set ${words}`),
	memoryMatch,
	fc.constantFrom("-m string --string x --algo bm", '-m comment --comment "a b"', "-m quota --quota 1000"),
);

/** On FORWARD only: the tool refuses most of it elsewhere. */
const physdevMatch = fc
	.subarray(["--physdev-is-in", "--physdev-is-out", "--physdev-is-bridged", "--physdev-in v-a", "--physdev-out v-+"], {
		minLength: 1,
		maxLength: 2,
	})
	.chain((options) => fc.tuple(...options.map((o) => bang.map((not) => not + o))))
	.map((options) => `-m physdev ${options.join(" ")}`);

const portMatch = fc.oneof(
	fc.tuple(option("sport", ports), option("dport", ports)).map(
		([a, b]) =>
			(p: string) =>
				`-m ${p} ${a} ${b}`,
	),
	option("dport", ports).map((o) => (p: string) => `-m ${p} ${o}`),
	fc.tuple(bang, fc.constantFrom("sports", "dports", "ports"), fc.array(ports, { minLength: 1, maxLength: 4 })).map(
		([not, name, all]) =>
			() =>
				`-m multiport ${not}--${name} ${all.filter((range) => !/^(\d+):\1$/.test(range)).join(",") || "80"}`,
	),
);
const tcpMatch = fc.oneof(
	portMatch.map((text) => text("tcp")),
	fc
		.tuple(bang, fc.constantFrom("FIN,SYN,RST,ACK SYN", "SYN,ACK SYN,ACK", "ALL NONE"))
		.map(([not, flags]) => `-m tcp ${not}--tcp-flags ${flags}`),
);
const protocol = fc.oneof(
	fc.constantFrom("", "", "! -p udp", "-p icmp"),
	fc.tuple(fc.constant("-p tcp"), tcpMatch).map((words) => words.join(" ")),
	fc
		.tuple(
			fc.constant("-p udp"),
			portMatch.map((text) => text("udp")),
		)
		.map((words) => words.join(" ")),
	option("icmp-type", fc.constantFrom("8", "3/1", "any", "0")).map((o) => `-p icmp -m icmp ${o}`),
);

const header = (hook: "in" | "both" | "out") => {
	const optional = (words: fc.Arbitrary<string>) =>
		fc.oneof({ weight: 3, arbitrary: fc.constant("") }, { weight: 1, arbitrary: words });
	const named = (letter: string, values: fc.Arbitrary<string>) =>
		optional(fc.tuple(bang, values).map(([not, value]) => `${not}-${letter} ${value}`));
	return fc.tuple(
		named("s", prefix),
		named("d", prefix),
		hook === "out" ? fc.constant("") : named("i", device),
		hook === "in" ? fc.constant("") : named("o", device),
		optional(fc.constantFrom("-f", "! -f")),
		protocol,
	);
};

/** One rule's words after the chain. `chains`: those that it may go to. */
function rule(hook: "in" | "both" | "out", chains: readonly string[], isBase: boolean): fc.Arbitrary<string> {
	const targets = [
		"",
		"-j ACCEPT",
		"-j DROP",
		"-j RETURN",
		"-j MARK --set-xmark 0x1/0x3",
		"-j MARK --set-xmark 0x4000/0x4000",
		"-j CONNMARK --set-xmark 0x2/0xff",
		"-j CONNMARK --save-mark",
		"-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xff",
		"-j LOG --log-prefix x",
		"-j NFLOG --nflog-group 1",
	];
	const jumps = chains.flatMap((name) => [`-j ${name}`, `-j ${name}`, `-j ${name}`, `-g ${name}`]);
	const matches = fc.oneof(
		{ weight: 2, arbitrary: fc.constant([] as string[]) },
		{
			weight: 3,
			arbitrary: fc.array(
				hook === "both" && isBase
					? fc.oneof({ weight: 5, arbitrary: anyMatch }, { weight: 1, arbitrary: physdevMatch })
					: anyMatch,
				{ minLength: 1, maxLength: 3 },
			),
		},
	);
	return fc
		.tuple(header(hook), matches, fc.constantFrom(...targets, ...jumps))
		.map(([words, some, target]) => [...words, ...some, target].filter((w) => w !== "").join(" "));
}

const BASES: [name: string, hook: "in" | "both" | "out"][] = [
	["PREROUTING", "in"],
	["INPUT", "in"],
	["FORWARD", "both"],
	["OUTPUT", "out"],
	["POSTROUTING", "out"],
];
const USERS = ["A", "B", "C", "D"];

/** A mangle table: every hook, four user chains that go to later ones only. */
export const rulesText: fc.Arbitrary<string> = fc
	.tuple(
		fc.tuple(
			...BASES.map(([, hook]) =>
				fc.tuple(fc.constantFrom("ACCEPT", "DROP"), fc.array(rule(hook, USERS, true), { maxLength: 8 })),
			),
		),
		fc.tuple(
			...USERS.map((_, i) =>
				fc.array(
					rule("both", USERS.slice(i + 1), false).map((words) => words.replace(/(! )?-[io] \S+ ?/g, "")),
					{ maxLength: 5 },
				),
			),
		),
	)
	.map(([bases, users]) => {
		const heads = [
			...BASES.map(([name], i) => `:${name} ${bases[i]?.[0]} [0:0]`),
			...USERS.map((name) => `:${name} - [0:0]`),
		];
		const lines = [
			...BASES.flatMap(([name], i) => (bases[i]?.[1] ?? []).map((words) => `-A ${name} ${words}`)),
			...USERS.flatMap((name, i) => (users[i] ?? []).map((words) => `-A ${name} ${words}`)),
		];
		return ["*mangle", ...heads, ...lines, "COMMIT", ""].join("\n");
	});

/** Rules of a FORWARD chain that all packets reach and that all remember them. */
export const memoryRules: fc.Arbitrary<string> = fc
	.array(fc.array(memoryMatch, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 6 })
	.map((rules) =>
		["*mangle", ":FORWARD ACCEPT [0:0]", ...rules.map((some) => `-A FORWARD ${some.join(" ")}`), "COMMIT", ""].join(
			"\n",
		),
	);

export const setsText: fc.Arbitrary<string> = fc
	.record({
		ips: fc.uniqueArray(address, { maxLength: 7 }),
		nets: fc.uniqueArray(
			fc.tuple(
				fc.constantFrom("10.244.1.0/24", "10.244.1.2", "10.244.0.0/16", "192.0.2.0/25", "128.0.0.0/1", "10.244.1.0/30"),
				fc.boolean(),
			),
			{ maxLength: 6, selector: ([net]) => net },
		),
		ports: fc.uniqueArray(
			fc.tuple(
				address,
				fc.constantFrom("tcp", "udp"),
				port,
				fc.constantFrom("10.244.1.0/24", "0.0.0.0/1", "198.51.100.7"),
			),
			{ maxLength: 12, selector: ([a, b, c]) => `${a}${b}${c}` },
		),
	})
	.map(({ ips, nets, ports: some }) =>
		[
			"create ips hash:ip family inet",
			...ips.map((ip) => `add ips ${ip}`),
			"create nets hash:net",
			...nets.map(([net, not]) => `add nets ${net}${not ? " nomatch" : ""}`),
			"create ipport hash:ip,port",
			...some.map(([ip, proto, number]) => `add ipport ${ip},${proto}:${number}`),
			"create netport hash:net,port",
			...some
				.map(([, proto, number, net], i) => `add netport ${net},${proto}:${number + (i % 2)}`)
				.filter((line, i, all) => all.indexOf(line) === i),
			"create ipportip hash:ip,port,ip",
			...some.map(([ip, proto, number]) => `add ipportip ${ip},${proto}:${number},10.244.1.2`),
			"create ipportnet hash:ip,port,net",
			...some.map(([ip, proto, number, net]) => `add ipportnet ${ip},${proto}:${number},${net}`),
			"",
		].join("\n"),
	);

const tuple = fc.record({ src: address, dst: address, sport: port, dport: port });
const connection: fc.Arbitrary<RuleConnection> = fc.record({
	state: fc.constantFrom("NEW" as const, "ESTABLISHED" as const, "RELATED" as const),
	reply: fc.boolean(),
	status: fc.subarray(["EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SRC_NAT", "DST_NAT"]),
	mark: fc.constantFrom(0, 1, 2, 0x4000),
	orig: tuple,
	repl: tuple,
	proto: fc.constantFrom(6, 17),
	expires: fc.integer({ min: 0, max: 200 }),
});

const packet = fc
	.record({
		src: address,
		dst: address,
		sport: port,
		dport: port,
		proto: fc.constantFrom(6, 6, 17, 1, 47),
		tcpFlags: fc.constantFrom(0x02, 0x12, 0x10, 0x04, 0),
		ttl: fc.constantFrom(64, 5, 63),
		tos: fc.constantFrom(0, 0x10),
		len: fc.constantFrom(60, 1500, 84),
		gapMs: fc.constantFrom(0, 1, 200, 1500, 4000, 20_000),
		bridge: fc.option(
			fc.record({ physin: fc.constantFrom("v-a", "v-b", null), physout: fc.constantFrom("v-a", "v-b", null) }),
			{ nil: null },
		),
		mark: fc.constantFrom(0, 1, 0x4000),
		ct: fc.oneof(fc.constantFrom("none" as const, "untracked" as const), connection, connection),
		iif: fc.constantFrom("eth0", "cbr0", "lo"),
		oif: fc.constantFrom("eth0", "cbr0", "lo"),
		hook: fc.constantFrom(...BASES),
	})
	.map(({ hook: [hook, devices], gapMs, ...p }) => {
		if (p.ct !== "none" && p.ct !== "untracked" && p.ct.state === "NEW" && p.ct.reply) p.ct.reply = false;
		const ports =
			p.proto === 1
				? { dport: [8 << 8, 0, (3 << 8) | 1][p.dport % 3] ?? 0 }
				: p.proto === 47
					? { sport: 0, dport: 0 }
					: {};
		const full: RulePacket = {
			...p,
			...ports,
			time: 0n,
			iif: devices === "out" ? null : p.iif,
			oif: devices === "in" ? null : p.oif,
		};
		return { hook, gapMs, packet: full };
	});

/** Packets of a few sources, close in time and far. */
export const memoryPackets = fc
	.array(fc.tuple(packet, fc.constantFrom("10.244.1.2", "10.244.1.3", "10.244.2.9"), fc.constantFrom(5, 5, 6)), {
		minLength: 10,
		maxLength: 60,
	})
	.map((all) =>
		inTime(all.map(([{ gapMs, packet: p }, src, ttl]) => ({ hook: "FORWARD", gapMs, packet: { ...p, src, ttl } }))),
	);

/** Packets in time order, with the hook that each comes by. */
export const packets = fc.array(packet, { minLength: 1, maxLength: 40 }).map(inTime);

function inTime(all: { hook: string; gapMs: number; packet: RulePacket }[]): { hook: string; packet: RulePacket }[] {
	let time = 1_700_000_000_000_000_000n;
	return all.map(({ hook, gapMs, packet: p }) => {
		time += BigInt(gapMs) * 1_000_000n;
		return { hook, packet: { ...p, time } };
	});
}
