// Small facts: lenient addresses, probabilities, configuration, health, the ip-masq-agent chain.

import { describe, expect, it } from "vitest";
import { checkIpMasqConfig, DEFAULT_IP_MASQ_CONFIG, ipMasqJump, ipMasqRestore } from "../../js/cni/ipmasq.ts";
import { readAddress, readPrefix } from "../../js/kube-proxy/addresses.ts";
import { localDetector, readProxyConfig } from "../../js/kube-proxy/config.ts";
import { healthCheckAddresses, nodePortAddresses } from "../../js/kube-proxy/nodeports.ts";
import { formatProbability } from "../../js/kube-proxy/probability.ts";
import {
	finishUpdate,
	healthzAnswer,
	isProxyHealthy,
	livezAnswer,
	queueUpdate,
} from "../../js/kube-proxy/proxyhealth.ts";
import { buildServicePortMap } from "../../js/kube-proxy/servicemap.ts";

describe("addresses", () => {
	it.each([
		["172.30.0.041", "172.30.0.41"],
		["010.000.001.008", "10.0.1.8"],
		["0.0.0.0", "0.0.0.0"],
		["2001:0DB8::0001", "2001:db8::1"],
		["::ffff:192.0.2.1", "192.0.2.1"],
		["192.0.2.256", null],
		["example.org", null],
		["", null],
	])("reads %j as %j", (text, address) => {
		expect(readAddress(text)).toBe(address);
	});

	it.each([
		["203.0.113.000/025", "203.0.113.0/25"],
		["10.1.2.3/8", "10.0.0.0/8"],
		["2001:db8::1/064", "2001:db8::/64"],
		["10.0.0.0", null],
		["10.0.0.0/33", null],
		["10.0.0.0/8/8", null],
	])("reads the prefix %j as %j", (text, expected) => {
		const prefix = readPrefix(text);
		expect(prefix === null ? null : `${prefix.address}/${prefix.length}`).toBe(expected);
	});

	it("names the object whose cluster IP cannot be read", () => {
		const metadata = { namespace: "ns", name: "svc" };
		const spec = { clusterIP: "10.0.0.x", ports: [{ port: 80 }] };
		const service = { apiVersion: "v1" as const, kind: "Service" as const, metadata, spec };
		expect(() => buildServicePortMap([service], "ipv4")).toThrow(/Service ns\/svc, spec.clusterIP.*"10\.0\.0\.x"/);
	});
});

describe("probability", () => {
	// What Go's fmt.Sprintf("%0.10f", 1.0/float64(n)) says; a tie goes to the even digit.
	it.each([
		[1, "1.0000000000"],
		[3, "0.3333333333"],
		[6, "0.1666666667"],
		[7, "0.1428571429"],
		[1024, "0.0009765625"],
		[2048, "0.0004882812"],
		[100001, "0.0000099999"],
	])("of 1 in %i is %s", (n, text) => {
		expect(formatProbability(n)).toBe(text);
	});

	it("refuses what is no count", () => {
		expect(() => formatProbability(0)).toThrow(RangeError);
	});
});

describe("configuration", () => {
	it("reads a KubeProxyConfiguration", () => {
		const config = readProxyConfig({ clusterCIDR: "fd00::/48,10.244.0.0/16", iptables: { masqueradeBit: 15 } });
		expect(config).toMatchObject({ masqueradeBit: 15, localhostNodePorts: true, randomFully: true });
		expect(localDetector(config.detectLocal, "ipv4", [])?.ifNotLocal).toEqual(["!", "-s", "10.244.0.0/16"]);
		expect(localDetector(config.detectLocal, "ipv6", [])?.ifLocal).toEqual(["-s", "fd00::/48"]);
	});

	it.each([
		[{ detectLocalMode: "NodeCIDR" }, ["-s", "10.244.7.0/24"]],
		[{ detectLocalMode: "BridgeInterface", detectLocal: { bridgeInterface: "cbr0" } }, ["-i", "cbr0"]],
		[{ detectLocalMode: "InterfaceNamePrefix", detectLocal: { interfaceNamePrefix: "veth" } }, ["-i", "veth+"]],
		[{}, undefined],
	])("tells local pods by %j", (configuration, words) => {
		const { detectLocal } = readProxyConfig(configuration);
		expect(localDetector(detectLocal, "ipv4", ["10.244.7.0/24"])?.ifLocal).toEqual(words);
	});

	it.each([
		[{ mode: "ipvs" }, /mode: "ipvs" is not modelled/],
		[{ detectLocalMode: "Cluster" }, /detectLocalMode: "Cluster": expected one of ClusterCIDR/],
		[{ detectLocalMode: "BridgeInterface" }, /detectLocal.bridgeInterface/],
		[{ iptables: { masqueradeBit: 32 } }, /masqueradeBit: 32: expected an integer from 0 to 31/],
	])("refuses %j", (configuration, message) => {
		expect(() => readProxyConfig(configuration)).toThrow(message);
	});

	it("takes prefixes of the other family for none", () => {
		expect(nodePortAddresses(["2001:db8::/64"], "ipv4")).toMatchObject({ matchAll: true, containsIPv4Loopback: true });
		expect(nodePortAddresses(["192.0.2.0/24"], "ipv4")).toMatchObject({ matchAll: false, containsIPv4Loopback: false });
		expect(nodePortAddresses(["127.0.0.1/32"], "ipv4")).toMatchObject({ matchAll: false, containsIPv4Loopback: true });
	});
});

