// An exchange in the engine told as a trace: verdict, receiver, hops, and the same for what came back.

import * as L from "../../assembly/layout.ts";
import type { TraceEvent } from "../../bindings/events.ts";
import type { Machine } from "../../bindings/machine.ts";
import { destinationText, hasPorts, sourceText } from "../wire/describe.ts";
import { familyOf, type Wire } from "../wire/wire.ts";
import { type Client, exchange, type Way } from "./exchange.ts";
import { hopsOf, netnsReference } from "./hop.ts";
import type { Delivered, Direction, Protocol, Seen } from "./path.ts";
import { reasonOf, verdictOf } from "./reason.ts";

export interface Traced extends Direction {
	delivered: Delivered | null;
	reply: Direction | null;
}

const PROTOCOLS: Readonly<Record<Protocol, number>> = {
	icmp: L.PROTO_ICMP,
	tcp: L.PROTO_TCP,
	udp: L.PROTO_UDP,
	sctp: L.PROTO_SCTP,
};

/** The number of a protocol towards an address: ICMP has another one in IPv6. */
export function protocolNumber(protocol: Protocol, dst: number): number {
	return protocol === "icmp" && familyOf(dst) === 6 ? L.PROTO_ICMPV6 : PROTOCOLS[protocol];
}

/** Sends a client's packet and tells its way. `nodeOf`: the Node that a pod's netns (`pod:NS/NAME`) is on. */
export function traceExchange(wire: Wire, client: Client, nodeOf: (netns: string) => string | null): Traced {
	const { request, reply } = exchange(wire, client);
	const { machine } = wire;
	const delivered = request.end.kind === L.EVENT_DELIVER ? deliveredTo(machine, request.end, nodeOf) : null;
	const { verdict, reason, seen, hops } = direction(machine, request);
	return { verdict, reason, delivered, seen, hops, reply: reply === null ? null : direction(machine, reply) };
}

function direction(machine: Machine, { events, end }: Way): Direction {
	return {
		verdict: verdictOf(end),
		reason: reasonOf(machine, end),
		seen: end.kind === L.EVENT_DELIVER ? seenBy(end) : null,
		hops: hopsOf(machine, events),
	};
}

function seenBy({ header }: TraceEvent): Seen {
	return { source: sourceText(header), sourcePort: hasPorts(header.proto) ? header.sport : null };
}

function deliveredTo(machine: Machine, event: TraceEvent, nodeOf: (netns: string) => string | null): Delivered {
	const netns = machine.netnsName(event.netns);
	const place = {
		address: destinationText(event.header),
		port: hasPorts(event.header.proto) ? event.header.dport : null,
	};
	const [kind = "", name = ""] = splitOnce(netns, ":");
	if (kind === "pod") {
		const [namespace, pod] = splitOnce(name, "/");
		const named = pod === undefined ? { namespace: null, name } : { namespace: namespace ?? null, name: pod };
		return { kind: "Pod", ...named, node: nodeOf(netns), ...place };
	}
	if (kind === "node") return { kind: "Node", namespace: null, name, node: name, ...place };
	if (kind === "host") return { kind: "Host", namespace: null, name, node: null, ...place };
	return { kind: "Router", namespace: null, name: netnsReference(netns), node: null, ...place };
}

function splitOnce(text: string, by: string): string[] {
	const at = text.indexOf(by);
	return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
