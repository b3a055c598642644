// What no network can serve: two nodes with one address or one pod network, two pods with one address.

import type { Node, Pod } from "../api/core.ts";
import type { KubernetesObject } from "../api/meta.ts";
import { internalIP, isUp } from "../cni/links.ts";
import { overlappingCIDRs } from "../controllers/nodeipam.ts";

export interface Clash<T extends KubernetesObject = KubernetesObject> {
	/** The later of the two. */
	object: T;
	path: (string | number)[];
	message: string;
}

export function nodeAddressClashes(nodes: readonly Node[]): Clash<Node>[] {
	const owners = new Map<string, Node>();
	const clashes: Clash<Node>[] = [];
	for (const node of nodes) {
		const address = internalIP(node);
		if (!address) continue;
		const other = owners.get(address);
		if (other !== undefined) {
			const index = node.status?.addresses?.findIndex((item) => item.address === address) ?? 0;
			const message = `${address} is already the address of node ${other.metadata.name}`;
			clashes.push({ object: node, path: ["status", "addresses", index, "address"], message });
		}
		owners.set(address, node);
	}
	return clashes;
}

/** Of pods that are up and have an address of their own. */
export function podAddressClashes(pods: readonly Pod[]): Clash<Pod>[] {
	const owners = new Map<string, string>();
	const clashes: Clash<Pod>[] = [];
	for (const pod of pods) {
		if (!isUp(pod) || pod.spec?.hostNetwork === true) continue;
		for (const ip of addressesOf(pod)) {
			const other = owners.get(ip);
			const message = `${ip} is already the address of pod ${other}`;
			if (other !== undefined) clashes.push({ object: pod, path: ["status", "podIP"], message });
			owners.set(ip, `${pod.metadata.namespace}/${pod.metadata.name}`);
		}
	}
	return clashes;
}

export function addressesOf({ status }: Pod): string[] {
	return [...new Set([status?.podIP ?? "", ...(status?.podIPs ?? []).map(({ ip }) => ip)])].filter((ip) => ip !== "");
}

export function clashesOf(objects: readonly KubernetesObject[]): Clash[] {
	const nodes = objects.filter(({ kind }) => kind === "Node") as Node[];
	const networks = overlappingCIDRs(nodes).map(({ index, path, message }): Clash => {
		return { object: nodes[index] as Node, path, message };
	});
	const pods = objects.filter(({ kind }) => kind === "Pod") as Pod[];
	return [...nodeAddressClashes(nodes), ...networks, ...podAddressClashes(pods)];
}
