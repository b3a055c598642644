// TCP window tracking (tcp_in_window in net/netfilter/nf_conntrack_proto_tcp.c, after Guido van Rooij's "Real Stateful TCP
// Packet Filtering"): is a segment within what the other side said it would take, and does it acknowledge what was sent?
// For each direction the entry keeps td_end (highest sequence sent), td_maxend (highest allowed), td_maxwin, td_maxack.
// Of SACK blocks the packet record keeps the highest right edge, which is all that is asked of them.

import * as L from "../layout";
import { netnsHas } from "../netns";
import { Packet } from "../packet";
import { Conn } from "./conn";
import { Seen, Window } from "./windowrow";

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

/** The sequence number after this segment. */
// @ts-ignore: decorator
@inline
export function segmentEnd(p: Packet): u32 {
	return p.seq + p.payload + ((p.tcp & L.TCP_SYN) != 0 ? 1 : 0) + ((p.tcp & L.TCP_FIN) != 0 ? 1 : 0);
}

// tcp_options: a segment without options leaves the state alone
function readOptions(w: Window, dir: i32, p: Packet): void {
	const options = p.portId;
	if (options == 0) return;
	let flags: u8 = w.flags(dir) & FLAG_BE_LIBERAL;
	let scale: u8 = 0;
	if ((options & L.TCPOPT_SACK_PERM) != 0) flags |= FLAG_SACK_PERM;
	if ((options & L.TCPOPT_WINDOW) != 0) {
		flags |= FLAG_WINDOW_SCALE;
		scale = min<u8>(options & (<u8>L.TCPOPT_SCALE), SCALE_MAX);
	}
	w.setFlags(dir, flags);
	w.setScale(dir, scale);
}

/** The first segment of a flow: a SYN, or one in the middle of a connection whose window scale is not known. */
export function windowStart(c: Conn, p: Packet, pickup: bool): void {
	const w = Window.of(c);
	const seen = w.seen(0);
	seen.end = segmentEnd(p);
	seen.maxwin = max<u32>(1, p.window);
	if (!pickup) {
		seen.maxend = seen.end;
		readOptions(w, 0, p);
		return;
	}
	seen.maxend = seen.end + seen.maxwin;
	w.setFlags(0, FLAG_SACK_PERM | FLAG_BE_LIBERAL);
	w.setFlags(1, FLAG_SACK_PERM | FLAG_BE_LIBERAL);
}

/** A flow whose other side is not recorded: what it acknowledges was never sent here, so nothing of it is out of its window. */
export function windowLiberal(c: Conn): void {
	const w = Window.of(c);
	w.setFlags(0, w.flags(0) | FLAG_BE_LIBERAL);
	w.setFlags(1, w.flags(1) | FLAG_BE_LIBERAL);
}

/** The windows of an entry that a SYN has just made, as tracking it leaves them. `liberal`: its other side is not recorded. */
export function windowOpen(c: Conn, p: Packet, liberal: bool): void {
	windowStart(c, p, false);
	if (liberal) windowLiberal(c);
	inWindow(c, Window.of(c), 0, 0, p, false);
}

/** A SYN-ACK answers a SYN that had been ignored: takes over what was noted of that SYN, and forgets the other direction. */
export function windowResync(c: Conn, dir: i32): void {
	const w = Window.of(c);
	const syn = w.seen(c.lastDir);
	syn.end = w.lastEnd;
	syn.maxend = w.lastEnd;
	syn.maxwin = max<u32>(1, w.lastWin);
	w.setScale(c.lastDir, w.lastScale);
	w.lastFlags &= ~FLAG_CHALLENGE_ACK;
	w.setFlags(c.lastDir, w.lastFlags);
	const seen = w.seen(dir);
	seen.end = 0;
	seen.maxend = 0;
	seen.maxwin = 0;
	seen.maxack = 0;
	w.setFlags(dir, 0);
	w.setScale(dir, 0);
}

/** Notes the options of an ignored SYN. */
export function noteOptions(w: Window, p: Packet): void {
	w.lastFlags = 0;
	w.lastScale = 0;
	if ((p.portId & L.TCPOPT_WINDOW) != 0) {
		w.lastFlags |= FLAG_WINDOW_SCALE;
		w.lastScale = min<u8>(p.portId & (<u8>L.TCPOPT_SCALE), SCALE_MAX);
	}
	if ((p.portId & L.TCPOPT_SACK_PERM) != 0) w.lastFlags |= FLAG_SACK_PERM;
}

