// What kube-proxy is told: the parts of a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1) that decide its
// iptables rules and when it writes them, and what it finds on its machine. Conntrack limits and metrics are not here.

import type { AddressPrefix } from "../net/address.ts";
import { printPrefix } from "../net/address.ts";
import { parseGoDuration } from "../net/duration.ts";
import type { Family } from "../net/ruleset.ts";
import { prefixesOf } from "./addresses.ts";

/** How kube-proxy tells a packet of a local pod from others; the texts are rule words. */
export type DetectLocal =
	| { mode: "ClusterCIDR"; cidrs: string[] }
	/** The Node's own podCIDRs. */
	| { mode: "NodeCIDR" }
	| { mode: "BridgeInterface"; interface: string }
	| { mode: "InterfaceNamePrefix"; prefix: string }
	/** Nobody is known to be a pod. */
	| { mode: "None" };

export interface ProxyConfig {
	detectLocal: DetectLocal;
	/** Masquerade whatever goes to a cluster IP. */
	masqueradeAll: boolean;
	/** Bit of the mark that asks for masquerading, 0–31. */
	masqueradeBit: number;
	/** NodePorts on 127.0.0.1 (IPv4 only); needs net.ipv4.conf.all.route_localnet=1. */
	localhostNodePorts: boolean;
	/** Prefixes that a node's address must be in to take NodePorts; empty: every local address. */
	nodePortAddresses: string[];
	/** The machine's iptables knows `MASQUERADE --random-fully` (since 1.6.2). */
	randomFully: boolean;
	/** net.netfilter.nf_conntrack_tcp_be_liberal is not 0: no INVALID packets need to be dropped. */
	conntrackTCPBeLiberal: boolean;
	/** Feature gate LoadBalancerIPMode (always on from 1.32): load balancers with ipMode Proxy get no rules. */
	loadBalancerIPMode: boolean;
	/** The machine has nfacct counters: two rules get an `-m nfacct`. */
	nfacct: boolean;
	/** From one sync to the next at least, ms. */
	minSyncPeriodMs: number;
	/** How often it looks whether its canary chain is there; and when it tries a failed sync again, ms. */
	syncPeriodMs: number;
}

/** Defaults of kube-proxy 1.36, on a machine without nfacct counters, and no pod network known. */
export const DEFAULT_PROXY_CONFIG: ProxyConfig = {
	detectLocal: { mode: "None" },
	masqueradeAll: false,
	masqueradeBit: 14,
	localhostNodePorts: true,
	nodePortAddresses: [],
	randomFully: true,
	conntrackTCPBeLiberal: false,
	loadBalancerIPMode: true,
	nfacct: false,
	minSyncPeriodMs: 1000,
	syncPeriodMs: 30_000,
};

/** The fields of a KubeProxyConfiguration that are read here, as a ConfigMap holds them. */
export interface KubeProxyConfiguration {
	mode?: string;
	clusterCIDR?: string;
	detectLocalMode?: string;
	detectLocal?: { bridgeInterface?: string; interfaceNamePrefix?: string };
	nodePortAddresses?: string[] | null;
	iptables?: {
		masqueradeAll?: boolean;
		masqueradeBit?: number | null;
		localhostNodePorts?: boolean | null;
		minSyncPeriod?: string;
		syncPeriod?: string;
	};
	conntrack?: { tcpBeLiberal?: boolean };
}

/** A KubeProxyConfiguration that asks for what is not modelled or does not exist. */
export class ProxyConfigError extends Error {
	readonly field: string;

	constructor(field: string, message: string) {
		super(`KubeProxyConfiguration ${field}: ${message}`);
		this.name = "ProxyConfigError";
		this.field = field;
	}
}

function cidrsOf(text: string): string[] {
	return text
		.split(",")
		.map((word) => word.trim())
		.filter((word) => word !== "");
}

const DETECT_LOCAL_MODES = ["ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"];

function detectLocalOf(configuration: KubeProxyConfiguration): DetectLocal {
	const { detectLocal = {}, clusterCIDR = "" } = configuration;
	switch (configuration.detectLocalMode || "ClusterCIDR") {
		case "ClusterCIDR":
			return { mode: "ClusterCIDR", cidrs: cidrsOf(clusterCIDR) };
		case "NodeCIDR":
			return { mode: "NodeCIDR" };
		case "BridgeInterface":
			return { mode: "BridgeInterface", interface: required(detectLocal.bridgeInterface, "bridgeInterface") };
		case "InterfaceNamePrefix":
			return { mode: "InterfaceNamePrefix", prefix: required(detectLocal.interfaceNamePrefix, "interfaceNamePrefix") };
		default:
			throw new ProxyConfigError(
				"detectLocalMode",
				`${JSON.stringify(configuration.detectLocalMode)}: expected one of ${DETECT_LOCAL_MODES.join(", ")}`,
			);
	}
}

