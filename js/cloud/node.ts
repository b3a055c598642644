// A machine behind every Node object: one that has no InternalIP gets an address of the node network, as a cloud's node
// controller tells it (cloud-provider controllers/node).

import type { Node } from "../api/core.ts";
import type { Component } from "../ports.ts";
import { NODE_NETWORK6, networkFor, nextNodeAddress } from "./instance.ts";

const addressOf = ({ status }: Node, six: boolean): string | undefined =>
	status?.addresses?.find(({ type, address }) => type === "InternalIP" && address.includes(":") === six)?.address;

/** Keys are nodes. */
export const cloudNode: Component = {
	name: "cloud-node",
	watches: { nodes: ({ object }) => [object.metadata.name ?? ""] },
	reconcile(name, { store }) {
		const nodes = store.list<Node>("nodes");
		const node = nodes.find(({ metadata }) => metadata.name === name);
		if (node === undefined) return undefined;
		const six = [...(node.spec?.podCIDRs ?? []), node.spec?.podCIDR ?? ""].some((network) => network.includes(":"));
		const wanted = [false, ...(six ? [true] : [])].filter((family) => addressOf(node, family) === undefined);
		if (wanted.length === 0) return undefined;
		const added = wanted.map((family) => {
			const taken = new Set(nodes.flatMap((other) => addressOf(other, family) ?? []));
			const address = nextNodeAddress(taken, family ? NODE_NETWORK6 : networkFor(nodes.length));
			return { type: "InternalIP" as const, address };
		});
		const addresses = [...(node.status?.addresses ?? []), ...added];
		store.updateStatus<Node>("nodes", { ...node, status: { ...node.status, addresses } });
		return undefined;
	},
};
