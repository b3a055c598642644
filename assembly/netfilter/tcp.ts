// TCP tracking (net/netfilter/nf_conntrack_proto_tcp.c): the state that a segment leads to, by direction and flags, with the
// cases that no table holds: ignored SYNs, challenge ACKs (RFC 5961), resets, reopened connections, simultaneous open.
// With NS_TCP_WINDOWS off no sequence number is looked at: everything is in its window, as with tcp_be_liberal, a SYN-ACK
// answers whatever SYN came before, and data is never known to be unacknowledged (so no 300 s timeouts come of it).
// Not modelled: nf_conntrack_tcp_ignore_invalid_rst, checksums, SYN proxy.

import { hasRecordedReplies } from "../flow";
import * as L from "../layout";
import { netnsHas, timeoutNs } from "../netns";
import { Packet } from "../packet";
import { Conn, connKill } from "./conn";
import { account, directionOf, refresh } from "./timeout";
import {
	FLAG_CHALLENGE_ACK,
	FLAG_CLOSE_INIT,
	FLAG_MAXACK_SET,
	FLAG_SIMULTANEOUS_OPEN,
	FLAG_UNACKNOWLEDGED,
	WINDOW_IGNORE,
	WINDOW_INVALID,
	before,
	inWindow,
	noteOptions,
	segmentEnd,
	windowLiberal,
	windowResync,
	windowStart,
} from "./window";
import { Window } from "./windowrow";

/** What a tracker says of a packet: the kernel's NF_ACCEPT, -NF_ACCEPT, -NF_REPEAT. */
export const TRACK_ACCEPT: i32 = 1;
export const TRACK_INVALID: i32 = -1;
export const TRACK_REPEAT: i32 = -4; // the entry is gone; look up again

// What the flags of a segment make it (enum tcp_bit_set)
const SYN: u8 = 0;
const SYNACK: u8 = 1;
const FIN: u8 = 2;
const ACK: u8 = 3;
const RST: u8 = 4;
const NONE: u8 = 5;

const NO: u8 = <u8>L.TCP_CT_NONE;
const SS: u8 = <u8>L.TCP_CT_SYN_SENT;
const SR: u8 = <u8>L.TCP_CT_SYN_RECV;
const ES: u8 = <u8>L.TCP_CT_ESTABLISHED;
const FW: u8 = <u8>L.TCP_CT_FIN_WAIT;
const CW: u8 = <u8>L.TCP_CT_CLOSE_WAIT;
const LA: u8 = <u8>L.TCP_CT_LAST_ACK;
const TW: u8 = <u8>L.TCP_CT_TIME_WAIT;
const CL: u8 = <u8>L.TCP_CT_CLOSE;
const S2: u8 = <u8>L.TCP_CT_SYN_SENT2;
const IV: u8 = 10; // invalid
const IG: u8 = 11; // ignored: may be valid; the receiver's answer will tell

const STATES: i32 = 10;
const KINDS: i32 = 6;

// Columns: the state before. Rows: syn, syn-ack, fin, ack, rst, none. First block ORIGINAL, second REPLY.
// A row a line, as a table is read.
// prettier-ignore
const NEXT: usize = memory.data<u8>([
	SS, SS, IG, IG, IG, IG, IG, SS, SS, S2,
	IV, IV, SR, IV, IV, IV, IV, IV, IV, SR,
	IV, IV, FW, FW, LA, LA, LA, TW, CL, IV,
	ES, IV, ES, ES, CW, CW, TW, TW, CL, IV,
	IV, CL, CL, CL, CL, CL, CL, CL, CL, CL,
	IV, IV, IV, IV, IV, IV, IV, IV, IV, IV,

	IV, S2, IV, IV, IV, IV, IV, SS, IV, S2,
	IV, SR, IG, IG, IG, IG, IG, IG, IG, SR,
	IV, IV, FW, FW, LA, LA, LA, TW, CL, IV,
	IV, IG, SR, ES, CW, CW, TW, TW, CL, IG,
	IV, CL, CL, CL, CL, CL, CL, CL, CL, CL,
	IV, IV, IV, IV, IV, IV, IV, IV, IV, IV,
]);

// Flag combinations that TCP can send, PSH, ECE and CWR aside: bit n for the flags n
const VALID: u64 =
	((<u64>1) << 2) |
	((<u64>1) << 34) |
	((<u64>1) << 18) |
	((<u64>1) << 4) |
	((<u64>1) << 20) |
	((<u64>1) << 17) |
	((<u64>1) << 49) |
	((<u64>1) << 16) |
	((<u64>1) << 48);
