// What nodes' kube-proxies take out of conntrack as they sync (conntrack -D, one tuple at a time).

import * as L from "../../../assembly/layout.ts";
import { conntrackEntries } from "../../../bindings/conntrack.ts";
import type { Machine } from "../../../bindings/machine.ts";
import type { UdpFrontend } from "../../kube-proxy/conntrack.ts";

/** Deletes what leads to none of a frontend's endpoints, on every node. `now`: ns. Returns how many connections. */
export function cleanStale(machine: Machine, frontends: readonly UdpFrontend[], now: bigint): number {
	if (frontends.length === 0) return 0;
	const { engine, rows } = machine.core;
	const number = (address: string) => rows.addresses.number(address);
	const byAddress = new Map<string, Set<number>>();
	for (const { address, port, endpoints } of frontends)
		byAddress.set(`${address === null ? "" : number(address)}:${port}`, new Set([...endpoints].map(number)));
	const isNode = (netns: number) => machine.netnsName(netns).startsWith("node:");
	const stale = new Map<string, readonly [netns: number, dst: number, dport: number, replySrc: number]>();
	for (const { proto, netns, orig, reply } of conntrackEntries(machine.core, now)) {
		if (proto !== L.PROTO_UDP || !isNode(netns)) continue;
		const known = [byAddress.get(`${orig.dst}:${orig.dport}`), byAddress.get(`:${orig.dport}`)];
		if (!known.some((endpoints) => endpoints !== undefined && !endpoints.has(reply.src))) continue;
		const tuple = [netns, orig.dst, orig.dport, reply.src] as const;
		stale.set(tuple.join(), tuple);
	}
	let deleted = 0;
	for (const [netns, dst, dport, replySrc] of stale.values())
		deleted += engine.conntrackDelete(netns, now, L.PROTO_UDP, 0, dst, -1, dport, replySrc, 0, -1, -1);
	return deleted;
}
