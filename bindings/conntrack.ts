// The conntrack table as objects: what `conntrack -L` of a netns shows at a time. For reports and traces, not for bulk work.

import * as L from "../assembly/layout.ts";
import type { Core } from "./core.ts";

export interface Tuple {
	src: number;
	dst: number;
	/** ICMP: the id. */
	sport: number;
	/** ICMP: type << 8 | code. */
	dport: number;
}

export interface ConntrackEntry {
	/** Row of TABLE_CT. */
	row: number;
	netns: number;
	proto: number;
	/** TCP_CT_* or the SCTP state; 0 for protocols without one. */
	state: number;
	/** IPS_* bits. */
	status: number;
	mark: number;
	orig: Tuple;
	reply: Tuple;
	deadlineNs: bigint;
	zone: number;
	origPackets: number;
	origBytes: number;
	replyPackets: number;
	replyBytes: number;
}

/** Confirmed entries that live at `now`; of one netns, or of all. */
export function conntrackEntries(core: Core, now: bigint, netns: number | null = null): ConntrackEntry[] {
	const entries: ConntrackEntry[] = [];
	for (let row = 0; row < core.engine.capacity(L.TABLE_CT); row++) {
		const entry = conntrackEntry(core, row);
		if (entry !== null && isLive(entry, now) && (netns === null || entry.netns === netns)) entries.push(entry);
	}
	return entries;
}

/** Is the entry in the table, and its time not over? */
export function isLive(entry: ConntrackEntry, now: bigint): boolean {
	return (entry.status & L.IPS_CONFIRMED) !== 0 && (entry.status & L.IPS_DYING) === 0 && entry.deadlineNs > now;
}

/** A row's entry; null where the row is free. */
export function conntrackEntry(core: Core, row: number): ConntrackEntry | null {
	const { view } = core.rows;
	const at = core.engine.table(L.TABLE_CT) + row * L.CT_STRIDE;
	const status = view.getUint16(at + L.CT_STATUS, true);
	if (status === 0) return null;
	core.engine.conntrackSettle(row);
	return {
		row,
		netns: view.getInt32(at + L.CT_NETNS, true),
		proto: view.getUint32(at + L.CT_ORIG + L.TUPLE_ZONE_PROTO, true) & 255,
		state: view.getUint8(at + L.CT_STATE),
		status: status & ~L.IPS_CACHED,
		mark: view.getUint32(at + L.CT_MARK, true),
		orig: readTuple(view, at + L.CT_ORIG),
		reply: readTuple(view, at + L.CT_REPLY),
		deadlineNs: view.getBigInt64(at + L.CT_DEADLINE, true),
		zone: view.getUint16(at + L.CT_ZONE, true),
		origPackets: Number(view.getBigUint64(at + L.CT_ORIG_PACKETS, true)),
		origBytes: Number(view.getBigUint64(at + L.CT_ORIG_BYTES, true)),
		replyPackets: Number(view.getBigUint64(at + L.CT_REPLY_PACKETS, true)),
		replyBytes: Number(view.getBigUint64(at + L.CT_REPLY_BYTES, true)),
	};
}

function readTuple(view: DataView, at: number): Tuple {
	return {
		src: view.getUint32(at + L.TUPLE_SRC, true),
		dst: view.getUint32(at + L.TUPLE_DST, true),
		sport: view.getUint16(at + L.TUPLE_PORTS, true),
		dport: view.getUint16(at + L.TUPLE_PORTS + 2, true),
	};
}