const LOOKED_AT: u8 = <u8>(L.TCP_FIN | L.TCP_SYN | L.TCP_RST | L.TCP_ACK | L.TCP_URG);

const MAX_RETRANS: u8 = 3;
const SHRINK_ABOVE: i64 = 120_000_000_000;

// @ts-ignore: decorator
@inline
function kindOf(flags: u8): u8 {
	if ((flags & L.TCP_RST) != 0) return RST;
	if ((flags & L.TCP_SYN) != 0) return (flags & L.TCP_ACK) != 0 ? SYNACK : SYN;
	if ((flags & L.TCP_FIN) != 0) return FIN;
	return (flags & L.TCP_ACK) != 0 ? ACK : NONE;
}

// kind is below KINDS and a stored state below STATES, so the load stays in the table
// @ts-ignore: decorator
@inline
function nextState(dir: i32, kind: u8, state: u8): u8 {
	return load<u8>(NEXT + <usize>((dir * KINDS + <i32>kind) * STATES + <i32>state));
}

/** States of a connection that is over or ending: its entry may be dropped under pressure. */
export function tcpClosing(c: Conn): bool {
	return c.state >= FW && c.state <= CL;
}

// tcp_new: a SYN, or with tcp_loose any plain ACK, which picks a running connection up
function startFlow(p: Packet, c: Conn, kind: u8): bool {
	const state = nextState(0, kind, NO);
	if (state >= IV) return false;
	if (state != SS && !netnsHas(p.netns, L.NS_TCP_LOOSE)) return false;
	c.firstEnd = segmentEnd(p);
	if (netnsHas(p.netns, L.NS_TCP_WINDOWS)) {
		windowStart(c, p, state != SS);
		mirrored(p, c);
	}
	c.setLast(c.lastDir, NONE);
	return true;
}

// Answers that a mirror makes have none of the data in them that the recording's requests acknowledge.
function mirrored(p: Packet, c: Conn): void {
	if (p.flow >= 0 && !hasRecordedReplies(p.flow)) windowLiberal(c);
}

// @ts-ignore: decorator
@inline
function established(c: Conn): bool {
	return c.state == ES && c.has(L.IPS_ASSURED);
}

// Remembers a segment that passes without moving the state.
function ignore(p: Packet, c: Conn, dir: i32, kind: u8): void {
	const w = Window.of(c);
	c.setLast(dir, kind);
	w.lastSeq = p.seq;
	w.lastEnd = segmentEnd(p);
	w.lastWin = p.window;
	if (kind == SYN && dir == 0) {
		noteOptions(w, p);
		// The answer may be a challenge ACK, which must not be taken for the acknowledgement of the last FIN.
		if (c.state == LA) w.lastFlags |= FLAG_CHALLENGE_ACK;
	}
	if (c.state == SS && kind == ACK && dir == 1) w.lastAck = p.ack;
}

// What to do with a reset: its verdict in the low bits, or the state that it leads to
const RST_INVALID: i32 = -1;
const RST_SKIP: i32 = 256; // added: skip the window check

function resetState(p: Packet, c: Conn, dir: i32, windows: bool): i32 {
	let state: i32 = CL;
	// A closing connection's numbers may be outdated: its tuple may be in use again.
	if (tcpClosing(c)) return state | RST_SKIP;
	const w = Window.of(c);
	if (windows && (w.flags(dir ^ 1) & FLAG_MAXACK_SET) != 0 && c.lastIndex != SYN) {
		const maxack = w.seen(dir ^ 1).maxack;
		if (p.seq == 0 && !established(c)) return state;
		if (before(p.seq, maxack)) return RST_INVALID;
		if (!established(c) || p.seq == maxack) return state;
		// part of a train: data, then the reset right behind it
		if (c.lastIndex == ACK && c.lastDir == dir && p.seq == w.lastEnd) return state;
		state = c.state; // not exact: leave room for a challenge ACK
	}
	const answersIgnored =
		(c.has(L.IPS_SEEN_REPLY) && c.lastIndex == SYN) || (!c.has(L.IPS_ASSURED) && c.lastIndex == ACK);
	if (answersIgnored && p.ack == w.lastEnd) return state | RST_SKIP;
	if (c.state == SS && c.lastIndex == ACK && c.lastDir == 1 && p.seq == w.lastAck) return state | RST_SKIP;
	return state;
}

