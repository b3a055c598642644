// One packet from a source to a target that references were resolved to, and which pods it met on its way.

import type { Machine } from "../../bindings/machine.ts";
import type { Topology } from "../net/topology.ts";
import type { Protocol, TracePath } from "../trace/path.ts";
import { protocolNumber, traceExchange } from "../trace/trace.ts";
import type { Wire } from "../wire/wire.ts";

export type Traced = Pick<TracePath, "verdict" | "reason" | "delivered" | "seen" | "hops" | "reply">;

export interface Scene {
	machine: Machine;
	wire: Wire;
	topology: Topology;
}

export interface Packet {
	/** Name of the sender's netns. */
	netns: string;
	address: string;
	proto: Protocol;
	/** undefined: an ephemeral one. */
	sport: number | undefined;
	dport: number;
}

export function traceIn({ machine, wire, topology }: Scene, packet: Packet): Traced {
	const netns = machine.netnsRow(packet.netns);
	const dst = wire.address(packet.address);
	const src = wire.sourceFor(netns, dst);
	// The sender's own routing says no: no packet is sent.
	if (src === null)
		return { verdict: "unreachable", reason: "no-route", delivered: null, seen: null, hops: [], reply: null };
	const sport = packet.sport ?? wire.ephemeralPort(netns);
	const pods = new Map(topology.pods.map((pod) => [`pod:${pod.name}`, pod.node]));
	const proto = protocolNumber(packet.proto, dst);
	const question = { netns, proto, src, dst, sport, dport: packet.dport };
	return traceExchange(wire, question, (name) => pods.get(name) ?? null);
}

/** Pods (`NS/NAME`) whose netns the packet or its answer was in. */
export function podsOn({ hops, reply }: Traced): string[] {
	const names = [...hops, ...(reply?.hops ?? [])].map(({ netns }) => netns);
	return [...new Set(names)].filter((name) => name.startsWith("pod/")).map((name) => name.slice(4));
}
