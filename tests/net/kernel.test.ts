// Random rule texts through the real tools: iptables-restore takes what podwire takes, and iptables-save prints what
// podwire says it prints. Each run is a network namespace that is thrown away.

import { execFileSync, spawnSync } from "node:child_process";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyRestore, asLoaded, type Backend, emptyRuleset, printIptablesSave } from "../../js/net/iptables/index.ts";
import type { Family, TableName } from "../../js/net/ruleset.ts";
import { runs } from "../runs.ts";
import { type Measured, measuredRules } from "./measured.ts";

function succeeds(command: string, ...args: string[]): boolean {
	return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

const TOOLS = ["iptables-legacy", "iptables-nft", "ip6tables-legacy", "ip6tables-nft"];
const canRun =
	process.platform === "linux" &&
	process.getuid?.() === 0 &&
	succeeds("ip", "netns") &&
	TOOLS.every((tool) => succeeds(`${tool}-restore`, "--version"));
const version = canRun ? execFileSync("iptables-legacy", ["--version"], { encoding: "utf8" }) : "";

const NETNS = `podwire-net-${process.pid}`;

function inNetns(command: string[], input?: string): { status: number | null; stdout: string; stderr: string } {
	return spawnSync("ip", ["netns", "exec", NETNS, ...command], {
		input: input ?? "",
		encoding: "utf8",
		maxBuffer: 1 << 26,
	});
}

function saved(text: string): string {
	return text
		.split("\n")
		.filter((line) => !line.startsWith("#"))
		.join("\n");
}

/** Rules that hold state of their own by name, or that are for the command line only. */
const NOT_REPEATED = /-w 3|recent|hashlimit|IDLETIMER|RATEEST|cgroup|quota|--comment ""|rateest/;
const QUOTES = /[\\']/;

/** Rules of one table that the tool takes, by chain. */
function usable(family: Family, backend: Backend): Measured[] {
	return measuredRules(family).filter(
		({ chain, rule, saved: measured }) =>
			chain !== "USER" && measured[backend] !== null && !NOT_REPEATED.test(rule) && !QUOTES.test(rule),
	);
}

const KUBE_PROXY = `*filter
:KUBE-SERVICES - [0:0]
:KUBE-FORWARD - [0:0]
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A KUBE-SERVICES -m comment --comment "ns1/svc1:p80 has no endpoints" -m tcp -p tcp -d 172.30.0.41 --dport 80 -j REJECT
-I INPUT -j KUBE-SERVICES -m conntrack --ctstate NEW -m comment --comment "kubernetes portals"
COMMIT
*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SVC-XPGD46QRK7WJZT7O - [0:0]
:KUBE-SEP-SXIVWICOYRO3J4NJ - [0:0]
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
-A KUBE-SERVICES -m comment --comment "ns1/svc1:p80 cluster IP" -m tcp -p tcp -d 172.30.0.41 --dport 80 -j KUBE-SVC-XPGD46QRK7WJZT7O
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 cluster IP" -m tcp -p tcp -d 172.30.0.41 --dport 80 ! -s 10.0.0.0/8 -j KUBE-MARK-MASQ
-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 -> 10.180.0.1:80" -m recent --name KUBE-SEP-SXIVWICOYRO3J4NJ --rcheck --seconds 10800 --reap -j KUBE-SEP-SXIVWICOYRO3J4NJ
-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 -> 10.180.0.1:80" -m statistic --mode random --probability 0.3333333333 -j KUBE-SEP-SXIVWICOYRO3J4NJ
-A KUBE-SEP-SXIVWICOYRO3J4NJ -m comment --comment ns1/svc1:p80 -s 10.180.0.1 -j KUBE-MARK-MASQ
-A KUBE-SEP-SXIVWICOYRO3J4NJ -m comment --comment ns1/svc1:p80 -m recent --name KUBE-SEP-SXIVWICOYRO3J4NJ --set -m tcp -p tcp -j DNAT --to-destination 10.180.0.1:80
COMMIT
`;

describe.skipIf(!canRun || !version.includes("1.8.9"))(
	"against the real tools (skipped: needs root on Linux and iptables 1.8.9)",
	() => {
		beforeAll(() => {
			execFileSync("ip", ["netns", "add", NETNS]);
		});
		afterAll(() => {
			execFileSync("ip", ["netns", "del", NETNS]);
		});

		/** Loads the text, in a namespace whose tables are new, and compares what the tool prints with what podwire does. */
		function compare(text: string, family: Family, backend: Backend): void {
			execFileSync("ip", ["netns", "del", NETNS]);
			execFileSync("ip", ["netns", "add", NETNS]);
			const tool = `${family === "ipv4" ? "iptables" : "ip6tables"}-${backend}`;
			const loaded = inNetns([`${tool}-restore`], text);
			expect(loaded.status === 0 ? "" : loaded.stderr, text).toBe("");
			const ruleset = asLoaded(applyRestore(emptyRuleset(family), text, { backend, counters: false }), { backend });
			expect(printIptablesSave(ruleset, { backend })).toBe(saved(inNetns([`${tool}-save`]).stdout));
			const counted = inNetns([`${tool}-save`, "-c"]).stdout;
			expect(printIptablesSave(ruleset, { backend, counters: true })).toBe(saved(counted));
		}

		test.each(["legacy", "nft"] as const)("what kube-proxy writes, %s", (backend) =>
			compare(KUBE_PROXY, "ipv4", backend),
		);

		test.each([
			["ipv4", "legacy"],
			["ipv4", "nft"],
			["ipv6", "legacy"],
			["ipv6", "nft"],
		] as const)("random rules of %s, %s", (family, backend) => {
			const rules = usable(family, backend);
			const tables = [...new Set(rules.map(({ table }) => table))] as TableName[];
			const chains = fc.uniqueArray(
				fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,27}$/).filter((name) => !/^(ACCEPT|DROP|QUEUE|RETURN)$/.test(name)),
				{ maxLength: 5 },
			);
			const table = fc.constantFrom(...tables).chain((name) => {
				const own = rules.filter((rule) => rule.table === name);
				return fc
					.tuple(chains, fc.array(fc.constantFrom(...own), { minLength: 1, maxLength: 60 }))
					.map(([users, lines]) => {
						const jumps = users.map(
							(user, index) => `-A ${users[index + 1] ?? lines[0]?.chain ?? "OUTPUT"} -j ${user}`,
						);
						const declared = users.map((user) => `:${user} - [0:0]`);
						return {
							name,
							text: [
								`*${name}`,
								...declared,
								...lines.map(({ chain, rule }) => `-A ${chain} ${rule}`),
								...jumps,
								"COMMIT",
								"",
							].join("\n"),
						};
					});
			});
			const texts = fc
				.uniqueArray(table, { selector: ({ name }) => name, minLength: 1, maxLength: 4 })
				.map((parts) => parts.map(({ text }) => text).join(""));
			fc.assert(
				fc.property(texts, (text) => compare(text, family, backend)),
				runs(6),
			);
		});
	},
);
