// Bytes of a row, by table.

import * as L from "./layout";

/** Bytes of a row; 1 of a table that its module lays out itself. */
export function strideOf(t: i32): u32 {
	switch (t) {
		case L.TABLE_NETNS:
			return L.NETNS_STRIDE;
		case L.TABLE_DEVICE:
			return L.DEVICE_STRIDE;
		case L.TABLE_ADDRESS:
			return L.ADDRESS_STRIDE;
		case L.TABLE_ROUTE:
			return L.ROUTE_STRIDE;
		case L.TABLE_NEXTHOP:
			return L.NEXTHOP_STRIDE;
		case L.TABLE_CHAIN:
			return L.CHAIN_STRIDE;
		case L.TABLE_RULE:
			return L.RULE_STRIDE;
		case L.TABLE_MATCH:
			return L.MATCH_STRIDE;
		case L.TABLE_WORD:
			return 4;
		case L.TABLE_PATTERN:
			return L.PATTERN_STRIDE;
		case L.TABLE_SET:
			return L.SET_STRIDE;
		case L.TABLE_ENTRY:
			return L.ENTRY_STRIDE;
		case L.TABLE_SOCKET:
			return L.SOCKET_STRIDE;
		case L.TABLE_EVENT:
			return L.EVENT_STRIDE;
		case L.TABLE_CT:
			return L.CT_STRIDE;
		case L.TABLE_CTWINDOW:
			return L.CTWINDOW_STRIDE;
		case L.TABLE_TUPLE:
			return L.TUPLE_STRIDE;
		case L.TABLE_PATH:
			return L.PATH_STRIDE;
		case L.TABLE_PATHRULE:
			return 4;
		case L.TABLE_STATE:
			return L.STATE_STRIDE;
		case L.TABLE_RECENT:
			return L.RECENT_STRIDE;
		case L.TABLE_FLOW:
			return L.FLOW_STRIDE;
		case L.TABLE_PACKET:
			return L.PACKET_STRIDE;
		case L.TABLE_BATCH:
			return L.BATCH_STRIDE;
		case L.TABLE_FDB:
			return L.FDB_STRIDE;
		case L.TABLE_NEIGH:
			return L.NEIGH_STRIDE;
		case L.TABLE_FIB:
			return L.FIB_ROW;
		case L.TABLE_PEER:
			return L.PEER_STRIDE;
		case L.TABLE_PACKETIN:
			return L.PACKET_STRIDE;
		case L.TABLE_LINE:
			return L.LINE_STRIDE;
		case L.TABLE_WALK:
			return L.WALK_STRIDE;
		case L.TABLE_OPENING:
			return L.OPENING_STRIDE;
		case L.TABLE_SEQUEL:
			return L.SEQUEL_STRIDE;
		case L.TABLE_JOURNEY:
			return L.JOURNEY_STRIDE;
		case L.TABLE_MEGAFLOW:
			return L.MEGAFLOW_STRIDE;
		case L.TABLE_PASSAGE:
			return L.PASSAGE_STRIDE;
		case L.TABLE_STEP:
			return 4;
		case L.TABLE_COUNTER:
			return L.COUNTER_STRIDE;
		case L.TABLE_BYSOURCE:
		case L.TABLE_ADDRESS6HASH:
			return 4;
		case L.TABLE_ADDRESS6:
			return L.ADDRESS6_STRIDE;
		default:
			return 1; // TABLE_SCRATCH and what modules lay out themselves, in bytes
	}
}
