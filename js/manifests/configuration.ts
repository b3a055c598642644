// Where a cluster's settings come from: flags, then the cluster's own artefacts in the input (KubeProxyConfiguration,
// kubeadm ClusterConfiguration, ServiceCIDR, flags of control plane pods, Corefile, ip-masq-agent), then defaults; each
// value with its source. A data plane that is not kube-proxy's iptables mode is recognised and said.

import type { ConfigMap, Pod } from "../api/core.ts";
import type { ServiceCIDR } from "../api/networking.ts";
import { type AddressPrefix, canonicalAddress, maskPrefix, parsePrefix } from "../net/address.ts";
import { LIMITS, Text } from "./document.ts";
import { ManifestError, quote } from "./error.ts";
import { asMap, foreignDataPlanes } from "./foreign.ts";
import {
	BridgeConfigError,
	HAIRPIN_MODES,
	type HairpinMode,
	hairpinOf,
	isHairpinMode,
	isNetworkConfig,
} from "./hairpin.ts";
import { looksLikeJson, parseJson } from "./json.ts";
import type { Manifest } from "./manifest.ts";
import { parseYaml } from "./yaml.ts";

/** A value and where it came from: a flag, an object with its position, `default`. */
export interface Setting<T> {
	value: T;
	source: string;
}

export type FabricKind = "routed" | "l2" | "vxlan";

/** What the command line or a program says itself; undefined: not said. */
export interface Flags {
	podCIDR?: string;
	serviceCIDR?: string;
	clusterDomain?: string;
	proxyMode?: string;
	fabric?: string;
	/** `hairpin-veth`, `promiscuous-bridge` or `none`. */
	hairpinMode?: string;
	/** `none`, or prefixes that are not masqueraded. */
	nonMasquerade?: string;
	/** How many nodes to invent where the input has none. */
	nodes?: number;
	/** Prefix length of a node's IPv4 network. */
	nodeMask?: number;
	loadBalancerPool?: string;
	/** `ADDRESS:PORT` at which pods find the API server; `none`: the cluster has no Service `default/kubernetes` of its own. */
	apiServer?: string;
	/** Admission plugins that are off, with commas between: `ServiceAccount` is the one that can be. */
	disableAdmissionPlugins?: string;
}

export interface Configuration {
	/** The cluster CIDR: at most one prefix a family, the primary family first. */
	podCIDRs: Setting<AddressPrefix[]>;
	/** Prefix length of a node's network, IPv4 and IPv6. */
	nodeMask: Setting<{ ipv4: number; ipv6: number }>;
	serviceCIDRs: Setting<AddressPrefix[]>;
	nodePorts: Setting<{ first: number; last: number }>;
	clusterDomain: Setting<string>;
	proxyMode: Setting<"iptables" | "nftables">;
	/** The KubeProxyConfiguration as its ConfigMap holds it; empty where there is none. */
	kubeProxy: Setting<Record<string, unknown>>;
	fabric: Setting<FabricKind>;
	/** How a pod reaches itself through its own Service. */
	hairpinMode: Setting<HairpinMode>;
	/** Destinations that keep a pod's address; null: nothing masquerades what leaves the cluster. */
	nonMasquerade: Setting<string[] | null>;
	/** Other fields of ip-masq-agent's configuration. */
	ipMasq: Setting<{ masqLinkLocal: boolean; masqLinkLocalIPv6: boolean }>;
	nodes: Setting<number>;
	loadBalancerPool: Setting<AddressPrefix>;
	/** What `default/kubernetes` leads to; without an address that of a control plane node, else of a machine beside the nodes. */
	apiServer: Setting<{ address: string | null; port: number } | null>;
	/** Admission plugins that are off. */
	disabledPlugins: Setting<string[]>;
}

export interface Configured {
	configuration: Configuration;
	errors: ManifestError[];
	/** Another data plane carries this cluster's Services: its name and why we think so. */
	foreign: { name: string; source: string }[];
}