describe("health-check node ports", () => {
	it("listen where NodePorts are taken", () => {
		const own = ["127.0.0.1", "::1", "192.0.2.11", "2001:db8::11"];
		const at = (prefixes: string[], family: "ipv4" | "ipv6"): string[] =>
			healthCheckAddresses(nodePortAddresses(prefixes, family), own, family);
		expect(at([], "ipv4")).toEqual(["0.0.0.0"]);
		expect(at([], "ipv6")).toEqual(["::"]);
		expect(at(["127.0.0.0/8"], "ipv4")).toEqual(["127.0.0.1"]);
		expect(at(["192.0.2.0/24", "2001:db8::/64"], "ipv6")).toEqual(["2001:db8::11"]);
	});
});

describe("kube-proxy's health", () => {
	const node = { metadata: { name: "n" } };
	const deleted = { metadata: { name: "n", deletionTimestamp: "2026-01-01T00:00:00Z" } };

	it("fails when a change waits too long, and recovers when it is written", () => {
		const started = queueUpdate({}, "ipv4", 0);
		expect(isProxyHealthy(started, 1000, 10)).toBe(true);
		const waiting = queueUpdate(queueUpdate(finishUpdate(started, "ipv4", 1), "ipv4", 5), "ipv4", 14);
		expect(isProxyHealthy(waiting, 14.9, 10)).toBe(true);
		expect(isProxyHealthy(waiting, 15, 10)).toBe(false);
		expect(isProxyHealthy(finishUpdate(waiting, "ipv4", 15), 1000, 10)).toBe(true);
	});

	it("is bad for /healthz, not for /livez, when the Node goes away", () => {
		const state = finishUpdate({}, "ipv4", 0);
		expect(healthzAnswer(state, node, 1, 10).status).toBe(200);
		expect(healthzAnswer(state, deleted, 1, 10).status).toBe(503);
		expect(healthzAnswer(state, null, 1, 10).status).toBe(503);
		expect(livezAnswer(state, 1, 10).status).toBe(200);
	});
});

describe("ip-masq-agent", () => {
	it("writes its chain", () => {
		expect(ipMasqRestore(DEFAULT_IP_MASQ_CONFIG, "ipv4").split("\n")).toEqual([
			"*nat",
			":IP-MASQ-AGENT - [0:0]",
			...["169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(
				(cidr) =>
					`-A IP-MASQ-AGENT -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d ${cidr} -j RETURN`,
			),
			'-A IP-MASQ-AGENT -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully',
			"COMMIT",
			"",
		]);
		expect(ipMasqJump(DEFAULT_IP_MASQ_CONFIG)).toMatch(/-m addrtype ! --dst-type LOCAL -j IP-MASQ-AGENT$/);
	});

	it.each([
		[["10.0.0.1/8"], /10\.0\.0\.1\/8 is not aligned \(nearest: 10\.0\.0\.0\/8\)/],
		[["10.0.0.0"], /expected address\/length, got "10\.0\.0\.0"/],
		[new Array(65).fill("10.0.0.0/8"), /at most 64, got 65/],
	])("refuses %j", (nonMasqueradeCIDRs, message) => {
		expect(() => checkIpMasqConfig({ ...DEFAULT_IP_MASQ_CONFIG, nonMasqueradeCIDRs })).toThrow(message);
	});
});