// nf_tcp_handle_invalid: after a FIN or RST that was out of its window, and one from the other side too, the connection is
// likely gone; it shall not stay for days.
function shrinkInvalid(p: Packet, c: Conn, dir: i32, kind: u8): void {
	if (!c.has(L.IPS_ASSURED) || c.has(L.IPS_FIXED_TIMEOUT)) return;
	if (kind != RST && kind != FIN) return;
	if (c.lastDir != dir && (c.lastIndex == FIN || c.lastIndex == RST)) {
		const left = c.deadline - p.time;
		const unack = timeoutNs(p.netns, L.TIMEOUT_TCP_UNACK);
		if (left >= SHRINK_ABOVE && left > unack) c.deadline = p.time + unack;
	} else {
		c.setLast(dir, kind);
	}
}

function timeoutOf(c: Conn, state: u8, kind: u8, windows: bool): i64 {
	if (kind == RST && (!windows || Window.of(c).retrans < MAX_RETRANS))
		return timeoutNs(c.netns, L.TIMEOUT_TCP + <i32>CL);
	const usual = timeoutNs(c.netns, L.TIMEOUT_TCP + <i32>state);
	if (!windows) return usual;
	const w = Window.of(c);
	if (w.retrans >= MAX_RETRANS) {
		const retrans = timeoutNs(c.netns, L.TIMEOUT_TCP_MAX_RETRANS);
		if (usual > retrans) return retrans;
	}
	if (kind == RST) return timeoutNs(c.netns, L.TIMEOUT_TCP + <i32>CL);
	if (w.anyFlag(FLAG_UNACKNOWLEDGED)) {
		const unack = timeoutNs(c.netns, L.TIMEOUT_TCP_UNACK);
		if (usual > unack) return unack;
	}
	if (w.lastWin == 0) {
		const retrans = timeoutNs(c.netns, L.TIMEOUT_TCP_MAX_RETRANS);
		if (usual > retrans) return retrans;
	}
	return usual;
}

// A connection that nobody has answered yet is not held for days.
function unansweredTimeout(c: Conn, state: u8, timeout: i64): i64 {
	return state == ES ? min<i64>(timeout, timeoutNs(c.netns, L.TIMEOUT_TCP_UNACK)) : timeout;
}

/** How long an established entry whose windows are tracked lasts after its last segment, a plain ACK within them; ns. */
export function ackTimeoutNs(c: Conn): i64 {
	const timeout = timeoutOf(c, ES, ACK, true);
	return c.has(L.IPS_SEEN_REPLY) ? timeout : unansweredTimeout(c, ES, timeout);
}

/** The least that `ackTimeoutNs` may come to, whatever such segments do to the windows. */
export function leastAckTimeoutNs(c: Conn): i64 {
	const unack = timeoutNs(c.netns, L.TIMEOUT_TCP_UNACK);
	const retrans = timeoutNs(c.netns, L.TIMEOUT_TCP_MAX_RETRANS);
	return min<i64>(timeoutNs(c.netns, L.TIMEOUT_TCP + <i32>ES), min<i64>(unack, retrans));
}

/** Was the entry's last segment a plain ACK of this direction? */
export function isLastAck(c: Conn, dir: i32): bool {
	return c.lastIndex == ACK && c.lastDir == dir;
}