/** kube-apiserver's default. */
const SECURE_PORT = 6443;
const SWITCHED_PLUGINS = ["ServiceAccount"];

export const DEFAULT_NON_MASQUERADE: readonly string[] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/** A flag with a value that cannot be; the command line's own error names the flag too. */
export class FlagError extends Error {
	readonly flag: string;

	constructor(flag: string, message: string) {
		super(`${flag}: ${message}`);
		this.name = "FlagError";
		this.flag = flag;
	}
}

/** @throws FlagError for a flag that cannot be read; artefacts that cannot be are in `errors`. */
export function configure(objects: readonly Manifest[], flags: Flags = {}): Configured {
	const artefacts = new Artefacts(objects);
	const proxy = artefacts.kubeProxy();
	const kubeadm = artefacts.section("kube-system", "kubeadm-config", "ClusterConfiguration");
	const networking = asMap(kubeadm?.value.networking);
	const ipMasq = artefacts.ipMasq();
	const from = (value: unknown, source: string | undefined): Setting<string> | null =>
		typeof value === "string" && value !== "" ? { value, source: source ?? "" } : null;

	const podCIDR =
		flag("--pod-cidr", flags.podCIDR) ??
		from(asMap(proxy?.value).clusterCIDR, proxy?.source) ??
		from(networking.podSubnet, kubeadm?.source) ??
		artefacts.commandFlag("kube-controller-manager", "--cluster-cidr");
	const serviceCIDR =
		flag("--service-cidr", flags.serviceCIDR) ??
		artefacts.serviceCIDR() ??
		artefacts.commandFlag("kube-apiserver", "--service-cluster-ip-range") ??
		from(networking.serviceSubnet, kubeadm?.source);
	const nodePorts = artefacts.commandFlag("kube-apiserver", "--service-node-port-range");
	const nodeMask = artefacts.commandFlag("kube-controller-manager", "--node-cidr-mask-size");
	const mode = proxyMode(flags, proxy);
	const configuration: Configuration = {
		podCIDRs: artefacts.prefixes(podCIDR ?? { value: "10.244.0.0/16", source: "default" }),
		nodeMask: maskSetting(flags, nodeMask),
		serviceCIDRs: artefacts.prefixes(serviceCIDR ?? { value: "10.96.0.0/12", source: "default" }),
		nodePorts: portRange(nodePorts),
		clusterDomain: flag("--cluster-domain", flags.clusterDomain) ??
			artefacts.corefileZone() ??
			from(networking.dnsDomain, kubeadm?.source) ?? { value: "cluster.local", source: "default" },
		proxyMode: { value: mode.value === "nftables" ? "nftables" : "iptables", source: mode.source },
		kubeProxy: proxy ?? { value: {}, source: "default" },
		fabric: fabricSetting(flags),
		hairpinMode: hairpinSetting(flags, artefacts),
		nonMasquerade: nonMasquerade(flags, ipMasq),
		ipMasq: ipMasqFlags(ipMasq),
		nodes: nodeCount(flags),
		loadBalancerPool: poolSetting(flags),
		apiServer: apiServerSetting(flags, artefacts),
		disabledPlugins: pluginSetting(flags, artefacts),
	};
	return { configuration, errors: artefacts.errors, foreign: foreignDataPlanes(objects, mode) };
}

function flag(name: string, value: string | undefined): Setting<string> | null {
	if (value === undefined) return null;
	if (name.endsWith("-cidr")) for (const text of value.split(",")) flagPrefix(name, text);
	return { value, source: name };
}

function flagPrefix(name: string, text: string): AddressPrefix {
	const prefix = text.includes("/") ? parsePrefix(text.trim()) : null;
	if (prefix === null) throw new FlagError(name, `expected a CIDR such as 10.244.0.0/16, got ${quote(text)}`);
	return maskPrefix(prefix);
}

