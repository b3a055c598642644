// Which chains are pure: the walk may depend on what stays the same for all packets of a connection in a direction, and
// on nothing else; an impure chain makes all that lead to it impure.

import { expect, test } from "vitest";
import * as L from "../../assembly/layout.ts";
import { applyRestore } from "../../js/net/iptables/index.ts";
import { RuleBench } from "./bench.ts";

const SETS = "create s hash:ip\nadd s 10.244.1.2\n";

function bench(table: string, ...lines: string[]): RuleBench {
	const chains = lines.filter((line) => line.startsWith(":"));
	const rules = lines.filter((line) => !line.startsWith(":"));
	const text = [`*${table}`, ":OUTPUT ACCEPT [0:0]", ...chains, ...rules, "COMMIT", ""].join("\n");
	return new RuleBench(text, SETS);
}

/** Chains that are pure, by name. */
function pure({ machine }: RuleBench): string[] {
	const { rows } = machine.core;
	const encoded = machine.encodedRuleset("node:n")?.tables.flatMap(({ chains }) => chains) ?? [];
	return encoded
		.filter(({ row }) => {
			const flags = rows.view.getUint32(rows.at(L.TABLE_CHAIN, row) + L.CHAIN_FLAGS, true);
			expect(flags & L.CHAINF_COMPILED).not.toBe(0);
			return (flags & L.CHAINF_IMPURE) === 0;
		})
		.map(({ chain }) => chain.name)
		.sort();
}

test.each([
	"-s 10.0.0.0/8 ! -d 10.244.1.2 -o eth+ -j ACCEPT",
	"-p tcp -m tcp --sport 1:9 --dport 80 -j DROP",
	"-p tcp -m multiport --dports 80,443",
	"-p icmp -m icmp --icmp-type 8",
	"-m mark --mark 0x1/0x3 -j MARK --set-xmark 0x4000/0x4000",
	"-m conntrack --ctstate NEW,DNAT --ctorigdst 10.96.0.0/12 --ctdir ORIGINAL -j RETURN",
	"-m addrtype --dst-type LOCAL",
	"-m iprange --src-range 10.0.0.1-10.0.0.9",
	"-m set --match-set s dst -j REJECT --reject-with icmp-port-unreachable",
])("pure: %s", (rule) => {
	expect(pure(bench(rule.includes("REJECT") ? "filter" : "mangle", `-A OUTPUT ${rule}`))).toEqual(["OUTPUT"]);
});

test.each([
	"-m limit --limit 1/sec --limit-burst 5",
	"-m statistic --mode nth --every 2 --packet 0",
	"-m statistic --mode random --probability 0.5",
	"-m recent --set --name A --rsource",
	"-p tcp -m tcp --tcp-flags SYN SYN",
	"-p tcp -m tcp --dport 80 ! --tcp-flags SYN SYN",
	"-m length --length 0:100",
	"-m ttl --ttl-gt 1",
	"-m tos --tos 0x10/0x3f",
	"-m pkttype --pkt-type unicast",
	"-m connmark --mark 0x1",
	"-m conntrack --ctstatus ASSURED",
	"-m conntrack --ctexpire 10:100",
	"-m quota --quota 1000",
	"-j LOG --log-prefix x",
	"-j CONNMARK --save-mark",
	"-j NFLOG --nflog-group 1",
])("impure: %s", (rule) => {
	expect(pure(bench("mangle", `-A OUTPUT ${rule}`))).toEqual([]);
});

test("NAT, notrack and TRACE are impure", () => {
	expect(pure(bench("nat", "-A OUTPUT -p tcp -j DNAT --to-destination 10.0.0.1"))).toEqual([]);
	expect(pure(bench("raw", ":A - [0:0]", ":B - [0:0]", "-A A -j TRACE", "-A B -j CT --notrack"))).toEqual(["OUTPUT"]);
});

test("an impure chain is so for all that jump or go to it, and no longer once it is replaced", () => {
	const lines = [":A - [0:0]", ":B - [0:0]", ":C - [0:0]", ":D - [0:0]"];
	const jumps = ["-A OUTPUT -j D", "-A OUTPUT -s 10.0.0.1/32 -j A", "-A A -j B", "-A B -g C"];
	const before = bench("mangle", ...lines, ...jumps, "-A C -m length --length 60");
	expect(pure(before)).toEqual(["D"]);
	const reload = ["*mangle", ":C - [0:0]", "-A C -s 10.0.0.0/8 -j DROP", "COMMIT", ""].join("\n");
	before.machine.loadRuleset("node:n", applyRestore(before.ruleset, reload, { noflush: true }));
	expect(pure(before)).toEqual(expect.arrayContaining(["A", "B", "C", "D", "OUTPUT"]));
});
