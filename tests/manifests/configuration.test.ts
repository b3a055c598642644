// Settings and where they come from: flags before artefacts before defaults.

import { describe, expect, it } from "vitest";
import { type Configured, configure, FlagError, type Flags } from "../../js/manifests/configuration.ts";
import { loadManifests } from "../../js/manifests/load.ts";
import { printPrefix } from "../../js/net/address.ts";

function configured(text: string, flags: Flags = {}): Configured {
	const loaded = loadManifests([{ name: "dump.yaml", text }]);
	expect(loaded.errors).toEqual([]);
	return configure(loaded.objects, flags);
}

function configMap(name: string, key: string, content: string, namespace = "kube-system"): string {
	return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: ${namespace}}\ndata:\n  ${key}: |\n    ${content.split("\n").join("\n    ")}\n`;
}

const PROXY = configMap(
	"kube-proxy",
	"config.conf",
	"apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.42.0.0/16\nmode: ''\niptables: {masqueradeAll: true}",
);
const KUBEADM = configMap(
	"kubeadm-config",
	"ClusterConfiguration",
	"kind: ClusterConfiguration\nnetworking:\n  dnsDomain: corp.example\n  podSubnet: 10.50.0.0/16\n  serviceSubnet: 10.43.0.0/16",
);
const MASQ = configMap("ip-masq-agent", "config", "nonMasqueradeCIDRs:\n- 10.0.0.0/8\nmasqLinkLocal: true");

describe("configuration", () => {
	it("has defaults", () => {
		const { configuration, foreign } = configured("");
		expect(configuration.podCIDRs.value.map(printPrefix)).toEqual(["10.244.0.0/16"]);
		expect(configuration.serviceCIDRs.value.map(printPrefix)).toEqual(["10.96.0.0/12"]);
		expect([configuration.clusterDomain.value, configuration.fabric.value, configuration.nodes.value]).toEqual([
			"cluster.local",
			"routed",
			3,
		]);
		expect(new Set(Object.values(configuration).map((setting) => setting.source))).toEqual(new Set(["default"]));
		expect(foreign).toEqual([]);
	});

	it("reads the cluster's own artefacts and says which", () => {
		const { configuration } = configured([PROXY, KUBEADM, MASQ].join("---\n"));
		expect(configuration.podCIDRs.value.map(printPrefix)).toEqual(["10.42.0.0/16"]);
		expect(configuration.podCIDRs.source).toBe("dump.yaml:5:16 (ConfigMap kube-system/kube-proxy)");
		expect(configuration.serviceCIDRs.value.map(printPrefix)).toEqual(["10.43.0.0/16"]);
		expect(configuration.clusterDomain.value).toBe("corp.example");
		expect(configuration.nonMasquerade.value).toEqual(["10.0.0.0/8"]);
		expect(configuration.ipMasq.value.masqLinkLocal).toBe(true);
		expect(configuration.kubeProxy.value.iptables).toEqual({ masqueradeAll: true });
	});

	it("lets a flag win", () => {
		const { configuration } = configured(PROXY, { podCIDR: "10.9.0.0/16", nonMasquerade: "none", fabric: "vxlan" });
		expect(configuration.podCIDRs).toEqual({
			value: [{ family: "ipv4", address: "10.9.0.0", length: 16 }],
			source: "--pod-cidr",
		});
		expect(configuration.nonMasquerade).toEqual({ value: null, source: "--non-masquerade" });
		expect(configuration.fabric.value).toBe("vxlan");
	});

	it.each([
		[{ podCIDR: "10.0.0.0" }, '--pod-cidr: expected a CIDR such as 10.244.0.0/16, got "10.0.0.0"'],
		[{ fabric: "mesh" }, '--fabric: expected routed, l2 or vxlan, got "mesh"'],
		[{ proxyMode: "ipvs" }, '--proxy-mode: expected iptables or nftables, got "ipvs"'],
		[{ apiServer: "10.0.0.1" }, '--api-server: expected ADDRESS:PORT or none, got "10.0.0.1"'],
		[{ apiServer: "10.0.0.1:0" }, '--api-server: expected ADDRESS:PORT or none, got "10.0.0.1:0"'],
		[{ disableAdmissionPlugins: "X" }, '--disable-admission-plugins: expected ServiceAccount, got "X"'],
		[{ nodes: 0 }, "--nodes: must be 1-5000, got 0"],
		[{ nonMasquerade: "10.0.0.0/8,x" }, '--non-masquerade: expected a CIDR such as 10.244.0.0/16, got "x"'],
	])("refuses %o", (flags, message) => {
		expect(() => configured("", flags)).toThrow(
			new FlagError(message.split(": ")[0] ?? "", message.split(": ").slice(1).join(": ")),
		);
	});

	it("reads the flags of a static control plane and the Corefile", () => {
		const pod = (name: string, flag: string) =>
			`apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: kube-system}\nspec: {containers: [{name: ${name}, command: [${name}, ${flag}]}]}\n`;
		const corefile = configMap(
			"coredns",
			"Corefile",
			".:53 {\n    errors\n    kubernetes c.example in-addr.arpa ip6.arpa {\n      pods insecure\n    }\n}",
		);
		const { configuration } = configured(
			[
				pod("kube-apiserver", "--service-cluster-ip-range=10.7.0.0/16"),
				pod("kube-controller-manager", "--cluster-cidr=10.8.0.0/16"),
				corefile,
			].join("---\n"),
		);
		expect(configuration.serviceCIDRs.value.map(printPrefix)).toEqual(["10.7.0.0/16"]);
		expect(configuration.podCIDRs.value.map(printPrefix)).toEqual(["10.8.0.0/16"]);
		expect(configuration.clusterDomain.value).toBe("c.example");
	});

	it("names the line of an artefact that cannot be read", () => {
		const [error] = configured(configMap("kube-proxy", "config.conf", "a: [1\nb")).errors;
		expect(error?.message).toContain('dump.yaml:5:16: data["config.conf"]: line');
	});

	it.each([
		[configMap("kube-proxy", "config.conf", "mode: ipvs"), "kube-proxy in IPVS mode"],
		[
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {kube-proxy-replacement: 'true'}\n",
			"Cilium without kube-proxy",
		],
		[
			"apiVersion: crd.projectcalico.org/v1\nkind: FelixConfiguration\nmetadata: {name: default}\nspec: {bpfEnabled: true}\n",
			"Calico's eBPF data plane",
		],
	])("recognises a foreign data plane", (text, name) => {
		expect(configured(text).foreign.map((entry) => entry.name)).toEqual([name]);
	});
});
