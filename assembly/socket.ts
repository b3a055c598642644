// Sockets: who listens where, and which connections exist (net/ipv4/inet_hashtables.c, udp.c: the best score wins:
// a connected socket, then a bound address, then any address). Rows of TABLE_SOCKET in a hash by (netns, proto, local port), and
// those of a netns in a list.

import { base, capacity, place, row } from "./arena";
import { hash2 } from "./hash";
import { asksSourcePort } from "./journey";
import { isIcmp } from "./netfilter/tuple";
import { netns as netnsRow, netnsHas } from "./netns";
import { Packet } from "./packet";
import * as L from "./layout";

export const SOCKET_NONE: i32 = -1;
/** The netns accepts on every port. */
export const SOCKET_ANY: i32 = -2;
const REMOVED: u8 = 255;

let changes: u32 = 0;
let open: u32 = 0;

/** How often a socket has been opened or closed. */
export function socketChanges(): u32 {
	return changes;
}

/** Sockets that are open. */
export function socketCount(): u32 {
	return open;
}

// @ts-ignore: decorator
@inline
function socketAt(index: u32): usize {
	return row(L.TABLE_SOCKET, index, L.SOCKET_STRIDE);
}

// @ts-ignore: decorator
@inline
function home(netns: i32, proto: u8, lport: u16): u32 {
	return hash2(<u64>netns, ((<u64>proto) << 16) | (<u64>lport)) & (capacity(L.TABLE_SOCKET) - 1);
}

/**
 * Opens a socket; raddr and rport 0: a listener. `family` 4 or 6; 0: both, for a wildcard. Returns its row, or SOCKET_NONE
 * where the table is full.
 */
export function openSocket(netns: i32, proto: u8, laddr: u32, lport: u16, raddr: u32, rport: u16, family: u8 = 0): i32 {
	changes++;
	const mask = capacity(L.TABLE_SOCKET) - 1;
	let i = home(netns, proto, lport);
	for (let n: u32 = 0; n <= mask; n++, i = (i + 1) & mask) {
		const at = row(L.TABLE_SOCKET, i, L.SOCKET_STRIDE);
		const state = load<u8>(at, L.SOCKET_STATE);
		if (state != 0 && state != REMOVED) continue;
		store<i32>(at, netns, L.SOCKET_NETNS);
		store<u8>(at, proto, L.SOCKET_PROTO);
		store<u8>(at, <u8>(rport != 0 ? L.SOCKET_CONNECTED : L.SOCKET_LISTEN), L.SOCKET_STATE);
		store<u16>(at, lport, L.SOCKET_LPORT);
		store<u32>(at, laddr, L.SOCKET_LADDR);
		store<u32>(at, raddr, L.SOCKET_RADDR);
		store<u16>(at, rport, L.SOCKET_RPORT);
		store<u8>(at, family, L.SOCKET_FAMILY);
		link(at, i);
		open++;
		return <i32>i;
	}
	return SOCKET_NONE;
}

/** Closes a socket by row. */
export function closeSocket(socket: i32): void {
	changes++;
	if (<u32>socket >= capacity(L.TABLE_SOCKET)) return;
	const at = socketAt(socket);
	const state = load<u8>(at, L.SOCKET_STATE);
	if (state == 0 || state == REMOVED) return;
	unlink(at);
	open--;
	store<u8>(at, REMOVED, L.SOCKET_STATE);
	// Nobody looks past slots that an empty one follows.
	const mask = capacity(L.TABLE_SOCKET) - 1;
	if (load<u8>(socketAt((<u32>socket + 1) & mask), L.SOCKET_STATE) != 0) return;
	for (let i = <u32>socket; load<u8>(socketAt(i), L.SOCKET_STATE) == REMOVED; i = (i - 1) & mask) {
		store<u8>(socketAt(i), 0, L.SOCKET_STATE);
	}
}

/** Closes every socket of a netns. */
export function closeSockets(netns: i32): void {
	const first = netnsRow(netns) + L.NETNS_SOCKET;
	for (let socket = load<u32>(first); socket != 0; socket = load<u32>(first)) closeSocket(<i32>socket - 1);
}

/**
 * Makes room for so many sockets, a power of two and more than there are, which get other rows: where one has gone, plus one, stands in
 * SOCKET_NEXT of its old row. False: memory is at its maximum, and nothing has changed.
 */
export function socketRoom(rows: u32): bool {
	const from = base(L.TABLE_SOCKET);
	const held = capacity(L.TABLE_SOCKET);
	if (place(L.TABLE_SOCKET, rows, L.SOCKET_STRIDE) == 0) return false;
	changes++;
	memory.fill(base(L.TABLE_SOCKET), 0, <usize>rows * L.SOCKET_STRIDE);
	// From behind an empty row on, so that of sockets that fit alike the first stays the first.
	let start: u32 = 0;
	while (start < held && load<u8>(from + <usize>start * L.SOCKET_STRIDE, L.SOCKET_STATE) != 0) start++;
	for (let n: u32 = 0; n < held; n++) {
		const at = from + <usize>((start + n) & (held - 1)) * L.SOCKET_STRIDE;
		if (isOpen(at)) store<u32>(netnsRow(load<i32>(at, L.SOCKET_NETNS)), 0, L.NETNS_SOCKET);
	}
	for (let n: u32 = 0; n < held; n++) {
		const at = from + <usize>((start + n) & (held - 1)) * L.SOCKET_STRIDE;
		if (isOpen(at)) store<u32>(at, 1 + moveIn(at), L.SOCKET_NEXT);
	}
	return true;
}

