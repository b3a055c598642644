// `ip route`, `ip addr`, `ipset save`, `conntrack -L`: real output reads and prints back byte for byte; errors point at
// the word. The samples were printed by iproute2 6.1, ipset 7.17 and conntrack-tools 1.4.7.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseConntrack, printConntrack } from "../../js/net/conntrack.ts";
import { TextError } from "../../js/net/error.ts";
import { parseIpsetSave, printIpsetSave } from "../../js/net/ipset.ts";
import { parseLinks, printLinks, printLinksOneLine } from "../../js/net/link.ts";
import { parseRoute, parseRoutes, printRoute, printRoutes } from "../../js/net/route.ts";
import { sharedData } from "./shared.ts";

function sample(name: string): string {
	return readFileSync(new URL(`samples/${name}`, import.meta.url), "utf8");
}

function refusal(read: () => unknown): TextError {
	try {
		read();
	} catch (error) {
		if (error instanceof TextError) return error;
		throw error;
	}
	throw new Error("expected a TextError");
}

describe("samples", () => {
	test.each(["ip-route.txt", "ip-route-linkdown.txt", "ip-route-all.txt", "ip-6-route.txt"])("%s", (name) => {
		expect(printRoutes(parseRoutes(sample(name)))).toBe(sample(name));
	});
	test("ip-addr.txt", () => expect(printLinks(parseLinks(sample("ip-addr.txt")))).toBe(sample("ip-addr.txt")));
	test("ip-4-addr.txt", () => expect(printLinks(parseLinks(sample("ip-4-addr.txt")))).toBe(sample("ip-4-addr.txt")));
	test("ip-o-addr.txt", () =>
		expect(printLinksOneLine(parseLinks(sample("ip-o-addr.txt")))).toBe(sample("ip-o-addr.txt")));
	test("ip-o-route.txt reads as ip-route-linkdown.txt", () => {
		const strip = (text: string): unknown[] => parseRoutes(text).map((route) => ({ ...route, line: null }));
		expect(strip(sample("ip-o-route.txt"))).toEqual(strip(sample("ip-route-linkdown.txt")));
	});
	test("ipset-save.txt", () =>
		expect(printIpsetSave(parseIpsetSave(sample("ipset-save.txt")))).toBe(sample("ipset-save.txt")));
	test.each(["conntrack.txt", "conntrack-extended.txt", "conntrack-acct.txt"])("%s", (name) => {
		expect(printConntrack(parseConntrack(sample(name)))).toBe(sample(name));
	});
});

describe.skipIf(sharedData === null)("the shop's nodes", () => {
	const folder = `${sharedData}shop/node-state/`;
	for (const node of sharedData === null ? [] : readdirSync(folder)) {
		test(node, () => {
			const read = (file: string): string => readFileSync(`${folder}${node}/${file}`, "utf8");
			expect(printRoutes(parseRoutes(read("ip-route.txt")))).toBe(read("ip-route.txt"));
			expect(printLinks(parseLinks(read("ip-addr.txt")))).toBe(read("ip-addr.txt"));
			expect(printConntrack(parseConntrack(read("conntrack.end.txt")))).toBe(read("conntrack.end.txt"));
		});
	}

	test("the recorded clusters' ipsets and routes read", () => {
		const scenarios = `${sharedData}kernel/scenarios/`;
		for (const file of readdirSync(scenarios)) {
			const { nodes, router } = JSON.parse(readFileSync(scenarios + file, "utf8")) as {
				nodes: { ipset?: string; routes?: string[] | null }[];
				router?: { routes?: string[] };
			};
			for (const { ipset, routes } of nodes) {
				if (ipset) expect(printIpsetSave(parseIpsetSave(ipset))).toBe(ipset.replaceAll("/32 ", " "));
				for (const route of routes ?? []) expect(printRoute(parseRoute(route)).trim()).toBe(route.trim());
			}
			for (const route of router?.routes ?? [])
				expect(
					printRoute(parseRoute(route))
						.trim()
						.startsWith(route.split(" ")[0] as string),
				).toBe(true);
		}
	});
});

