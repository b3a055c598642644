// hostPort: the portmap plugin's rules (containernetworking/plugins plugins/meta/portmap/portmap_iptables.go). The
// names of the per-pod chains hash a container id that only a runtime knows: here the pod's name stands for it.

import type { ContainerPort, Pod } from "../api/core.ts";

const DNAT = "CNI-HOSTPORT-DNAT";
const SETMARK = "CNI-HOSTPORT-SETMARK";
const MASQ = "CNI-HOSTPORT-MASQ";
/** The mark of what must be masqueraded: bit 13, where kube-proxy's is 14. */
const MARK = "0x2000/0x2000";
const MULTIPORT_MAX = 15;

/** A rule of a built-in chain in nat, after `-A CHAIN`. */
export interface PortmapJump {
	chain: "PREROUTING" | "OUTPUT" | "POSTROUTING";
	rule: string;
	/** First in the chain; else last. */
	prepend: boolean;
}

export const PORTMAP_JUMPS: readonly PortmapJump[] = [
	{ chain: "PREROUTING", rule: `-m addrtype --dst-type LOCAL -j ${DNAT}`, prepend: false },
	{ chain: "OUTPUT", rule: `-m addrtype --dst-type LOCAL -j ${DNAT}`, prepend: false },
	{ chain: "POSTROUTING", rule: `-m comment --comment "CNI portfwd requiring masquerade" -j ${MASQ}`, prepend: true },
];

interface Mapping {
	pod: Pod;
	podIP: string;
	ports: ContainerPort[];
}

/** Pods of one node with a hostPort; hostNetwork pods need no mapping. IPv4 addresses only. */
function mappingsOf(pods: readonly Pod[]): Mapping[] {
	return pods.flatMap((pod) => {
		const podIP = pod.status?.podIP;
		if (!podIP || podIP.includes(":") || pod.spec?.hostNetwork === true) return [];
		const ports = (pod.spec?.containers ?? []).flatMap((container) =>
			(container.ports ?? []).filter((port) => port.hostPort),
		);
		return ports.length > 0 ? [{ pod, podIP, ports }] : [];
	});
}

/**
 * The chains as fed to `iptables-restore --noflush`, or null where no pod of the node has a hostPort.
 * `pods`: those of one node. `podCIDR`: the node's. The jumps to them are `PORTMAP_JUMPS`.
 */
export function portmapRestore(pods: readonly Pod[], podCIDR: string, network = "cbr0"): string | null {
	const mappings = mappingsOf(pods);
	if (mappings.length === 0) return null;
	const chains = mappings.map((mapping) => ({ ...mapping, chain: chainName(network, mapping.pod) }));
	return [
		"*nat",
		...[DNAT, SETMARK, MASQ, ...chains.map(({ chain }) => chain)].map((chain) => `:${chain} - [0:0]`),
		`-A ${SETMARK} -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark ${MARK}`,
		`-A ${MASQ} -m mark --mark ${MARK} -j MASQUERADE`,
		...chains.flatMap(({ chain, pod, ports }) => entries(chain, pod, ports, network)),
		...chains.flatMap(({ chain, podIP, ports }) => ports.flatMap((port) => forwards(chain, podIP, port, podCIDR))),
		"COMMIT",
		"",
	].join("\n");
}

/**
 * What portmap feeds to `iptables-restore --noflush` where its chains were others, and null where they are the same: those of
 * pods that are no more go, as on a DEL, and the chains that all pods share stay, empty or not.
 */
export function portmapChange(before: string | null, now: string | null): string | null {
	if (before === now) return null;
	const kept = podChains(now);
	const gone = podChains(before).filter((chain) => !kept.includes(chain));
	const lines = now === null ? ["*nat", `:${DNAT} - [0:0]`, "COMMIT", ""] : now.split("\n");
	const declared = lines.findLastIndex((line) => line.startsWith(":")) + 1;
	const end = lines.indexOf("COMMIT");
	return [
		...lines.slice(0, declared),
		...gone.map((chain) => `:${chain} - [0:0]`),
		...lines.slice(declared, end),
		...gone.map((chain) => `-X ${chain}`),
		...lines.slice(end),
	].join("\n");
}

function podChains(text: string | null): string[] {
	return [...(text ?? "").matchAll(/^:(CNI-DN-\S+)/gm)].map(([, chain]) => chain as string);
}

/** Jumps to the pod's chain, at most 15 ports each. */
function entries(chain: string, pod: Pod, ports: readonly ContainerPort[], network: string): string[] {
	const rules: string[] = [];
	const id = `${pod.metadata.namespace}/${pod.metadata.name}`;
	for (const protocol of ["tcp", "udp", "sctp"]) {
		const numbers = [...new Set(ports.filter((port) => protocolOf(port) === protocol).map((port) => port.hostPort))];
		for (let from = 0; from < numbers.length; from += MULTIPORT_MAX) {
			const list = numbers.slice(from, from + MULTIPORT_MAX).join(",");
			rules.push(
				`-A ${DNAT} -p ${protocol} -m comment --comment "dnat name: ${network} id: ${id}" -m multiport --dports ${list} -j ${chain}`,
			);
		}
	}
	return rules;
}

/** Mark what comes from the pod network or from 127.0.0.1, then translate. */
function forwards(chain: string, podIP: string, port: ContainerPort, podCIDR: string): string[] {
	const protocol = protocolOf(port);
	const to = port.hostIP && port.hostIP !== "0.0.0.0" ? `-d ${port.hostIP} ` : "";
	const match = (source: string): string =>
		`-A ${chain} ${source}${to}-p ${protocol} -m ${protocol} --dport ${port.hostPort}`;
	return [
		`${match(`-s ${podCIDR} `)} -j ${SETMARK}`,
		`${match("-s 127.0.0.1 ")} -j ${SETMARK}`,
		`${match("")} -j DNAT --to-destination ${podIP}:${port.containerPort}`,
	];
}

function protocolOf(port: ContainerPort): string {
	return (port.protocol ?? "TCP").toLowerCase();
}

/** `CNI-DN-` and 21 hexadecimal digits, 28 characters in all. */
function chainName(network: string, pod: Pod): string {
	const text = `${network}${pod.metadata.namespace}/${pod.metadata.name}`;
	let digits = "";
	for (let round = 0; digits.length < 21; round++) {
		let hash = 0x811c9dc5 ^ round;
		for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
		digits += Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
			.toString(16)
			.replace("-", "")
			.padStart(8, "0");
	}
	return `CNI-DN-${digits.slice(0, 21)}`;
}
