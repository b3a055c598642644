// The machine that the API server runs on: a control plane node of the cluster, as kubeadm makes one; else one beside the
// nodes, as a cloud keeps for a control plane that it manages.

import type { Node } from "../api/core.ts";
import { type AddressPrefix, prefixContains } from "../net/address.ts";
import type { Family } from "../net/ruleset.ts";

const ROLES = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

export function isControlPlane({ metadata }: Node): boolean {
	return ROLES.some((role) => metadata.labels?.[role] !== undefined);
}

/** None of a private network: those are not masqueraded, and not every fabric has a way back from there to the pods. */
const ADDRESSES: Readonly<Record<Family, readonly string[]>> = {
	ipv4: ["198.19.255.2", "198.51.100.254", "203.0.113.254", "192.0.2.254"],
	ipv6: ["2001:db8:0:ffff::2", "2001:db8:1:ffff::2"],
};

/** An address in none of the networks. RangeError where all candidates are taken. */
export function addressBeside(networks: readonly AddressPrefix[], family: Family): string {
	const own = networks.filter((prefix) => prefix.family === family);
	const free = ADDRESSES[family].find((address) => own.every((prefix) => !prefixContains(prefix, address)));
	if (free !== undefined) return free;
	throw new RangeError("no address is left for the API server: name one (--api-server)");
}
