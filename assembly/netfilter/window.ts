// TCP window tracking (tcp_in_window in net/netfilter/nf_conntrack_proto_tcp.c, after Guido van Rooij's "Real Stateful TCP
// Packet Filtering"): is a segment within what the other side said it would take, and does it acknowledge what was sent?
// For each direction the entry keeps td_end (highest sequence sent), td_maxend (highest allowed), td_maxwin, td_maxack.
// SACK blocks are not in the packet record, so sack = ack.

import * as L from "../layout";
import { netnsHas } from "../netns";
import { Packet } from "../packet";
import { Conn } from "./conn";

// IP_CT_TCP_FLAG_*
export const FLAG_WINDOW_SCALE: u8 = 0x01;
export const FLAG_SACK_PERM: u8 = 0x02;
export const FLAG_CLOSE_INIT: u8 = 0x04;
export const FLAG_BE_LIBERAL: u8 = 0x08;
export const FLAG_UNACKNOWLEDGED: u8 = 0x10;
export const FLAG_MAXACK_SET: u8 = 0x20;
export const FLAG_CHALLENGE_ACK: u8 = 0x40;
export const FLAG_SIMULTANEOUS_OPEN: u8 = 0x80;

export const WINDOW_ACCEPT: i32 = 0;
export const WINDOW_IGNORE: i32 = 1; // passes, changes nothing
export const WINDOW_INVALID: i32 = 2;

const MAXACKWINCONST: u32 = 66000;
const SCALE_MAX: u8 = 14;

/** One direction's half of the window state. */
@unmanaged
class Seen {

	@inline static of(c: Conn, dir: i32): Seen {
		return changetype<Seen>(changetype<usize>(c) + <usize>(dir << 2));
	}


	@inline get end(): u32 {
		return load<u32>(changetype<usize>(this), L.CT_TD_END);
	}


	@inline set end(value: u32) {
		store<u32>(changetype<usize>(this), value, L.CT_TD_END);
	}


	@inline get maxend(): u32 {
		return load<u32>(changetype<usize>(this), L.CT_TD_MAXEND);
	}


	@inline set maxend(value: u32) {
		store<u32>(changetype<usize>(this), value, L.CT_TD_MAXEND);
	}


	@inline get maxwin(): u32 {
		return load<u32>(changetype<usize>(this), L.CT_TD_MAXWIN);
	}


	@inline set maxwin(value: u32) {
		store<u32>(changetype<usize>(this), value, L.CT_TD_MAXWIN);
	}


	@inline get maxack(): u32 {
		return load<u32>(changetype<usize>(this), L.CT_TD_MAXACK);
	}


	@inline set maxack(value: u32) {
		store<u32>(changetype<usize>(this), value, L.CT_TD_MAXACK);
	}
}

// @ts-ignore: decorator
@inline
export function after(a: u32, b: u32): bool {
	return <i32>(b - a) < 0;
}

// @ts-ignore: decorator
@inline
export function before(a: u32, b: u32): bool {
	return <i32>(a - b) < 0;
}

// @ts-ignore: decorator
@inline
export function seenFlags(c: Conn, dir: i32): u8 {
	return load<u8>(changetype<usize>(c) + <usize>dir, L.CT_TD_FLAGS);
}

// @ts-ignore: decorator
@inline
export function setSeenFlags(c: Conn, dir: i32, flags: u8): void {
	store<u8>(changetype<usize>(c) + <usize>dir, flags, L.CT_TD_FLAGS);
}

// @ts-ignore: decorator
@inline
function seenScale(c: Conn, dir: i32): u8 {
	return load<u8>(changetype<usize>(c) + <usize>dir, L.CT_TD_SCALE);
}

// @ts-ignore: decorator
@inline
function setSeenScale(c: Conn, dir: i32, scale: u8): void {
	store<u8>(changetype<usize>(c) + <usize>dir, scale, L.CT_TD_SCALE);
}

// @ts-ignore: decorator
@inline
export function maxackOf(c: Conn, dir: i32): u32 {
	return Seen.of(c, dir).maxack;
}

/** The sequence number after this segment. */
// @ts-ignore: decorator
@inline
export function segmentEnd(p: Packet): u32 {
	return p.seq + p.payload + ((p.tcp & L.TCP_SYN) != 0 ? 1 : 0) + ((p.tcp & L.TCP_FIN) != 0 ? 1 : 0);
}

