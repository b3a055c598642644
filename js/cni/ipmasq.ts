// ip-masq-agent: what leaves for outside the cluster's own networks gets the node's address (a pod's would be dropped by
// a fabric that translates node addresses only). One chain in nat, entered at the end of POSTROUTING for whatever is
// not local. Upstream: kubernetes-sigs/ip-masq-agent cmd/ip-masq-agent; its config file and resyncs are not here.

import { familyOf, maskPrefix, parsePrefix } from "../net/address.ts";
import type { Family } from "../net/ruleset.ts";

const CHAIN_NAME_MAX = 28;
const LINK_LOCAL: Record<Family, string> = { ipv4: "169.254.0.0/16", ipv6: "fe80::/10" };

export interface IpMasqConfig {
	/** Name of the chain, at most 28 characters. */
	chain: string;
	/** Destinations that keep the pod's address, both families. */
	nonMasqueradeCIDRs: string[];
	/** Most prefixes that are accepted. */
	cidrLimit: number;
	/** Masquerade link-local destinations too. */
	masqLinkLocal: boolean;
	masqLinkLocalIPv6: boolean;
	randomFully: boolean;
	/** Source ports to choose from, `32768-65535`; null: the kernel's choice. */
	toPorts: string | null;
}

/** Upstream's defaults: the private IPv4 networks keep pod addresses. */
export const DEFAULT_IP_MASQ_CONFIG: IpMasqConfig = {
	chain: "IP-MASQ-AGENT",
	nonMasqueradeCIDRs: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
	cidrLimit: 64,
	masqLinkLocal: false,
	masqLinkLocalIPv6: false,
	randomFully: true,
	toPorts: null,
};

/** A configuration that the agent refuses. */
export class IpMasqConfigError extends Error {
	readonly field: string;

	constructor(field: string, message: string) {
		super(`ip-masq-agent ${field}: ${message}`);
		this.name = "IpMasqConfigError";
		this.field = field;
	}
}

function checkCidr(text: string): void {
	const prefix = text.includes("/") ? parsePrefix(text) : null;
	if (prefix === null) {
		throw new IpMasqConfigError("nonMasqueradeCIDRs", `expected address/length, got ${JSON.stringify(text)}`);
	}
	const { address, length } = maskPrefix(prefix);
	if (address !== prefix.address) {
		throw new IpMasqConfigError("nonMasqueradeCIDRs", `${text} is not aligned (nearest: ${address}/${length})`);
	}
}

/** @throws IpMasqConfigError for too many prefixes, one that cannot be read or is not aligned, or a chain name too long */
export function checkIpMasqConfig(config: IpMasqConfig): void {
	const { chain, nonMasqueradeCIDRs, cidrLimit } = config;
	if (chain === "" || chain.length > CHAIN_NAME_MAX) {
		throw new IpMasqConfigError(
			"chain",
			`expected a name of 1–${CHAIN_NAME_MAX} characters, got ${JSON.stringify(chain)}`,
		);
	}
	if (nonMasqueradeCIDRs.length > cidrLimit) {
		throw new IpMasqConfigError(
			"nonMasqueradeCIDRs",
			`expected at most ${cidrLimit}, got ${nonMasqueradeCIDRs.length}`,
		);
	}
	for (const cidr of nonMasqueradeCIDRs) checkCidr(cidr);
}

function comment(text: string): string {
	return `-m comment --comment "ip-masq-agent: ${text}"`;
}

/** The rule that is appended to nat POSTROUTING where it is missing: its words after `-A POSTROUTING`. */
export function ipMasqJump(config: IpMasqConfig): string {
	const text = `ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom ${config.chain} chain`;
	return `${comment(text)} -m addrtype ! --dst-type LOCAL -j ${config.chain}`;
}

/** Destinations of the family that keep the pod's address, in the order of the rules. */
function keptDestinations(config: IpMasqConfig, family: Family): string[] {
	const masqueradesLinkLocal = family === "ipv4" ? config.masqLinkLocal : config.masqLinkLocalIPv6;
	const own = config.nonMasqueradeCIDRs.filter((cidr) => familyOf(cidr.split("/")[0] ?? "") === family);
	return [...(masqueradesLinkLocal ? [] : [LINK_LOCAL[family]]), ...own];
}

/**
 * The chain, as fed to `iptables-restore --noflush`; it replaces the chain's earlier rules. `more`: lines of nat that
 * follow it.
 * @throws IpMasqConfigError
 */
export function ipMasqRestore(config: IpMasqConfig, family: Family, more: readonly string[] = []): string {
	checkIpMasqConfig(config);
	const keep = comment("local traffic is not subject to MASQUERADE");
	const masquerade = [
		comment("outbound traffic is subject to MASQUERADE (must be last in chain)"),
		"-j MASQUERADE",
		...(config.toPorts === null ? [] : [`--to-ports ${config.toPorts}`]),
		...(config.randomFully ? ["--random-fully"] : []),
	];
	return [
		"*nat",
		`:${config.chain} - [0:0]`,
		...keptDestinations(config, family).map((cidr) => `-A ${config.chain} ${keep} -d ${cidr} -j RETURN`),
		`-A ${config.chain} ${masquerade.join(" ")}`,
		...more,
		"COMMIT",
		"",
	].join("\n");
}