// tcp_init_sender: a SYN or SYN-ACK (re)starts its direction; scaling needs the option from both sides
function startSender(w: Window, dir: i32, p: Packet, end: u32): void {
	const sender = w.seen(dir);
	sender.end = end;
	sender.maxend = end;
	sender.maxwin = max<u32>(1, p.window);
	readOptions(w, dir, p);
	if (dir == 1 && (w.flags(0) & w.flags(1) & FLAG_WINDOW_SCALE) == 0) {
		w.setScale(0, 0);
		w.setScale(1, 0);
	}
}

function pickSender(w: Window, dir: i32, p: Packet, end: u32, sack: u32): void {
	const sender = w.seen(dir);
	const receiver = w.seen(dir ^ 1);
	sender.end = end;
	sender.maxwin = max<u32>(1, (<u32>p.window) << (<u32>w.scale(dir)));
	sender.maxend = end + sender.maxwin;
	if (receiver.maxwin == 0) {
		// Nothing came from the other side yet: let this acknowledgement pass until something does.
		receiver.end = sack;
		receiver.maxend = sack;
	} else if (sack == receiver.end + 1) {
		receiver.end++; // likely the answer to a keep-alive
	}
}

function verdict(c: Conn, w: Window, dir: i32, otherwise: i32): i32 {
	const liberal = (w.flags(dir) & FLAG_BE_LIBERAL) != 0 || netnsHas(c.netns, L.NS_TCP_BE_LIBERAL);
	return liberal ? WINDOW_ACCEPT : otherwise;
}

function overUpperBound(c: Conn, w: Window, dir: i32, end: u32, sack: u32): i32 {
	const sender = w.seen(dir);
	const receiver = w.seen(dir ^ 1);
	const overshot = end - sender.maxend + 1;
	const inWindow = receiver.maxwin != 0 && after(end, sender.end - receiver.maxwin - 1);
	const ackOk = after(sack, receiver.end - max<u32>(sender.maxwin, MAXACKWINCONST) - 1);
	if (inWindow && ackOk && overshot <= receiver.maxwin && before(sack, receiver.end + 1)) {
		// A sender that overruns the window a little: were this data not noted, its acknowledgement would be INVALID for ever.
		sender.end = end;
		w.setFlags(dir, w.flags(dir) | FLAG_UNACKNOWLEDGED);
		return verdict(c, w, dir, WINDOW_IGNORE);
	}
	return verdict(c, w, dir, WINDOW_INVALID);
}

/* Have the windows moved, and so decided alone, when a segment was judged last? */
let moved: bool = false;

/** Whatever is judged from here on, `hasMoved` speaks of. */
// @ts-ignore: decorator
@inline
export function judgeAnew(): void {
	moved = false;
}

/** Did the segment that was judged last fit, so that neither the entry nor its netns had a say in it? */
// @ts-ignore: decorator
@inline
export function hasMoved(): bool {
	return moved;
}

/**
 * Judges a segment and, where it fits, moves the windows `w` of `c`. `isAck`: a plain ACK, whose repetitions count as
 * retransmissions; `lastDir`: the direction of the entry's last segment. Of a plain ACK that fits, `c` itself is not read.
 */
export function inWindow(c: Conn, w: Window, lastDir: i32, dir: i32, p: Packet, isAck: bool): i32 {
	const sender = w.seen(dir);
	const receiver = w.seen(dir ^ 1);
	moved = false;
	const syn = (p.tcp & L.TCP_SYN) != 0;
	const acks = (p.tcp & L.TCP_ACK) != 0;
	let seq = p.seq;
	let end = segmentEnd(p);
	let ack = p.ack;
	let sack = sackOf(w, dir, p);
	let win = <u32>p.window;

	if (sender.maxwin == 0) {
		if (syn) {
			startSender(w, dir, p, end);
			if (!acks) return WINDOW_ACCEPT; // simultaneous open
		} else {
			pickSender(w, dir, p, end, sack);
		}
	} else if (syn && after(end, sender.end) && (c.state == L.TCP_CT_SYN_SENT || c.state == L.TCP_CT_SYN_RECV)) {
		startSender(w, dir, p, end);
		if (dir == 1 && !acks) return WINDOW_ACCEPT;
	}

	// No ACK, or a RST that sets the flag with no number: as if it had acknowledged everything.
	if (!acks || ((p.tcp & L.TCP_RST) != 0 && ack == 0)) {
		ack = receiver.end;
		sack = ack;
	}
	if ((p.tcp & L.TCP_RST) != 0 && seq == 0 && c.state == L.TCP_CT_SYN_SENT) {
		seq = sender.end;
		end = sender.end;
	}

	const bound = boundOf(sender, receiver, seq, end, sack);
	if (bound == OVER_UPPER) return overUpperBound(c, w, dir, end, sack);
	if (bound != WITHIN) return verdict(c, w, dir, bound == UNSEEN ? WINDOW_INVALID : WINDOW_IGNORE);

	if (!syn) win <<= <u32>w.scale(dir);
	moveWindow(w, dir, p, end, ack, sack, win);
	moved = true;
	if (isAck) countRetransmission(w, lastDir == dir, p, seq, end, ack);
	return WINDOW_ACCEPT;
}