// tcp_options: a segment without options leaves the state alone
function readOptions(c: Conn, dir: i32, p: Packet): void {
	const options = p.portId;
	if (options == 0) return;
	let flags: u8 = seenFlags(c, dir) & FLAG_BE_LIBERAL;
	let scale: u8 = 0;
	if ((options & L.TCPOPT_SACK_PERM) != 0) flags |= FLAG_SACK_PERM;
	if ((options & L.TCPOPT_WINDOW) != 0) {
		flags |= FLAG_WINDOW_SCALE;
		scale = min<u8>(options & (<u8>L.TCPOPT_SCALE), SCALE_MAX);
	}
	setSeenFlags(c, dir, flags);
	setSeenScale(c, dir, scale);
}

/** The first segment of a flow: a SYN, or one in the middle of a connection whose window scale is not known. */
export function windowStart(c: Conn, p: Packet, pickup: bool): void {
	const seen = Seen.of(c, 0);
	seen.end = segmentEnd(p);
	seen.maxwin = max<u32>(1, p.window);
	if (!pickup) {
		seen.maxend = seen.end;
		readOptions(c, 0, p);
		return;
	}
	seen.maxend = seen.end + seen.maxwin;
	setSeenFlags(c, 0, FLAG_SACK_PERM | FLAG_BE_LIBERAL);
	setSeenFlags(c, 1, FLAG_SACK_PERM | FLAG_BE_LIBERAL);
}

/** A SYN-ACK answers a SYN that had been ignored: takes over what was noted of that SYN, and forgets the other direction. */
export function windowResync(c: Conn, dir: i32): void {
	const syn = Seen.of(c, c.lastDir);
	syn.end = c.lastEnd;
	syn.maxend = c.lastEnd;
	syn.maxwin = max<u32>(1, c.lastWin);
	setSeenScale(c, c.lastDir, c.lastWscale);
	c.lastFlags &= ~FLAG_CHALLENGE_ACK;
	setSeenFlags(c, c.lastDir, c.lastFlags);
	const seen = Seen.of(c, dir);
	seen.end = 0;
	seen.maxend = 0;
	seen.maxwin = 0;
	seen.maxack = 0;
	setSeenFlags(c, dir, 0);
	setSeenScale(c, dir, 0);
}

/** Notes the options of an ignored SYN. */
export function noteOptions(c: Conn, p: Packet): void {
	c.lastFlags = 0;
	c.lastWscale = 0;
	if ((p.portId & L.TCPOPT_WINDOW) != 0) {
		c.lastFlags |= FLAG_WINDOW_SCALE;
		c.lastWscale = min<u8>(p.portId & (<u8>L.TCPOPT_SCALE), SCALE_MAX);
	}
	if ((p.portId & L.TCPOPT_SACK_PERM) != 0) c.lastFlags |= FLAG_SACK_PERM;
}

// tcp_init_sender: a SYN or SYN-ACK (re)starts its direction; scaling needs the option from both sides
function startSender(c: Conn, dir: i32, p: Packet, end: u32): void {
	const sender = Seen.of(c, dir);
	sender.end = end;
	sender.maxend = end;
	sender.maxwin = max<u32>(1, p.window);
	readOptions(c, dir, p);
	if (dir == 1 && (seenFlags(c, 0) & seenFlags(c, 1) & FLAG_WINDOW_SCALE) == 0) {
		setSeenScale(c, 0, 0);
		setSeenScale(c, 1, 0);
	}
}

function pickSender(c: Conn, dir: i32, p: Packet, end: u32): void {
	const sender = Seen.of(c, dir);
	const receiver = Seen.of(c, dir ^ 1);
	sender.end = end;
	sender.maxwin = max<u32>(1, (<u32>p.window) << (<u32>seenScale(c, dir)));
	sender.maxend = end + sender.maxwin;
	if (receiver.maxwin == 0) {
		// Nothing came from the other side yet: let this acknowledgement pass until something does.
		receiver.end = p.ack;
		receiver.maxend = p.ack;
	} else if (p.ack == receiver.end + 1) {
		receiver.end++; // likely the answer to a keep-alive
	}
}

function verdict(c: Conn, dir: i32, otherwise: i32): i32 {
	const liberal = (seenFlags(c, dir) & FLAG_BE_LIBERAL) != 0 || netnsHas(c.netns, L.NS_TCP_BE_LIBERAL);
	return liberal ? WINDOW_ACCEPT : otherwise;
}

