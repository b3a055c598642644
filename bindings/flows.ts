// The flows of a replay as the engine holds them, and what conntrack counted by netns.

import * as L from "../assembly/layout.ts";
import type { Core, Instance } from "./core.ts";
import type { Rows } from "./views.ts";

/** A row of TABLE_FLOW; addresses as the engine has them (`bindings/addresses`), netns and rules by row, -1 none. */
export interface FlowRow {
	index: number;
	src: number;
	dst: number;
	sport: number;
	dport: number;
	proto: number;
	/** 4 or 6. */
	family: number;
	/** VERDICT_* and REASON_*. */
	verdict: number;
	reason: number;
	/** Of its last packet, where that was lost after an answer; VERDICT_NONE: it was not. */
	brokenVerdict: number;
	brokenReason: number;
	/** FLOWF_*. */
	flags: number;
	/** The initiator. */
	netns: number;
	/** Who answered, or got the request. */
	server: number;
	/** What the server saw. */
	seenSrc: number;
	seenDst: number;
	seenSport: number;
	seenDport: number;
	/** Both directions, as offered. */
	packets: number;
	bytes: number;
	timeNs: bigint;
	lastNs: bigint;
	/** The rule that decided. */
	rule: number;
	/** First node whose uplink took it in, and another one that it crossed. */
	entryNode: number;
	second: number;
}

/** The engine's flows, in the order of their first packets; one object, filled anew for each. */
export function* flowRows(core: Core): Generator<FlowRow, void, undefined> {
	core.engine.settleAll();
	const row = {} as FlowRow;
	const count = core.engine.flowCount();
	const table = core.engine.table(L.TABLE_FLOW);
	for (let index = 0; index < count; index++) yield readFlow(core.rows.view, table + index * L.FLOW_STRIDE, index, row);
}

/** Fills `row` with the flow `index`, whose row is at byte `at`. */
export function readFlow(view: DataView, at: number, index: number, row: FlowRow): FlowRow {
	row.index = index;
	row.src = view.getUint32(at + L.FLOW_SRC, true);
	row.dst = view.getUint32(at + L.FLOW_DST, true);
	row.sport = view.getUint16(at + L.FLOW_SPORT, true);
	row.dport = view.getUint16(at + L.FLOW_DPORT, true);
	row.proto = view.getUint8(at + L.FLOW_PROTO);
	row.family = view.getUint8(at + L.FLOW_FAMILY);
	row.verdict = view.getUint8(at + L.FLOW_VERDICT);
	row.reason = view.getUint8(at + L.FLOW_REASON);
	row.brokenVerdict = view.getUint8(at + L.FLOW_BROKEN_VERDICT);
	row.brokenReason = view.getUint8(at + L.FLOW_BROKEN_REASON);
	row.flags = view.getUint8(at + L.FLOW_FLAGS);
	row.netns = view.getInt32(at + L.FLOW_NETNS, true);
	row.server = view.getInt32(at + L.FLOW_SERVER, true);
	row.seenSrc = view.getUint32(at + L.FLOW_SEEN_SRC, true);
	row.seenDst = view.getUint32(at + L.FLOW_SEEN_DST, true);
	row.seenSport = view.getUint16(at + L.FLOW_SEEN_SPORT, true);
	row.seenDport = view.getUint16(at + L.FLOW_SEEN_DPORT, true);
	row.packets = view.getUint32(at + L.FLOW_PACKETS, true);
	row.bytes = view.getUint32(at + L.FLOW_BYTES, true) + view.getUint32(at + L.FLOW_BYTES + 4, true) * 2 ** 32;
	row.timeNs = view.getBigInt64(at + L.FLOW_TIME, true);
	row.lastNs = view.getBigInt64(at + L.FLOW_LAST, true);
	row.rule = view.getInt32(at + L.FLOW_RULE, true);
	row.entryNode = view.getInt32(at + L.FLOW_ENTRY_NODE, true);
	row.second = view.getInt32(at + L.FLOW_SECOND, true);
	return row;
}

/** Conntrack of one netns: entries now and at most, the limit, and what it did not take. */
export interface ConntrackCounts {
	entries: number;
	peak: number;
	max: number;
	insertFailed: number;
	/** Packets dropped because the table was full. */
	dropped: number;
	earlyDrops: number;
}

/** By netns row. */
export function conntrackCounts(core: Core, netns: number): ConntrackCounts {
	const { view } = core.rows;
	const at = core.rows.at(L.TABLE_NETNS, netns);
	const word = (offset: number) => view.getUint32(at + offset, true);
	return {
		entries: word(L.NETNS_CT_COUNT),
		peak: word(L.NETNS_CT_PEAK),
		max: word(L.NETNS_CT_MAX),
		insertFailed: word(L.NETNS_CT_INSERT_FAILED),
		dropped: word(L.NETNS_CT_DROP),
		earlyDrops: word(L.NETNS_CT_EARLY_DROP),
	};
}

/** Flows that a rule decided that is no more are decided by none that is known. */
export function forgetRules(rows: Rows, engine: Instance, isGone: (rule: number) => boolean): void {
	const { view } = rows;
	const flows = engine.flowCount();
	for (let flow = 0; flow < flows; flow++) {
		const at = engine.table(L.TABLE_FLOW) + flow * L.FLOW_STRIDE + L.FLOW_RULE;
		const rule = view.getInt32(at, true);
		if (rule >= 0 && isGone(rule)) view.setInt32(at, -1, true);
	}
}
