// A recorded cluster from its API objects alone: `objects` and `proxy` of a random-A scenario become each node's rules by
// podwire's own kube-proxy and ip-masq-agent, in place of the recorded rule text. Nothing of that text is read.

import type { Node, Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { DEFAULT_IP_MASQ_CONFIG, ipMasqJump, ipMasqRestore } from "../../js/cni/ipmasq.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../js/kube-proxy/config.ts";
import { type NodeState, syncNode } from "../../js/kube-proxy/saved.ts";
import { applyRestore, parseIptablesSave, printIptablesSave } from "../../js/net/iptables/index.ts";
import type { NodeSpec, Topology } from "../../js/net/topology.ts";

/** What the recorded cluster's node agents were told. */
export interface ProxyFlags {
	clusterCIDR: string;
	masqueradeAll: boolean;
	localDetector: boolean;
	localhostNodePorts: boolean;
	nodePortAddresses: string[] | null;
	/** ip-masq-agent runs, with its default destinations. */
	ipMasqAgent: boolean;
	/** Policy of filter FORWARD. */
	forwardPolicy: "ACCEPT" | "DROP";
}

export interface ObjectsScenario extends Topology {
	objects: KubernetesObject[];
	proxy: ProxyFlags;
}

const ROUTE_LOCALNET = "net.ipv4.conf.all.route_localnet";
/** The recorded agent's flags: a chain name of its own, link-local destinations masqueraded too, no `--random-fully`. */
const IP_MASQ = { ...DEFAULT_IP_MASQ_CONFIG, chain: "IP-MASQ", masqLinkLocal: true, randomFully: false };

export function hasObjects(scenario: Topology): scenario is ObjectsScenario {
	return "objects" in scenario && "proxy" in scenario;
}

/** The scenario's network with rules, and the sysctl that goes with them, made from its objects. */
export function fromObjects(scenario: ObjectsScenario): Topology {
	return { ...scenario, nodes: scenario.nodes.map((node) => withOwnRules(node, scenario)) };
}

function withOwnRules(spec: NodeSpec, { objects, proxy }: ObjectsScenario): NodeSpec {
	const node = (objects as Node[]).find(({ kind, metadata }) => kind === "Node" && metadata.name === spec.name);
	if (node === undefined) throw new RangeError(`the objects hold no Node ${spec.name}`);
	const { ruleset, sync } = synced(node, objects, proxy);
	const { [ROUTE_LOCALNET]: _recorded, ...sysctls } = spec.sysctls ?? {};
	const localnet: Record<string, number> = sync.routeLocalnet ? { [ROUTE_LOCALNET]: 1 } : {};
	const text = printIptablesSave(proxy.ipMasqAgent ? masqueraded(ruleset) : ruleset);
	return { ...spec, iptables: text, sysctls: { ...sysctls, ...localnet } };
}

function synced(node: Node, objects: readonly KubernetesObject[], proxy: ProxyFlags): NodeState {
	const base = `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ${proxy.forwardPolicy} [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n`;
	const input = {
		family: "ipv4" as const,
		node: {
			name: node.metadata.name ?? "",
			ips: (node.status?.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => address),
			podCIDRs: node.spec?.podCIDRs ?? [],
			labels: node.metadata.labels ?? {},
		},
		services: objects.filter(({ kind }) => kind === "Service") as Service[],
		endpointSlices: objects.filter(({ kind }) => kind === "EndpointSlice") as EndpointSlice[],
		config: configOf(proxy),
	};
	const ruleset = parseIptablesSave(base, { family: "ipv4" });
	return syncNode(input, { martianGuard: "localhost-nodeports", ruleset });
}

function configOf(proxy: ProxyFlags): ProxyConfig {
	return {
		...DEFAULT_PROXY_CONFIG,
		masqueradeAll: proxy.masqueradeAll,
		detectLocal: proxy.localDetector ? { mode: "ClusterCIDR", cidrs: [proxy.clusterCIDR] } : { mode: "None" },
		localhostNodePorts: proxy.localhostNodePorts,
		nodePortAddresses: proxy.nodePortAddresses ?? [],
		randomFully: true,
	};
}

function masqueraded(ruleset: NodeState["ruleset"]): NodeState["ruleset"] {
	const chain = applyRestore(ruleset, ipMasqRestore(IP_MASQ, "ipv4"), { noflush: true });
	return applyRestore(chain, `*nat\n-A POSTROUTING ${ipMasqJump(IP_MASQ)}\nCOMMIT\n`, { noflush: true });
}
