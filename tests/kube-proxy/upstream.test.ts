// Rules against those that kube-proxy v1.36.0 itself handed to iptables-restore, for the same random objects.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../js/kube-proxy/config.ts";
import { syncProxyRules } from "../../js/kube-proxy/sync.ts";
import type { Family } from "../../js/net/ruleset.ts";
import { compareRuleSets } from "../conformance/rulesets.ts";

interface UpstreamCase {
	family: Family;
	nodeIP: string;
	labels: Record<string, string>;
	config: Partial<ProxyConfig>;
	services: Service[];
	endpointSlices: EndpointSlice[];
	healthCheckNodePorts: Record<string, number>;
	restore: string[];
}

const golden = new URL("golden/upstream-1.36.json", import.meta.url);
const { cases }: { cases: UpstreamCase[] } = JSON.parse(readFileSync(golden, "utf8"));

const INTERFACES = {
	lo: ["127.0.0.1/8", "::1/128"],
	eth0: ["192.168.0.2/24", "192.168.1.2/24", "192.168.99.11/24", "2001:db8::1/64", "2001:db8:1::2/64"],
};

function sync(upstream: UpstreamCase) {
	const { family, nodeIP, labels, services, endpointSlices } = upstream;
	return syncProxyRules({
		family,
		node: { name: "test-node", ips: [nodeIP], podCIDRs: [], labels, interfaces: INTERFACES },
		services,
		endpointSlices,
		config: { ...DEFAULT_PROXY_CONFIG, ...upstream.config },
	});
}

describe("kube-proxy v1.36.0", () => {
	it.each(cases.map((upstream, index) => [index, upstream] as const))("case %i: the same rules", (_, upstream) => {
		const result = sync(upstream);
		const { expected, got } = compareRuleSets("", upstream.restore.join("\n"), result.restore);
		expect(got).toEqual(expected);
		expect(Object.fromEntries(result.healthCheckNodePorts)).toEqual(upstream.healthCheckNodePorts);
	});

	it("writes Services in a fixed order, so most texts are equal to the byte", () => {
		const single = cases.filter(({ services }) => services.length === 1 && services[0]?.spec?.ports?.length === 1);
		const equal = single.filter((upstream) => `${upstream.restore.join("\n")}\n` === sync(upstream).restore);
		expect(equal.length).toBeGreaterThan(0);
		expect(equal.length).toBeGreaterThanOrEqual(single.length - 1);
	});
});
