// SCTP tracking (net/netfilter/nf_conntrack_proto_sctp.c): the state that chunks lead to, by direction.
// A packet carries one chunk type; verification tags are taken to be right, so the checks on them are left out.

import * as L from "../layout";
import { timeoutNs } from "../netns";
import { Packet } from "../packet";
import { Conn } from "./conn";
import { directionOf, refresh } from "./timeout";

const NO: u8 = <u8>L.SCTP_CT_NONE;
const CL: u8 = <u8>L.SCTP_CT_CLOSED;
const CW: u8 = <u8>L.SCTP_CT_COOKIE_WAIT;
const CE: u8 = <u8>L.SCTP_CT_COOKIE_ECHOED;
const ES: u8 = <u8>L.SCTP_CT_ESTABLISHED;
const SS: u8 = <u8>L.SCTP_CT_SHUTDOWN_SENT;
const SR: u8 = <u8>L.SCTP_CT_SHUTDOWN_RECD;
const SA: u8 = <u8>L.SCTP_CT_SHUTDOWN_ACK_SENT;
const HS: u8 = <u8>L.SCTP_CT_HEARTBEAT_SENT;
const IV: u8 = 9;

const STATES: i32 = 9;
const CHUNKS: i32 = 11;

// Columns: the state before. Rows: init, init_ack, abort, shutdown, shutdown_ack, error, cookie_echo, cookie_ack,
// shutdown_complete, heartbeat, heartbeat_ack. First block ORIGINAL, second REPLY.
// A row a line, as a table is read.
// prettier-ignore
const NEXT: usize = memory.data<u8>([
	CL, CL, CW, CE, ES, CL, CL, SA, CW,
	CL, CL, CW, CE, ES, SS, SR, SA, CL,
	CL, CL, CL, CL, CL, CL, CL, CL, CL,
	CL, CL, CW, CE, SS, SS, SR, SA, CL,
	SA, CL, CW, CE, ES, SA, SA, SA, SA,
	CL, CL, CW, CE, ES, SS, SR, SA, CL,
	CL, CL, CE, CE, ES, SS, SR, SA, CL,
	CL, CL, CW, ES, ES, SS, SR, SA, CL,
	CL, CL, CW, CE, ES, SS, SR, CL, CL,
	HS, CL, CW, CE, ES, SS, SR, SA, HS,
	CL, CL, CW, CE, ES, SS, SR, SA, HS,

	IV, CL, CW, CE, ES, SS, SR, SA, IV,
	IV, CW, CW, CE, ES, SS, SR, SA, IV,
	IV, CL, CL, CL, CL, CL, CL, CL, IV,
	IV, CL, CW, CE, SR, SS, SR, SA, IV,
	IV, CL, CW, CE, ES, SA, SA, SA, IV,
	IV, CL, CW, CL, ES, SS, SR, SA, IV,
	IV, CL, CE, CE, ES, SS, SR, SA, IV,
	IV, CL, CW, ES, ES, SS, SR, SA, IV,
	IV, CL, CW, CE, ES, SS, SR, CL, IV,
	IV, CL, CW, CE, ES, SS, SR, SA, HS,
	IV, CL, CW, CE, ES, SS, SR, SA, ES,
]);

function chunkRow(chunk: u32): i32 {
	switch (chunk) {
		case L.SCTP_INIT:
			return 0;
		case L.SCTP_INIT_ACK:
			return 1;
		case L.SCTP_ABORT:
			return 2;
		case L.SCTP_SHUTDOWN:
			return 3;
		case L.SCTP_SHUTDOWN_ACK:
			return 4;
		case L.SCTP_ERROR:
			return 5;
		case L.SCTP_COOKIE_ECHO:
			return 6;
		case L.SCTP_COOKIE_ACK:
			return 7;
		case L.SCTP_SHUTDOWN_COMPLETE:
			return 8;
		case L.SCTP_HEARTBEAT:
			return 9;
		case L.SCTP_HEARTBEAT_ACK:
			return 10;
		default:
			return -1; // DATA, SACK and others leave the state alone
	}
}

// chunkRow is below CHUNKS and every state in a row is below STATES, so the load stays in the table
function nextState(dir: i32, state: u8, chunk: u32): u8 {
	const chunkIndex = chunkRow(chunk);
	if (chunkIndex < 0) return state;
	return load<u8>(NEXT + <usize>((dir * CHUNKS + chunkIndex) * STATES + <i32>state));
}

function startsFlow(chunk: u32): bool {
	if (chunk == L.SCTP_ABORT || chunk == L.SCTP_SHUTDOWN_COMPLETE || chunk == L.SCTP_COOKIE_ACK) return false;
	const state = nextState(0, NO, chunk);
	return state != NO && state != IV;
}

/** False: the packet is INVALID. */
export function sctpPacket(p: Packet, c: Conn): bool {
	const chunk = <u32>p.tcp;
	const confirmed = c.has(L.IPS_CONFIRMED);
	if (!confirmed && !startsFlow(chunk)) return false;
	const before = c.state;
	const after = nextState(directionOf(p.ctinfo), before, chunk);
	if (after == IV) return false;
	c.state = after;
	if (before != after && after == ES) c.set(L.IPS_ASSURED);
	// a repeated INIT does not renew the timeout, else port reuse could keep an entry alive for ever
	if (chunk == L.SCTP_INIT && confirmed && before == CL && after == CL) return true;
	refresh(c, p, timeoutNs(p.netns, L.TIMEOUT_SCTP + <i32>after));
	return true;
}

/** May an ASSURED entry be dropped under pressure? */
export function sctpClosing(c: Conn): bool {
	return c.state == SS || c.state == SR || c.state == SA;
}
