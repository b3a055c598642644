// Link layers of a capture, down to the ethertype: Ethernet with 802.1Q and QinQ tags, Linux cooked v1 and v2, raw IP, BSD
// loopback (tcpdump's link-layer header types). Left out: 802.11, PPP, PPPoE, MPLS (an unknown link type is an error, an
// unknown ethertype is counted).

import * as L from "../layout";
import { byte, net16, net32 } from "./bytes";

const LINK_NULL: u32 = 0;
export const LINK_ETHERNET: u32 = 1;
const LINK_LOOP: u32 = 108;
const LINK_SLL: u32 = 113;
const LINK_IPV4: u32 = 228;
const LINK_IPV6: u32 = 229;
export const LINK_SLL2: u32 = 276;

export const ETHERTYPE_IPV4: i32 = 0x0800;
export const ETHERTYPE_ARP: i32 = 0x0806;
export const ETHERTYPE_IPV6: i32 = 0x86dd;
/** Stands for a frame with an 802.3 length in place of an ethertype, and no SNAP header behind it. */
const LLC: i32 = 0;

/** What `readLink` found; holds until the next one. */
export namespace link {
	/** -1: the frame is shorter than its link header. */
	export let ethertype: i32 = -1;
	/** Where the network header begins. */
	export let next: usize = 0;
	export let vlan: u32 = 0;
	export let direction: u32 = 0;
	/** Linux cooked v2: the ifindex; else 0. */
	export let ifindex: u32 = 0;
}

export function knowsLinktype(linktype: u32): bool {
	return (
		linktype == LINK_ETHERNET ||
		linktype == LINK_NULL ||
		linktype == LINK_LOOP ||
		linktype == LINK_SLL ||
		linktype == LINK_SLL2 ||
		linktype == LINK_IPV4 ||
		linktype == LINK_IPV6 ||
		isRaw(linktype)
	);
}

/** Raw IP goes by several numbers: 101 in files, 12 and 14 where a DLT_ value was written. */
function isRaw(linktype: u32): bool {
	return linktype == 101 || linktype == 12 || linktype == 14;
}

/** Reads the link header at `at`; the captured frame ends at `end`. */
export function readLink(linktype: u32, at: usize, end: usize): void {
	link.vlan = 0;
	link.direction = L.DIRECTION_UNKNOWN;
	link.ethertype = -1;
	// Behind a tunnel header that lies about its length, `at` is past the end.
	const bytes = <i32>(end - at);
	if (linktype == LINK_ETHERNET) {
		if (bytes < 14) return;
		const ethertype = net16(at + 12);
		link.next = at + 14;
		if (ethertype == ETHERTYPE_IPV4) link.ethertype = ETHERTYPE_IPV4;
		else tagged(ethertype, at + 14, end);
	} else if (linktype == LINK_SLL) {
		if (bytes < 16) return;
		link.direction = cookedDirection(net16(at));
		tagged(net16(at + 14), at + 16, end);
	} else if (linktype == LINK_SLL2) {
		if (bytes < 20) return;
		link.direction = cookedDirection(byte(at + 10));
		link.ifindex = net32(at + 4);
		tagged(net16(at), at + 20, end);
	} else if (linktype == LINK_NULL || linktype == LINK_LOOP) {
		if (bytes < 4) return;
		link.ethertype = familyEthertype(net32(at));
		link.next = at + 4;
	} else {
		if (bytes <= 0) return;
		link.next = at;
		if (linktype == LINK_IPV4) link.ethertype = ETHERTYPE_IPV4;
		else if (linktype == LINK_IPV6) link.ethertype = ETHERTYPE_IPV6;
		else link.ethertype = rawEthertype(byte(at));
	}
}

/** From the first ethertype on: VLAN tags, then an ethertype, or an 802.3 length with or without SNAP. */
function tagged(first: u32, start: usize, end: usize): void {
	let type = first;
	let at = start;
	while (type == 0x8100 || type == 0x88a8 || type == 0x9100) {
		if (<i32>(end - at) < 4) return;
		link.vlan = net16(at) & 0xfff;
		type = net16(at + 2);
		at += 4;
	}
	if (type < 0x600) {
		const snap = <i32>(end - at) >= 8 && net32(at) == 0xaaaa0300 && net16(at + 4) == 0;
		type = snap ? net16(at + 6) : LLC;
		if (snap) at += 8;
	}
	link.ethertype = <i32>type;
	link.next = at;
}

/** sll_pkttype: to us, broadcast, multicast, to others (seen in promiscuous mode), from us. */
function cookedDirection(packetType: u32): u32 {
	if (packetType == 4) return L.DIRECTION_OUT;
	return packetType <= 2 ? L.DIRECTION_IN : L.DIRECTION_UNKNOWN;
}

/** AF_ values of the capturing system, in its byte order: 2 is IPv4 everywhere; IPv6 is 10, 24, 28 or 30. */
function familyEthertype(word: u32): i32 {
	const family = min(word, bswap<u32>(word));
	if (family == 2) return ETHERTYPE_IPV4;
	return family == 10 || family == 24 || family == 28 || family == 30 ? ETHERTYPE_IPV6 : LLC;
}

function rawEthertype(first: u32): i32 {
	if (first >>> 4 == 4) return ETHERTYPE_IPV4;
	return first >>> 4 == 6 ? ETHERTYPE_IPV6 : LLC;
}
