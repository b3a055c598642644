// The ring of trace events as objects. Only traces are read so; a replay reads flows and counters in bulk.

import * as L from "../assembly/layout.ts";
import type { Addresses } from "./addresses.ts";
import type { Core } from "./core.ts";

/**
 * A packet's header at one moment. Addresses are the engine's numbers; for ICMP, sport is the id and dport type << 8 | code.
 * Events between which a packet did not change have the same one.
 */
export interface Header {
	/** What the numbers stand for. */
	addresses: Addresses;
	/** 4 or 6. */
	family: number;
	src: number;
	dst: number;
	sport: number;
	dport: number;
	proto: number;
	ttl: number;
	tcpFlags: number;
	len: number;
	payload: number;
	seq: number;
	ack: number;
	/** What an ICMP error quotes. */
	inner: { src: number; dst: number; sport: number; dport: number; proto: number; ttl: number } | null;
	mtu: number;
}

export interface TraceEvent {
	/** EVENT_* of `layout`. */
	kind: number;
	hook: number;
	table: number;
	verdict: number;
	reason: number;
	/** enum ip_conntrack_info; null without an entry. */
	ctinfo: number | null;
	otherhost: boolean;
	/** SKB_* of `layout`. */
	flags: number;
	netns: number;
	device: number;
	/** Rule row; of a delivery: the socket's row, -2 any. */
	rule: number;
	packet: number;
	iif: number;
	oif: number;
	physin: number;
	physout: number;
	mark: number;
	ct: number;
	timeNs: bigint;
	gateway: number;
	header: Header;
	/** The packet inside a tunnel packet. */
	inside: Header | null;
}

/** Deliveries alone since the ring was last emptied, and empties it: all that programs hear of. What a tunnel carried is left out. */
export function takeDeliveries(core: Core): TraceEvent[] {
	const { engine } = core;
	const { view } = core.rows;
	const first = engine.table(L.TABLE_EVENT);
	const events: TraceEvent[] = [];
	for (let i = 0, count = engine.eventCount(); i < count; i++) {
		const at = first + i * L.EVENT_STRIDE;
		if (view.getUint8(at + L.EVENT_KIND) === L.EVENT_DELIVER) events.push(readEvent(core, view, at, null));
	}
	checkLost(core);
	engine.eventsReset();
	return events;
}

/** All events since the ring was last emptied, and empties it. Throws RangeError where some were lost. */
export function takeEvents(core: Core): TraceEvent[] {
	const { engine } = core;
	const count = engine.eventCount();
	const events: TraceEvent[] = [];
	const first = engine.table(L.TABLE_EVENT);
	const { view } = core.rows;
	let before: TraceEvent | null = null;
	for (let i = 0; i < count; i++) {
		const at = first + i * L.EVENT_STRIDE;
		if (before !== null && view.getUint8(at + L.EVENT_KIND) === L.EVENT_INSIDE) {
			before.inside = readHeader(core, view, at);
			continue;
		}
		const goesOn: boolean = before !== null && before.inside === null && isSamePacket(view, at - L.EVENT_STRIDE, at);
		before = readEvent(core, view, at, goesOn ? before : null);
		events.push(before);
	}
	checkLost(core);
	engine.eventsReset();
	return events;
}

function checkLost({ engine }: Core): void {
	const lost = engine.eventsLost();
	if (lost === 0) return;
	const count = engine.eventCount();
	engine.eventsReset();
	throw new RangeError(`the trace has ${lost} events more than its ring holds (${count})`);
}

/** `before`: the event before, where the packet is as it was there. */
function readEvent(core: Core, view: DataView, at: number, before: TraceEvent | null): TraceEvent {
	const ctinfo = view.getUint8(at + L.EVENT_CTINFO);
	return {
		kind: view.getUint8(at + L.EVENT_KIND),
		hook: view.getUint8(at + L.EVENT_HOOK),
		table: view.getUint8(at + L.EVENT_XT),
		verdict: view.getUint8(at + L.EVENT_VERDICT),
		reason: view.getUint8(at + L.EVENT_REASON),
		ctinfo: ctinfo === 255 ? null : ctinfo,
		otherhost: view.getUint8(at + L.EVENT_PACKET_TYPE) === L.PACKET_OTHERHOST,
		flags: view.getUint8(at + L.EVENT_SKB),
		netns: view.getInt32(at + L.EVENT_NETNS, true),
		device: view.getInt32(at + L.EVENT_DEVICE, true),
		rule: view.getInt32(at + L.EVENT_RULE, true),
		packet: view.getUint32(at + L.EVENT_PACKET_ID, true),
		iif: view.getInt32(at + L.EVENT_IIF, true),
		oif: view.getInt32(at + L.EVENT_OIF, true),
		physin: view.getInt32(at + L.EVENT_PHYSIN, true),
		physout: view.getInt32(at + L.EVENT_PHYSOUT, true),
		mark: view.getUint32(at + L.EVENT_MARK, true),
		ct: view.getInt32(at + L.EVENT_CT, true),
		timeNs: before?.timeNs ?? view.getBigInt64(at + L.EVENT_WIRE + L.PACKET_TIME, true),
		gateway: view.getUint32(at + L.EVENT_GATEWAY, true),
		header: before?.header ?? readHeader(core, view, at),
		inside: null,
	};
}

/** Do two events have the same bytes where a header and its time are read from? */
function isSamePacket(view: DataView, a: number, b: number): boolean {
	for (let at = L.EVENT_WIRE; at < L.EVENT_TUNNEL; at += 4)
		if (view.getInt32(a + at, true) !== view.getInt32(b + at, true)) return false;
	return true;
}

function readHeader(core: Core, view: DataView, at: number): Header {
	const wire = at + L.EVENT_WIRE;
	const inner = at + L.EVENT_INNER;
	const innerProto = view.getUint8(inner + 12);
	return {
		addresses: core.rows.addresses,
		family: view.getUint8(wire + L.PACKET_FAMILY),
		src: view.getUint32(wire + L.PACKET_SRC, true),
		dst: view.getUint32(wire + L.PACKET_DST, true),
		sport: view.getUint16(wire + L.PACKET_SPORT, true),
		dport: view.getUint16(wire + L.PACKET_DPORT, true),
		proto: view.getUint8(wire + L.PACKET_PROTO),
		ttl: view.getUint8(wire + L.PACKET_TTL),
		tcpFlags: view.getUint8(wire + L.PACKET_TCP),
		len: view.getUint32(wire + L.PACKET_LEN, true),
		payload: view.getUint32(wire + L.PACKET_PAYLOAD, true),
		seq: view.getUint32(at + L.EVENT_SEQ, true),
		ack: view.getUint32(at + L.EVENT_ACK, true),
		inner:
			innerProto === 0
				? null
				: {
						src: view.getUint32(inner, true),
						dst: view.getUint32(inner + 4, true),
						sport: view.getUint16(inner + 8, true),
						dport: view.getUint16(inner + 10, true),
						proto: innerProto,
						ttl: view.getUint8(inner + 13),
					},
		mtu: view.getUint16(at + L.EVENT_MTU, true),
	};
}
