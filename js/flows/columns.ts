// The rows that all readers make (`bindings/columns`), and the words for what is in them.

export {
	DIRECTION_IN,
	DIRECTION_OUT,
	DIRECTION_UNKNOWN,
	PROTO_ICMP,
	PROTO_ICMPV6,
	PROTO_SCTP,
	PROTO_TCP,
	PROTO_UDP,
	SHAPE_CUT,
	SHAPE_DONT_FRAGMENT,
	SHAPE_INNER,
	SHAPE_LATER_FRAGMENT,
	SHAPE_MORE_FRAGMENTS,
	TCP_ACK,
	TCP_FIN,
	TCP_PSH,
	TCP_RST,
	TCP_SYN,
} from "../../assembly/layout.ts";
export { compareTimes, PacketColumns, TIME_HIGH, TIME_LOW } from "../../bindings/columns.ts";

import { COLUMN_ROWS } from "../../assembly/layout.ts";

/** Rows of a batch unless a reader is told otherwise; also the most. */
export const BATCH_ROWS = COLUMN_ROWS;