/**
 * As inWindow for a plain ACK where both sides have windows that it fits, which then have moved; false: nothing has, and inWindow
 * says what becomes of it.
 */
// @ts-ignore: decorator
@inline
export function movesPlainly(w: Window, lastDir: i32, dir: i32, p: Packet): bool {
	const sender = w.seen(dir);
	const end = p.seq + p.payload;
	const sack = sackOf(w, dir, p);
	if (sender.maxwin == 0 || boundOf(sender, w.seen(dir ^ 1), p.seq, end, sack) != WITHIN) return false;
	moveWindow(w, dir, p, end, p.ack, sack, (<u32>p.window) << (<u32>w.scale(dir)));
	countRetransmission(w, lastDir == dir, p, p.seq, end, p.ack);
	return true;
}

/** What a segment acknowledges, by SACK or without. */
// @ts-ignore: decorator
@inline
function sackOf(w: Window, dir: i32, p: Packet): u32 {
	return p.sack != 0 && (w.flags(dir ^ 1) & FLAG_SACK_PERM) != 0 && after(p.sack, p.ack) ? p.sack : p.ack;
}

/* Which of the four bounds a segment is beyond */
const WITHIN: u32 = 0;
const OVER_UPPER: u32 = 1;
const UNSEEN: u32 = 2; // it acknowledges what was never sent
const TOO_OLD: u32 = 3; // its data or its acknowledgement

// @ts-ignore: decorator
@inline
function boundOf(sender: Seen, receiver: Seen, seq: u32, end: u32, sack: u32): u32 {
	if (!before(seq, sender.maxend + 1)) return OVER_UPPER;
	if (!before(sack, receiver.end + 1)) return UNSEEN;
	const inReceiveWindow = receiver.maxwin == 0 || after(end, sender.end - receiver.maxwin - 1);
	const ackRecent = after(sack, receiver.end - max<u32>(sender.maxwin, MAXACKWINCONST) - 1);
	return inReceiveWindow && ackRecent ? WITHIN : TOO_OLD;
}

function moveWindow(w: Window, dir: i32, p: Packet, end: u32, ack: u32, sack: u32, win: u32): void {
	const sender = w.seen(dir);
	const receiver = w.seen(dir ^ 1);
	let flags = w.flags(dir);
	sender.maxwin = max<u32>(sender.maxwin, win + (sack - ack));
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
	w.setFlags(dir, flags);
	if (receiver.maxwin != 0 && after(end, sender.maxend)) receiver.maxwin += end - sender.maxend;
	if (after(sack + win, receiver.maxend - 1)) {
		receiver.maxend = sack + win;
		if (win == 0) receiver.maxend++;
	}
	if (ack == receiver.end) w.setFlags(dir ^ 1, w.flags(dir ^ 1) & ~FLAG_UNACKNOWLEDGED);
}

// That the segment's direction is the last one from now on, the caller notes.
function countRetransmission(w: Window, sameWay: bool, p: Packet, seq: u32, end: u32, ack: u32): void {
	const same = sameWay && w.lastSeq == seq && w.lastAck == ack && w.lastEnd == end && w.lastWin == p.window;
	if (same) {
		if (w.retrans < 255) w.retrans++;
		return;
	}
	w.lastSeq = seq;
	w.lastAck = ack;
	w.lastEnd = end;
	w.lastWin = p.window;
	w.retrans = 0;
}