function isOpen(at: usize): bool {
	const state = load<u8>(at, L.SOCKET_STATE);
	return state != 0 && state != REMOVED;
}

function moveIn(from: usize): u32 {
	const mask = capacity(L.TABLE_SOCKET) - 1;
	let i = home(load<i32>(from, L.SOCKET_NETNS), load<u8>(from, L.SOCKET_PROTO), load<u16>(from, L.SOCKET_LPORT));
	while (load<u8>(socketAt(i), L.SOCKET_STATE) != 0) i = (i + 1) & mask;
	memory.copy(socketAt(i), from, L.SOCKET_STRIDE);
	link(socketAt(i), i);
	return i;
}

function link(at: usize, index: u32): void {
	const first = netnsRow(load<i32>(at, L.SOCKET_NETNS)) + L.NETNS_SOCKET;
	const next = load<u32>(first);
	store<u32>(at, next, L.SOCKET_NEXT);
	store<u32>(at, 0, L.SOCKET_PREVIOUS);
	if (next != 0) store<u32>(socketAt(next - 1), index + 1, L.SOCKET_PREVIOUS);
	store<u32>(first, index + 1);
}

function unlink(at: usize): void {
	const next = load<u32>(at, L.SOCKET_NEXT);
	const previous = load<u32>(at, L.SOCKET_PREVIOUS);
	if (next != 0) store<u32>(socketAt(next - 1), previous, L.SOCKET_PREVIOUS);
	if (previous != 0) store<u32>(socketAt(previous - 1), next, L.SOCKET_NEXT);
	else store<u32>(netnsRow(load<i32>(at, L.SOCKET_NETNS)), next, L.NETNS_SOCKET);
}

/** The socket that gets a packet delivered locally: a row, SOCKET_ANY or SOCKET_NONE. */
export function findSocket(p: Packet): i32 {
	// An echo's id is the port of the socket that asked.
	if (isIcmp(p.proto)) return find(p.netns, p.proto, p.family, p.dst, p.sport, p.src, 0, false);
	// A listener takes a bare SYN alone: any ACK makes it reset (tcp_rcv_state_process, TCP_LISTEN).
	const opens = (p.tcp & (L.TCP_SYN | L.TCP_ACK)) == L.TCP_SYN;
	return find(p.netns, p.proto, p.family, p.dst, p.dport, p.src, p.sport, p.proto == L.PROTO_TCP && !opens);
}

/** The socket to which an ICMP error belongs, by the header that it quotes. */
export function findQuoted(p: Packet): i32 {
	const connected = p.innerProto == L.PROTO_TCP;
	return find(p.netns, p.innerProto, p.family, p.innerSrc, p.innerSport, p.innerDst, p.innerDport, connected);
}

function find(
	netns: i32,
	proto: u8,
	family: u8,
	laddr: u32,
	lport: u16,
	raddr: u32,
	rport: u16,
	connectedOnly: bool,
): i32 {
	const mask = capacity(L.TABLE_SOCKET) - 1;
	let i = home(netns, proto, lport);
	let best = SOCKET_NONE;
	let bestScore = 0;
	for (let n: u32 = 0; n <= mask; n++, i = (i + 1) & mask) {
		const at = row(L.TABLE_SOCKET, i, L.SOCKET_STRIDE);
		const state = load<u8>(at, L.SOCKET_STATE);
		if (state == 0) break;
		if (state == REMOVED) continue;
		if (load<i32>(at, L.SOCKET_NETNS) != netns || load<u16>(at, L.SOCKET_LPORT) != lport) continue;
		if (load<u8>(at, L.SOCKET_PROTO) != proto) continue;
		const only = load<u8>(at, L.SOCKET_FAMILY);
		if (only != 0 && only != family) continue;
		const score = scoreOf(at, state, laddr, raddr, rport);
		if (score > bestScore && (!connectedOnly || state == L.SOCKET_CONNECTED)) {
			best = <i32>i;
			bestScore = score;
		}
	}
	if (best == SOCKET_NONE && !connectedOnly && netnsHas(netns, L.NS_ANY_PORT)) return SOCKET_ANY;
	return best;
}

function scoreOf(at: usize, state: u8, laddr: u32, raddr: u32, rport: u16): i32 {
	const bound = load<u32>(at, L.SOCKET_LADDR);
	if (bound != 0 && bound != laddr) return 0;
	if (state == L.SOCKET_CONNECTED) {
		asksSourcePort();
		return load<u32>(at, L.SOCKET_RADDR) == raddr && load<u16>(at, L.SOCKET_RPORT) == rport ? 4 : 0;
	}
	return bound != 0 ? 2 : 1;
}