function maskSetting(flags: Flags, artefact: Setting<string> | null): Setting<{ ipv4: number; ipv6: number }> {
	if (flags.nodeMask !== undefined)
		return { value: { ipv4: flags.nodeMask, ipv6: 64 }, source: "--node-cidr-mask-size" };
	const ipv4 = Number(artefact?.value);
	if (artefact !== null && ipv4 >= 8 && ipv4 <= 30) return { value: { ipv4, ipv6: 64 }, source: artefact.source };
	return { value: { ipv4: 24, ipv6: 64 }, source: "default" };
}

function portRange(artefact: Setting<string> | null): Configuration["nodePorts"] {
	const [first, last] = (artefact?.value ?? "").split("-").map(Number);
	if (artefact !== null && first && last && first < last) return { value: { first, last }, source: artefact.source };
	return { value: { first: 30000, last: 32767 }, source: "default" };
}

const PROXY_MODES = ["iptables", "nftables", "ipvs"];

function proxyMode(flags: Flags, proxy: Setting<Record<string, unknown>> | null): Setting<string> {
	if (flags.proxyMode !== undefined) {
		if (flags.proxyMode !== "iptables" && flags.proxyMode !== "nftables") {
			throw new FlagError("--proxy-mode", `expected iptables or nftables, got ${quote(flags.proxyMode)}`);
		}
		return { value: flags.proxyMode, source: "--proxy-mode" };
	}
	const mode = proxy?.value.mode;
	if (proxy !== null && typeof mode === "string" && PROXY_MODES.includes(mode))
		return { value: mode, source: proxy.source };
	return { value: "iptables", source: "default" };
}

function fabricSetting({ fabric }: Flags): Setting<FabricKind> {
	if (fabric === undefined) return { value: "routed", source: "default" };
	if (fabric !== "routed" && fabric !== "l2" && fabric !== "vxlan")
		throw new FlagError("--fabric", `expected routed, l2 or vxlan, got ${quote(fabric)}`);
	return { value: fabric, source: "--fabric" };
}

/** The network plugin acts on its own configuration; the kubelet's is of the time when it made the bridge itself. */
function hairpinSetting({ hairpinMode }: Flags, artefacts: Artefacts): Setting<HairpinMode> {
	if (hairpinMode === undefined)
		return artefacts.bridge() ?? artefacts.kubelet() ?? { value: "hairpin-veth", source: "default" };
	if (!isHairpinMode(hairpinMode))
		throw new FlagError("--hairpin-mode", `expected ${HAIRPIN_MODES.join(", ")}, got ${quote(hairpinMode)}`);
	return { value: hairpinMode, source: "--hairpin-mode" };
}

function nodeCount({ nodes }: Flags): Setting<number> {
	if (nodes === undefined) return { value: 3, source: "default" };
	if (!Number.isInteger(nodes) || nodes < 1 || nodes > 5000)
		throw new FlagError("--nodes", `must be 1-5000, got ${nodes}`);
	return { value: nodes, source: "--nodes" };
}

function poolSetting({ loadBalancerPool }: Flags): Setting<AddressPrefix> {
	if (loadBalancerPool !== undefined)
		return { value: flagPrefix("--load-balancer-pool", loadBalancerPool), source: "--load-balancer-pool" };
	return { value: { family: "ipv4", address: "203.0.113.0", length: 24 }, source: "default" };
}

function apiServerSetting({ apiServer }: Flags, artefacts: Artefacts): Configuration["apiServer"] {
	if (apiServer === "none") return { value: null, source: "--api-server" };
	if (apiServer !== undefined) {
		const [, six, four = "", digits = ""] = /^(?:\[(.*)\]|([^:]*)):(\d{1,5})$/.exec(apiServer) ?? [];
		const [address, port] = [canonicalAddress(six ?? four), Number(digits)];
		if (address === null || port < 1 || port > 65535)
			throw new FlagError("--api-server", `expected ADDRESS:PORT or none, got ${quote(apiServer)}`);
		return { value: { address, port }, source: "--api-server" };
	}
	const address = artefacts.commandFlag("kube-apiserver", "--advertise-address");
	const port = Number(artefacts.commandFlag("kube-apiserver", "--secure-port")?.value ?? SECURE_PORT);
	return {
		value: { address: canonicalAddress(address?.value ?? ""), port: port > 0 && port < 65536 ? port : SECURE_PORT },
		source: address?.source ?? "default",
	};
}