function required(value: string | undefined, field: string): string {
	if (value === undefined || value === "") {
		throw new ProxyConfigError(`detectLocal.${field}`, "expected an interface name, got nothing");
	}
	return value;
}

type Period = "minSyncPeriod" | "syncPeriod";

function periodOf(iptables: Partial<Record<Period, string>>, field: Period, preset: string): number {
	const ms = parseGoDuration(iptables[field] ?? preset);
	if (ms !== null) return ms;
	const given = JSON.stringify(iptables[field]);
	throw new ProxyConfigError(`iptables.${field}`, `${given}: expected a duration as in 1s or 500ms`);
}

/** Of none at all, as a file that was written for defaults has it, kube-proxy makes its default. */
function syncPeriodOf(iptables: Partial<Record<Period, string>>): number {
	const ms = periodOf(iptables, "syncPeriod", "30s");
	if (ms < 0) throw new ProxyConfigError("iptables.syncPeriod", `${iptables.syncPeriod}: expected more than 0`);
	return ms === 0 ? DEFAULT_PROXY_CONFIG.syncPeriodMs : ms;
}

/**
 * The configuration that a KubeProxyConfiguration asks for, on the machine that `machine` describes.
 * @throws ProxyConfigError for a mode other than iptables, an unknown detectLocalMode, a mark bit out of range
 */
export function readProxyConfig(
	configuration: KubeProxyConfiguration,
	machine: Partial<Pick<ProxyConfig, "randomFully" | "nfacct">> = {},
): ProxyConfig {
	const mode = configuration.mode || "iptables";
	if (mode !== "iptables")
		throw new ProxyConfigError("mode", `${JSON.stringify(mode)} is not modelled: expected "iptables"`);
	const { iptables = {} } = configuration;
	const masqueradeBit = iptables.masqueradeBit ?? DEFAULT_PROXY_CONFIG.masqueradeBit;
	if (!Number.isInteger(masqueradeBit) || masqueradeBit < 0 || masqueradeBit > 31) {
		throw new ProxyConfigError("iptables.masqueradeBit", `${masqueradeBit}: expected an integer from 0 to 31`);
	}
	return {
		...DEFAULT_PROXY_CONFIG,
		...machine,
		minSyncPeriodMs: periodOf(iptables, "minSyncPeriod", "1s"),
		syncPeriodMs: syncPeriodOf(iptables),
		detectLocal: detectLocalOf(configuration),
		masqueradeAll: iptables.masqueradeAll ?? false,
		masqueradeBit,
		localhostNodePorts: iptables.localhostNodePorts ?? true,
		nodePortAddresses: configuration.nodePortAddresses ?? [],
		conntrackTCPBeLiberal: configuration.conntrack?.tcpBeLiberal ?? false,
	};
}

/** Rule words that match packets of a local pod, and packets of anyone else. */
export interface LocalDetector {
	ifLocal: string[];
	ifNotLocal: string[];
}

function bySource(prefixes: readonly AddressPrefix[]): LocalDetector | null {
	const [first] = prefixes;
	if (first === undefined) return null;
	return { ifLocal: ["-s", printPrefix(first)], ifNotLocal: ["!", "-s", printPrefix(first)] };
}

function byInterface(name: string): LocalDetector {
	return { ifLocal: ["-i", name], ifNotLocal: ["!", "-i", name] };
}

/** Of several prefixes the family's first counts, as upstream. Null: this proxy cannot tell. */
export function localDetector(detect: DetectLocal, family: Family, podCIDRs: readonly string[]): LocalDetector | null {
	switch (detect.mode) {
		case "ClusterCIDR":
			return bySource(prefixesOf(detect.cidrs, family));
		case "NodeCIDR":
			return bySource(prefixesOf(podCIDRs, family));
		case "BridgeInterface":
			return byInterface(detect.interface);
		case "InterfaceNamePrefix":
			return byInterface(`${detect.prefix}+`);
		case "None":
			return null;
	}
}