function overUpperBound(c: Conn, dir: i32, end: u32, sack: u32): i32 {
	const sender = Seen.of(c, dir);
	const receiver = Seen.of(c, dir ^ 1);
	const overshot = end - sender.maxend + 1;
	const inWindow = receiver.maxwin != 0 && after(end, sender.end - receiver.maxwin - 1);
	const ackOk = after(sack, receiver.end - max<u32>(sender.maxwin, MAXACKWINCONST) - 1);
	if (inWindow && ackOk && overshot <= receiver.maxwin && before(sack, receiver.end + 1)) {
		// A sender that overruns the window a little: were this data not noted, its acknowledgement would be INVALID for ever.
		sender.end = end;
		setSeenFlags(c, dir, seenFlags(c, dir) | FLAG_UNACKNOWLEDGED);
		return verdict(c, dir, WINDOW_IGNORE);
	}
	return verdict(c, dir, WINDOW_INVALID);
}

/** Judges a segment and, where it fits, moves the windows. `isAck`: a plain ACK, whose repetitions count as retransmissions. */
export function inWindow(c: Conn, dir: i32, p: Packet, isAck: bool): i32 {
	const sender = Seen.of(c, dir);
	const receiver = Seen.of(c, dir ^ 1);
	const syn = (p.tcp & L.TCP_SYN) != 0;
	const acks = (p.tcp & L.TCP_ACK) != 0;
	let seq = p.seq;
	let end = segmentEnd(p);
	let ack = p.ack;
	let win = <u32>p.window;

	if (sender.maxwin == 0) {
		if (syn) {
			startSender(c, dir, p, end);
			if (!acks) return WINDOW_ACCEPT; // simultaneous open
		} else {
			pickSender(c, dir, p, end);
		}
	} else if (syn && after(end, sender.end) && (c.state == L.TCP_CT_SYN_SENT || c.state == L.TCP_CT_SYN_RECV)) {
		startSender(c, dir, p, end);
		if (dir == 1 && !acks) return WINDOW_ACCEPT;
	}

	// No ACK, or a RST that sets the flag with no number: as if it had acknowledged everything.
	if (!acks || ((p.tcp & L.TCP_RST) != 0 && ack == 0)) ack = receiver.end;
	if ((p.tcp & L.TCP_RST) != 0 && seq == 0 && c.state == L.TCP_CT_SYN_SENT) {
		seq = sender.end;
		end = sender.end;
	}

	if (!before(seq, sender.maxend + 1)) return overUpperBound(c, dir, end, ack);
	if (!before(ack, receiver.end + 1)) return verdict(c, dir, WINDOW_INVALID);
	const inReceiveWindow = receiver.maxwin == 0 || after(end, sender.end - receiver.maxwin - 1);
	const ackRecent = after(ack, receiver.end - max<u32>(sender.maxwin, MAXACKWINCONST) - 1);
	if (!inReceiveWindow || !ackRecent) return verdict(c, dir, WINDOW_IGNORE);

	if (!syn) win <<= <u32>seenScale(c, dir);
	moveWindow(c, dir, p, end, ack, win);
	if (isAck) countRetransmission(c, dir, p, seq, end, ack);
	return WINDOW_ACCEPT;
}

function moveWindow(c: Conn, dir: i32, p: Packet, end: u32, ack: u32, win: u32): void {
	const sender = Seen.of(c, dir);
	const receiver = Seen.of(c, dir ^ 1);
	let flags = seenFlags(c, dir);
	if (sender.maxwin < win) sender.maxwin = win;
	if (after(end, sender.end)) {
		sender.end = end;
		flags |= FLAG_UNACKNOWLEDGED;
	}
	if ((p.tcp & L.TCP_ACK) != 0) {
		if ((flags & FLAG_MAXACK_SET) == 0) {
			sender.maxack = ack;
			flags |= FLAG_MAXACK_SET;
		} else if (after(ack, sender.maxack)) {
			sender.maxack = ack;
		}
	}
	setSeenFlags(c, dir, flags);
	if (receiver.maxwin != 0 && after(end, sender.maxend)) receiver.maxwin += end - sender.maxend;
	if (after(ack + win, receiver.maxend - 1)) {
		receiver.maxend = ack + win;
		if (win == 0) receiver.maxend++;
	}
	if (ack == receiver.end) setSeenFlags(c, dir ^ 1, seenFlags(c, dir ^ 1) & ~FLAG_UNACKNOWLEDGED);
}

function countRetransmission(c: Conn, dir: i32, p: Packet, seq: u32, end: u32, ack: u32): void {
	const same =
		c.lastDir == <u8>dir && c.lastSeq == seq && c.lastAck == ack && c.lastEnd == end && c.lastWin == p.window;
	if (same) {
		if (c.retrans < 255) c.retrans++;
		return;
	}
	c.lastDir = <u8>dir;
	c.lastSeq = seq;
	c.lastAck = ack;
	c.lastEnd = end;
	c.lastWin = p.window;
	c.retrans = 0;
}
