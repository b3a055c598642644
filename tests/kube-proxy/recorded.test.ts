// Rules against recorded ones: the running shop's nodes (byte for byte what iptables-save printed there), and the
// random clusters of the kernel scenarios, whose texts an independent generator wrote (chain by chain).

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { Node, Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { DEFAULT_IP_MASQ_CONFIG, type IpMasqConfig, ipMasqJump, ipMasqRestore } from "../../js/cni/ipmasq.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../js/kube-proxy/config.ts";
import { savedRuleset } from "../../js/kube-proxy/saved.ts";
import type { SyncInput } from "../../js/kube-proxy/sync.ts";
import { applyRestore, parseIptablesSave, printIptablesSave, printRule } from "../../js/net/iptables/index.ts";
import type { Ruleset } from "../../js/net/ruleset.ts";
import { sharedData } from "../net/shared.ts";

const shared = sharedData ?? "";

/** The node's rules after kubelet, kube-proxy and ip-masq-agent. */
function rulesOf(node: Node, objects: KubernetesObject[], config: ProxyConfig, masq: IpMasqConfig | null): Ruleset {
	const addresses = node.status?.addresses ?? [];
	const input: SyncInput = {
		family: "ipv4",
		node: {
			name: node.metadata.name ?? "",
			ips: addresses.filter(({ type }) => type === "InternalIP").map(({ address }) => address),
			podCIDRs: node.spec?.podCIDRs ?? [],
			labels: node.metadata.labels ?? {},
		},
		services: objects.filter(({ kind }) => kind === "Service") as Service[],
		endpointSlices: objects.filter(({ kind }) => kind === "EndpointSlice") as EndpointSlice[],
		config,
	};
	// The generator of the recorded texts leaves the guard out where NodePorts on localhost are off.
	const proxied = savedRuleset(input, { martianGuard: "localhost-nodeports" });
	if (masq === null) return proxied;
	const jump = `*nat\n-A POSTROUTING ${ipMasqJump(masq)}\nCOMMIT\n`;
	const masqueraded = applyRestore(proxied, ipMasqRestore(masq, "ipv4"), { noflush: true });
	return applyRestore(masqueraded, jump, { noflush: true });
}

/** `TABLE CHAIN` to its rules as printed; the chain by which a kubelet says which iptables it uses aside. */
function chainsOf(ruleset: Ruleset): Record<string, string[]> {
	const chains = ruleset.tables.flatMap(({ name, chains }) =>
		chains.map((chain): [string, string[]] => [`${name} ${chain.name}`, chain.rules.map((rule) => printRule(rule))]),
	);
	return Object.fromEntries(chains.filter(([name]) => !name.endsWith("KUBE-IPTABLES-HINT")));
}

describe.skipIf(sharedData === null)("the running shop", () => {
	const masq = {
		...DEFAULT_IP_MASQ_CONFIG,
		chain: "IP-MASQ",
		nonMasqueradeCIDRs: ["10.0.0.0/8", "192.0.2.0/24"],
		masqLinkLocal: true,
	};
	const config: ProxyConfig = {
		...DEFAULT_PROXY_CONFIG,
		detectLocal: { mode: "ClusterCIDR", cidrs: ["10.244.0.0/16"] },
	};

	it.each(["node-1", "node-2", "node-3"])("has the rules that iptables-save printed on %s", (name) => {
		const list = parseAllDocuments(readFileSync(`${shared}shop/cluster.yaml`, "utf8"))[0]?.toJS();
		const objects: KubernetesObject[] = list.items;
		const node = objects.find(({ kind, metadata }) => kind === "Node" && metadata.name === name) as Node;
		const recorded = parseIptablesSave(readFileSync(`${shared}shop/node-state/${name}/iptables-save.txt`, "utf8"));
		const own = rulesOf(node, objects, config, masq);
		for (const table of recorded.tables) {
			const mine = own.tables.filter((other) => other.name === table.name);
			const text = (tables: Ruleset["tables"]): string[] =>
				printIptablesSave({ family: "ipv4", tables })
					.replaceAll(/\[\d+:\d+\]/g, "[0:0]")
					.split("\n")
					.filter((line) => !line.startsWith(":KUBE-IPTABLES-HINT"));
			expect(text(mine)).toEqual(text([table]));
		}
	});
});

interface Scenario {
	nodes: { name: string; iptables: string }[];
	objects: KubernetesObject[];
	proxy: {
		clusterCIDR: string;
		masqueradeAll: boolean;
		localDetector: boolean;
		localhostNodePorts: boolean;
		nodePortAddresses: string[] | null;
		ipMasqAgent: boolean;
	};
}

describe.skipIf(sharedData === null)("random clusters", () => {
	const folder = `${shared}kernel/scenarios/`;
	const files = sharedData === null ? [] : readdirSync(folder).filter((file) => file.startsWith("random-A"));
	const masq = { ...DEFAULT_IP_MASQ_CONFIG, chain: "IP-MASQ", masqLinkLocal: true, randomFully: false };

	it.each(files)("%s: every node's chains", (file) => {
		const { nodes, objects, proxy }: Scenario = JSON.parse(readFileSync(folder + file, "utf8"));
		const config: ProxyConfig = {
			...DEFAULT_PROXY_CONFIG,
			detectLocal: proxy.localDetector ? { mode: "ClusterCIDR", cidrs: [proxy.clusterCIDR] } : { mode: "None" },
			masqueradeAll: proxy.masqueradeAll,
			localhostNodePorts: proxy.localhostNodePorts,
			nodePortAddresses: proxy.nodePortAddresses ?? [],
		};
		for (const { name, iptables } of nodes) {
			const node = objects.find(({ kind, metadata }) => kind === "Node" && metadata.name === name) as Node;
			const own = chainsOf(rulesOf(node, objects, config, proxy.ipMasqAgent ? masq : null));
			expect(own).toEqual(chainsOf(parseIptablesSave(iptables)));
		}
	});
});
