// What may become of a probe's packet on one node, by the slow walk: the tracer that a data plane is compared with.

import { joinHostPort } from "../../js/kube-proxy/addresses.ts";
import { parsePrefix, prefixContains } from "../../js/net/address.ts";
import type { Ruleset } from "../../js/net/ruleset.ts";
import { type WalkOutcome, walkNode } from "./iptables-walk.ts";

export interface ProbeNode {
	name: string;
	ips: string[];
	podCIDR: string;
	ipFamily: "IPv4" | "IPv6";
	interfaces?: Record<string, string[]>;
	labels?: Record<string, string>;
}

export interface Probe {
	name: string;
	sourceIP: string;
	/** `TCP` where absent. */
	protocol?: string;
	destIP: string;
	destPort: number;
	outputs: string[];
	masq: boolean;
}

export interface TraceAnswer {
	/** Every endpoint that it may go to, or the one word of `DROP`, `REJECT`, `ACCEPT`; empty: untouched. */
	outputs: string[];
	/** Its source is rewritten on some of the ways. */
	masq: boolean;
}

/** Judges one packet against one node's rules of the probe's family. */
export type Tracer = (ruleset: Ruleset, node: ProbeNode, probe: Probe) => TraceAnswer | Promise<TraceAnswer>;

function isOwn(node: ProbeNode, address: string): boolean {
	return node.ips.includes(address) || address === "::1" || address.startsWith("127.");
}

/** Pods come in by the bridge, the outside by the uplink, the node's own packets by no device. */
function entryDevice(node: ProbeNode, source: string): string | null {
	if (isOwn(node, source)) return null;
	const podCIDR = parsePrefix(node.podCIDR);
	return podCIDR !== null && prefixContains(podCIDR, source) ? "cbr0" : "eth0";
}

function outputOf({ verdict, packet }: WalkOutcome): string[] {
	if (verdict === "DROP" || verdict === "REJECT") return [verdict];
	if (packet.translated) return [joinHostPort(packet.dst, packet.dport)];
	return verdict === "ACCEPT" ? ["ACCEPT"] : [];
}

export const traceByWalk: Tracer = (ruleset, node, probe) => {
	const outcomes = walkNode(ruleset, node, {
		src: probe.sourceIP,
		dst: probe.destIP,
		proto: (probe.protocol || "TCP").toLowerCase(),
		dport: probe.destPort,
		iif: entryDevice(node, probe.sourceIP),
	});
	const passed = outcomes.filter(({ verdict }) => verdict === "ACCEPT" || verdict === "PASS");
	return {
		outputs: [...new Set(outcomes.flatMap(outputOf))],
		masq: passed.some(({ packet }) => packet.masqueraded),
	};
};