describe("typed values", () => {
	test("a route's words in any order", () => {
		const route = parseRoute("10.244.2.0/24 metric 5 dev eth0 via 192.0.2.12");
		expect(route).toMatchObject({
			type: "unicast",
			family: "ipv4",
			destination: { address: "10.244.2.0", length: 24 },
			via: "192.0.2.12",
			device: "eth0",
			metric: 5,
		});
		expect(printRoute(route)).toBe("10.244.2.0/24 via 192.0.2.12 dev eth0 metric 5 ");
	});

	test("sets are canonical, ranges become elements", () => {
		const [ports, nets] = parseIpsetSave(
			"create p hash:ip,port\nadd p 10.0.0.1-10.0.0.2,80-81\nadd p 10.0.0.9,icmp:8/0\ncreate n hash:net\nadd n 10.0.0.1/24 nomatch\n",
		);
		expect(ports?.entries.map(({ element }) => element)).toEqual([
			"10.0.0.1,tcp:80",
			"10.0.0.1,tcp:81",
			"10.0.0.2,tcp:80",
			"10.0.0.2,tcp:81",
			"10.0.0.9,icmp:echo-request",
		]);
		expect(nets?.entries[0]).toMatchObject({
			element: "10.0.0.0/24",
			nomatch: true,
			parts: [{ kind: "net", address: "10.0.0.0", length: 24 }],
		});
	});

	test("a conntrack entry", () => {
		const [entry] = parseConntrack(
			"tcp      6 63 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=5 dport=6 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=6 dport=5 mark=3 use=1\n",
		);
		expect(entry).toMatchObject({
			proto: "tcp",
			timeout: 63,
			state: "SYN_SENT",
			unreplied: true,
			original: { src: "10.0.0.1", dport: 6 },
			mark: 3,
			use: 1,
		});
	});
});

describe("errors", () => {
	test.each([
		["10.244.2.0/33 via 1.1.1.1", 1, "10.244.2.0/33", null],
		["10.244.2.1/24 via 1.1.1.1", 1, "10.244.2.1/24", "10.244.2.0/24"],
		["10.244.2.0/24 vai 1.1.1.1", 15, "vai", "via"],
		["10.244.2.0/24 via 1.1.1", 19, "1.1.1", null],
		["10.244.2.0/24 via", 18, null, null],
		["defualt via 1.1.1.1", 1, "defualt", "default"],
	])("route %s", (line, column, word, nearest) => {
		expect(refusal(() => parseRoutes(`\n${line}`, { file: "r" }))).toMatchObject({
			file: "r",
			line: 2,
			column,
			word,
			nearest,
		});
	});

	test.each([
		["add x 1.2.3.4", 5, "x", null],
		["create s hash:pi", 10, "hash:pi", "hash:ip"],
		["create s hash:ip maxelm 5", 18, "maxelm", "maxelem"],
		["create s hash:ip\nadd s 1.2.3", 7, "1.2.3", null],
		["create s hash:ip,port\nadd s 1.2.3.4,foo:5", 15, "foo:5", null],
		["create s hash:ip\nadd s 1.2.3.4 timeout 5", 7, "1.2.3.4", null],
		["ad s 1.2.3.4", 1, "ad", "add"],
	])("ipset %s", (text, column, word, nearest) => {
		expect(refusal(() => parseIpsetSave(text))).toMatchObject({ column, word, nearest });
	});

	test("conntrack and addr", () => {
		expect(refusal(() => parseConntrack("tcp 6 5 ESTABLISHED src=1.1.1.1 dts=2.2.2.2\n"))).toMatchObject({
			line: 1,
			column: 33,
			word: "dts=2.2.2.2",
		});
		expect(refusal(() => parseLinks("    inet 1.1.1.1/24 scope global e0\n"))).toMatchObject({
			line: 1,
			column: 5,
			word: "inet",
		});
		expect(refusal(() => parseLinks("1: lo: <UP> mtu 5\n    inet 1.1.1.1/99 scope global e0\n"))).toMatchObject({
			line: 2,
			column: 10,
			word: "1.1.1.1/99",
		});
	});
});
