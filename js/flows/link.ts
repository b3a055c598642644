// Link layers of a capture, down to the ethertype: Ethernet with 802.1Q and QinQ tags, Linux cooked v1 and v2, raw IP,
// BSD loopback (tcpdump's link-layer header types). Left out: 802.11, PPP, PPPoE, MPLS (an unknown link type is an error,
// an unknown ethertype is counted).

import { DIRECTION_IN, DIRECTION_OUT, DIRECTION_UNKNOWN } from "./columns.ts";
import { LLC } from "./tally.ts";

export const LINK_NULL = 0;
export const LINK_ETHERNET = 1;
export const LINK_LOOP = 108;
export const LINK_SLL = 113;
export const LINK_IPV4 = 228;
export const LINK_IPV6 = 229;
export const LINK_SLL2 = 276;
/** Raw IP goes by several numbers: 101 in files, 12 and 14 where a DLT_ value was written. */
const LINK_RAW = [101, 12, 14];

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;

export const LINKTYPES_READ =
	"Ethernet (1), Linux cooked v1 (113) or v2 (276), raw IP (101, 12, 14, 228, 229), BSD loopback (0, 108)";

export function knowsLinktype(linktype: number): boolean {
	return [LINK_NULL, LINK_ETHERNET, LINK_LOOP, LINK_SLL, LINK_IPV4, LINK_IPV6, LINK_SLL2, ...LINK_RAW].includes(
		linktype,
	);
}

/** What `LinkHeader.read` found; fields hold until the next read. */
export class LinkHeader {
	/** -1: the frame is shorter than its link header. LLC: an 802.3 length, no SNAP. */
	ethertype = -1;
	/** Where the network header begins. */
	next = 0;
	vlan = 0;
	direction = DIRECTION_UNKNOWN;
	/** Linux cooked v2: the ifindex; else 0. */
	ifindex = 0;

	/** Reads the link header at `at`; the captured frame ends at `end`. */
	read(linktype: number, view: DataView, at: number, end: number): void {
		this.vlan = 0;
		this.direction = DIRECTION_UNKNOWN;
		this.ethertype = -1;
		if (linktype === LINK_ETHERNET) {
			if (end - at >= 14) this.#tagged(view.getUint16(at + 12), view, at + 14, end);
		} else if (linktype === LINK_SLL) {
			if (end - at < 16) return;
			this.direction = cookedDirection(view.getUint16(at));
			this.#tagged(view.getUint16(at + 14), view, at + 16, end);
		} else if (linktype === LINK_SLL2) {
			if (end - at < 20) return;
			this.direction = cookedDirection(view.getUint8(at + 10));
			this.ifindex = view.getUint32(at + 4);
			this.#tagged(view.getUint16(at), view, at + 20, end);
		} else if (linktype === LINK_NULL || linktype === LINK_LOOP) {
			if (end - at < 4) return;
			this.ethertype = familyEthertype(view.getUint32(at, false), view.getUint32(at, true));
			this.next = at + 4;
		} else {
			if (end <= at) return;
			this.next = at;
			this.ethertype =
				linktype === LINK_IPV4
					? ETHERTYPE_IPV4
					: linktype === LINK_IPV6
						? ETHERTYPE_IPV6
						: rawEthertype(view.getUint8(at));
		}
	}

	#tagged(first: number, view: DataView, start: number, end: number): void {
		let type = first;
		let at = start;
		while (type === 0x8100 || type === 0x88a8 || type === 0x9100) {
			if (end - at < 4) return;
			this.vlan = view.getUint16(at) & 0xfff;
			type = view.getUint16(at + 2);
			at += 4;
		}
		if (type < 0x600) {
			const snap = end - at >= 8 && view.getUint32(at) === 0xaaaa0300 && view.getUint16(at + 4) === 0;
			type = snap ? view.getUint16(at + 6) : LLC;
			at += snap ? 8 : 0;
		}
		this.ethertype = type;
		this.next = at;
	}
}

/** sll_pkttype: to us, broadcast, multicast, to others (seen in promiscuous mode), from us. */
function cookedDirection(packetType: number): number {
	return packetType === 4 ? DIRECTION_OUT : packetType <= 2 ? DIRECTION_IN : DIRECTION_UNKNOWN;
}

/** AF_ values of the capturing system, in its byte order: 2 is IPv4 everywhere; IPv6 is 10, 24, 28 or 30. */
function familyEthertype(big: number, little: number): number {
	const family = Math.min(big, little);
	if (family === 2) return ETHERTYPE_IPV4;
	return family === 10 || family === 24 || family === 28 || family === 30 ? ETHERTYPE_IPV6 : LLC;
}

function rawEthertype(first: number): number {
	return first >>> 4 === 4 ? ETHERTYPE_IPV4 : first >>> 4 === 6 ? ETHERTYPE_IPV6 : LLC;
}