/** Plugins of a control plane's own flags that this API has no switch for are on, and not listed. */
function pluginSetting({ disableAdmissionPlugins: given }: Flags, artefacts: Artefacts): Setting<string[]> {
	const words = (text: string) => text.split(",").filter((word) => word !== "");
	if (given !== undefined) {
		const wrong = words(given).find((word) => !SWITCHED_PLUGINS.includes(word));
		if (wrong !== undefined)
			throw new FlagError(
				"--disable-admission-plugins",
				`expected ${SWITCHED_PLUGINS.join(", ")}, got ${quote(wrong)}`,
			);
		return { value: words(given), source: "--disable-admission-plugins" };
	}
	const { value, source } = artefacts.commandFlag("kube-apiserver", "--disable-admission-plugins") ?? {
		...{ value: "", source: "default" },
	};
	return { value: words(value).filter((word) => SWITCHED_PLUGINS.includes(word)), source };
}

function nonMasquerade(flags: Flags, ipMasq: Setting<Record<string, unknown>> | null): Setting<string[] | null> {
	if (flags.nonMasquerade === "none") return { value: null, source: "--non-masquerade" };
	if (flags.nonMasquerade !== undefined) {
		const texts = flags.nonMasquerade.split(",").map((text) => text.trim());
		for (const text of texts) flagPrefix("--non-masquerade", text);
		return { value: texts, source: "--non-masquerade" };
	}
	const listed = ipMasq?.value.nonMasqueradeCIDRs;
	if (ipMasq !== null && Array.isArray(listed)) return { value: listed.map(String), source: ipMasq.source };
	return { value: [...DEFAULT_NON_MASQUERADE], source: ipMasq?.source ?? "default" };
}

function ipMasqFlags(ipMasq: Setting<Record<string, unknown>> | null): Configuration["ipMasq"] {
	const { masqLinkLocal, masqLinkLocalIPv6 } = asMap(ipMasq?.value);
	return {
		value: { masqLinkLocal: masqLinkLocal === true, masqLinkLocalIPv6: masqLinkLocalIPv6 === true },
		source: ipMasq?.source ?? "default",
	};
}

/** Reads the settings that a cluster keeps about itself. */
class Artefacts {
	readonly errors: ManifestError[] = [];
	private readonly objects: readonly Manifest[];

	constructor(objects: readonly Manifest[]) {
		this.objects = objects;
	}

	private configMap(namespace: string, name: string): Manifest<ConfigMap> | undefined {
		return this.objects.find(
			({ object }) =>
				object.kind === "ConfigMap" && object.metadata.namespace === namespace && object.metadata.name === name,
		) as Manifest<ConfigMap> | undefined;
	}

	/** A YAML or JSON document inside a ConfigMap. */
	section(namespace: string, name: string, key: string): Setting<Record<string, unknown>> | null {
		const manifest = this.configMap(namespace, name);
		const content = manifest?.object.data?.[key];
		if (manifest === undefined || content === undefined) return null;
		const text = new Text(`${name}/${key}`, content);
		const options = { limits: LIMITS, strict: true };
		const { documents, errors } = looksLikeJson(content) ? parseJson(text, options) : parseYaml(text, options);
		for (const error of errors)
			this.errors.push(manifest.error(["data", key], `line ${error.line}, column ${error.column}: ${error.detail}`));
		const root = documents[0]?.root;
		return errors.length > 0 || root === undefined
			? null
			: { value: asMap(root), source: manifest.where(["data", key]) };
	}

	kubeProxy(): Setting<Record<string, unknown>> | null {
		return (
			this.section("kube-system", "kube-proxy", "config.conf") ??
			this.section("kube-system", "kube-proxy-config", "config")
		);
	}

