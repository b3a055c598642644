// The scene of two nodes in IPv6: the same topology, rules and connections with each address a.b.c.d as fd00:a:b:c::d.

import * as L from "../../assembly/layout.ts";
import type { Machine } from "../../bindings/machine.ts";
import { ipv4FromNumber } from "../../js/net/address.ts";
import type { Topology } from "../../js/net/topology.ts";
import type { Loops } from "../build.ts";
import { twoNodes } from "./services.ts";

/** Lengths of prefixes in the scene. */
const LENGTHS: Readonly<Record<string, string>> = { "/32": "/128", "/24": "/64", "/16": "/48" };
const ADDRESS = /(\d+)\.(\d+)\.(\d+)\.(\d+)(?:(\/\d+)|:(\d+))?/g;

/** A text with its addresses, prefixes and ends of IPv4 in IPv6. */
export function inIpv6(text: string): string {
	return text.replace(ADDRESS, (_, a, b, c, d, length?: string, port?: string) => {
		const address = `fd00:${a}:${b}:${c}::${d === "0" ? "" : d}`;
		if (length !== undefined) return `${address}${LENGTHS[length] ?? length}`;
		return port === undefined ? address : `[${address}]:${port}`;
	});
}

export function twoNodes6(services: number): Topology {
	const { nodes, pods, ...rest } = twoNodes(services);
	return {
		...rest,
		nodes: nodes.map((node) => ({
			...node,
			iptables: null,
			ip6tables: inIpv6(node.iptables ?? ""),
			ip6: inIpv6(node.ip),
			podCIDR6: inIpv6(node.podCIDR),
		})),
		pods: pods.map((pod) => ({ ...pod, ip6: inIpv6(pod.ip) })),
	};
}

/** Rows of TABLE_BATCH with the same packets in IPv6. */
export function rowsIn6(machine: Machine, rows: Uint8Array): Uint8Array {
	const six = rows.slice();
	const view = new DataView(six.buffer);
	for (let at = 0; at < six.length; at += L.BATCH_STRIDE) {
		for (const field of [L.PACKET_SRC, L.PACKET_DST]) {
			const text = inIpv6(ipv4FromNumber(view.getUint32(at + field, true)));
			view.setUint32(at + field, machine.core.rows.addresses.number(text), true);
		}
		view.setUint8(at + L.PACKET_FAMILY, 6);
	}
	return six;
}

/** Flows that have reached their server. */
export function delivered(loops: Loops): number {
	const view = new DataView(loops.memory.buffer);
	let count = 0;
	for (let i = 0; i < loops.flowCount(); i++) {
		const verdict = view.getUint8(loops.table(L.TABLE_FLOW) + i * L.FLOW_STRIDE + L.FLOW_VERDICT);
		if (verdict === L.VERDICT_DELIVERED) count++;
	}
	return count;
}