/** Moves the entry by one segment. p.ctinfo says the direction. */
export function tcpPacket(p: Packet, c: Conn, index: i32): i32 {
	if (((VALID >> (<u64>(p.tcp & LOOKED_AT))) & 1) == 0) return TRACK_INVALID;
	const kind = kindOf(p.tcp);
	if (!c.has(L.IPS_CONFIRMED) && !startFlow(p, c, kind)) return TRACK_INVALID;

	const windows = netnsHas(p.netns, L.NS_TCP_WINDOWS);
	const dir = directionOf(p.ctinfo);
	let old = c.state;
	let state = nextState(dir, kind, old);
	let check = windows;

	if (state == SS && old >= TW) {
		if (Window.of(c).anyFlag(FLAG_CLOSE_INIT) || (c.lastDir == dir && c.lastIndex == RST)) {
			connKill(index, p.time);
			return TRACK_REPEAT;
		}
		state = IG;
	}
	switch (state) {
		case IG: {
			const answers = kind == SYNACK && c.lastIndex == SYN && c.lastDir != dir;
			if (!answers || (windows && p.ack != Window.of(c).lastEnd)) {
				ignore(p, c, dir, kind);
				return TRACK_ACCEPT;
			}
			// The SYN that was ignored was right, and the entry out of step.
			old = SS;
			state = SR;
			windowResync(c, dir);
			mirrored(p, c);
			break;
		}
		case IV:
			return TRACK_INVALID;
		case TW:
			if (
				old == LA &&
				kind == ACK &&
				c.lastDir != dir &&
				c.lastIndex == SYN &&
				(Window.of(c).lastFlags & FLAG_CHALLENGE_ACK) != 0
			) {
				Window.of(c).lastFlags &= ~FLAG_CHALLENGE_ACK;
				return TRACK_ACCEPT;
			}
			break;
		case S2:
			Window.of(c).lastFlags |= FLAG_SIMULTANEOUS_OPEN;
			break;
		case SR:
			if (dir == 1 && kind == ACK && (Window.of(c).lastFlags & FLAG_SIMULTANEOUS_OPEN) != 0) state = ES;
			break;
		case CL:
			if (kind == RST) {
				const reset = resetState(p, c, dir, windows);
				if (reset == RST_INVALID) return TRACK_INVALID;
				if ((reset & RST_SKIP) != 0) check = false;
				state = <u8>reset;
			}
			break;
		default:
			break;
	}

	if (check) {
		const judged = inWindow(c, Window.of(c), c.lastDir, dir, p, kind == ACK);
		if (judged == WINDOW_IGNORE) return TRACK_ACCEPT;
		if (judged == WINDOW_INVALID) {
			shrinkInvalid(p, c, dir, kind);
			return TRACK_INVALID;
		}
	}
	return advance(p, c, index, dir, kind, old, state, windows);
}

// From here on the segment is in its window.
function advance(p: Packet, c: Conn, index: i32, dir: i32, kind: u8, old: u8, state: u8, windows: bool): i32 {
	c.setLast(dir, kind);
	c.state = state;
	if (old != state && state == FW) {
		const w = Window.of(c);
		w.setFlags(dir, w.flags(dir) | FLAG_CLOSE_INIT);
	}
	let timeout = timeoutOf(c, state, kind, windows);
	if (!c.has(L.IPS_SEEN_REPLY)) {
		if (kind == RST) {
			// the only answer is a reset: there is no connection
			account(c, p);
			connKill(index, p.time);
			return TRACK_ACCEPT;
		}
		// a repeated SYN does not renew the timeout, else port reuse could keep an entry alive for ever
		if (kind == SYN && old == SS) return TRACK_ACCEPT;
		timeout = unansweredTimeout(c, state, timeout);
	} else if (!c.has(L.IPS_ASSURED) && (old == SR || old == ES) && state == ES) {
		c.set(L.IPS_ASSURED);
	}
	refresh(c, p, timeout);
	return TRACK_ACCEPT;
}

// Status, state and last segment are one word: what a plain ACK finds in it, and what it leaves there.
const OPEN: u32 = L.IPS_SEEN_REPLY | L.IPS_ASSURED | L.IPS_CONFIRMED | ((<u32>ES) << 16);
const OPEN_MASK: u32 = OPEN | L.IPS_FIXED_TIMEOUT | L.IPS_CACHED | 0xff0000;

/** Is a segment with these flags a plain ACK of an established connection that no line owes to and whose windows are not tracked? */
// @ts-ignore: decorator
@inline
export function tcpIsUsual(c: Conn, netns: i32, tcp: u8): bool {
	if ((load<u32>(changetype<usize>(c), L.CT_STATUS) & OPEN_MASK) != OPEN) return false;
	return (tcp & LOOKED_AT) == <u8>L.TCP_ACK && !netnsHas(netns, L.NS_TCP_WINDOWS);
}

/** How long an entry whose windows are not tracked lasts after such an ACK, ns. */
// @ts-ignore: decorator
@inline
export function tcpUsualNs(netns: i32): i64 {
	return timeoutNs(netns, L.TIMEOUT_TCP + <i32>ES);
}

/** Sets state, last segment and deadline as tcpPacket would for such an ACK; only the counting is left to do. */
// @ts-ignore: decorator
@inline
export function tcpTake(c: Conn, dir: i32, deadline: i64): void {
	const word = load<u32>(changetype<usize>(c), L.CT_STATUS);
	store<u32>(changetype<usize>(c), (word & 0xffffff) | ((((<u32>dir) << 7) | ACK) << 24), L.CT_STATUS);
	c.deadline = deadline;
}