	/** What the first network configuration says that makes a bridge; one that contradicts itself is an error at its place. */
	bridge(): Setting<HairpinMode> | null {
		for (const manifest of this.objects) {
			const { kind, metadata, data = {} } = manifest.object as ConfigMap;
			for (const key of kind === "ConfigMap" ? Object.keys(data).filter(isNetworkConfig) : []) {
				const config = this.section(metadata.namespace ?? "", metadata.name ?? "", key);
				try {
					const value = config && hairpinOf(config.value);
					if (value) return { value, source: manifest.where(["data", key]) };
				} catch (error) {
					if (!(error instanceof BridgeConfigError)) throw error;
					this.errors.push(manifest.error(["data", key], `${error.path}: ${error.message}`));
				}
			}
		}
		return null;
	}

	/** Of a KubeletConfiguration that says so. */
	kubelet(): Setting<HairpinMode> | null {
		const config = this.section("kube-system", "kubelet-config", "kubelet");
		const mode = config?.value.hairpinMode;
		if (config === null || mode === undefined || mode === "") return null;
		if (isHairpinMode(mode)) return { value: mode, source: config.source };
		const expected = `hairpinMode: expected ${HAIRPIN_MODES.join(", ")}, got ${JSON.stringify(mode)}`;
		this.errors.push(new ManifestError({ file: config.source, line: 0, column: 0 }, "", expected));
		return null;
	}

	ipMasq(): Setting<Record<string, unknown>> | null {
		return this.section("kube-system", "ip-masq-agent", "config");
	}

	/** The default ServiceCIDR object (KEP-1880). */
	serviceCIDR(): Setting<string> | null {
		const manifest = this.objects.find(
			({ object }) => object.kind === "ServiceCIDR" && object.metadata.name === "kubernetes",
		) as Manifest<ServiceCIDR> | undefined;
		const cidrs = manifest?.object.spec?.cidrs ?? [];
		return manifest === undefined || cidrs.length === 0
			? null
			: { value: cidrs.join(","), source: manifest.where(["spec", "cidrs"]) };
	}

	/** A flag of a control plane component that runs as a pod. */
	commandFlag(component: string, name: string): Setting<string> | null {
		for (const manifest of this.objects) {
			if (manifest.object.kind !== "Pod") continue;
			const containers = (manifest.object as Pod).spec?.containers ?? [];
			for (const [index, container] of containers.entries()) {
				const words = [...(container.command ?? []), ...(container.args ?? [])];
				if (container.name !== component && !words[0]?.endsWith(component)) continue;
				const found = words.find((word) => word.startsWith(`${name}=`));
				if (found !== undefined)
					return {
						value: found.slice(name.length + 1),
						source: `${name} of ${manifest.where(["spec", "containers", index])}`,
					};
			}
		}
		return null;
	}

	/** The first zone of the Corefile's kubernetes plugin. */
	corefileZone(): Setting<string> | null {
		const manifest = this.configMap("kube-system", "coredns");
		const zone = /^[ \t]*kubernetes[ \t]+([A-Za-z0-9.-]+)/m.exec(manifest?.object.data?.["Corefile"] ?? "")?.[1];
		if (manifest === undefined || zone === undefined || zone.endsWith("in-addr.arpa")) return null;
		return { value: zone.replace(/\.$/, ""), source: manifest.where(["data", "Corefile"]) };
	}

	/** Comma-separated prefixes of a setting; what is none is an error that names the source. */
	prefixes(setting: Setting<string>): Setting<AddressPrefix[]> {
		const value = setting.value.split(",").flatMap((text) => {
			const prefix = text.includes("/") ? parsePrefix(text.trim()) : null;
			if (prefix !== null) return [maskPrefix(prefix)];
			this.errors.push(
				new ManifestError({ file: setting.source, line: 0, column: 0 }, "", `expected a CIDR, got ${quote(text)}`),
			);
			return [];
		});
		return { value, source: setting.source };
	}
}
