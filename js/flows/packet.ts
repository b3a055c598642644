// One captured frame into one row of columns: IPv4 (RFC 791), IPv6 with extension headers (RFC 8200), TCP, UDP, ICMP,
// ICMPv6, SCTP, and on request the packet inside VXLAN (RFC 7348) or Geneve (RFC 8926). Never reads behind the captured
// bytes. Left out: IPsec, reassembly of fragments, TCP options.

import type { AddressTable } from "./addresses.ts";
import {
	DIRECTION_UNKNOWN,
	type PacketColumns,
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
} from "./columns.ts";
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, LINK_ETHERNET, LinkHeader } from "./link.ts";
import type { FlowTally } from "./tally.ts";

const VXLAN_PORTS = [4789, 8472];
const GENEVE_PORT = 6081;
/** The header of an ICMP error, before the packet that it quotes. */
const ICMP_HEADER_BYTES = 8;

export class PacketDecoder {
	readonly link = new LinkHeader();
	readonly #addresses: AddressTable;
	readonly #tally: FlowTally;
	readonly #decapsulate: boolean;
	#columns!: PacketColumns;
	#row = 0;
	#view!: DataView;
	/** Where what was captured of this IP packet ends. */
	#end = 0;
	#proto = 0;
	#shape = 0;
	#tunnelEnd = 0;
	/** The address table is full: the row was not made. */
	full = false;

	constructor(addresses: AddressTable, tally: FlowTally, decapsulate: boolean) {
		this.#addresses = addresses;
		this.#tally = tally;
		this.#decapsulate = decapsulate;
	}

	/**
	 * Decodes the frame at `at`, captured up to `end`, `wireBytes` long on the wire, into row `columns.count`.
	 * True where the row holds an IP packet; false: counted in the tally, no row. Time, interface and `origin` are the
	 * caller's, as is `columns.count`; `direction` is set from the link header.
	 */
	decode(
		columns: PacketColumns,
		linktype: number,
		view: DataView,
		at: number,
		end: number,
		wireBytes: number,
	): boolean {
		this.#columns = columns;
		this.#row = columns.count;
		this.#view = view;
		this.#tunnelEnd = 0;
		const link = this.link;
		link.read(linktype, view, at, end);
		const { vlan, direction } = link;
		if (!this.#network(link.ethertype, link.next, end, at + wireBytes - link.next)) return false;
		if (this.#tunnelEnd !== 0 && !this.#inner()) return false;
		if (vlan !== 0) columns.vlan[this.#row] = vlan;
		if (direction !== DIRECTION_UNKNOWN) columns.direction[this.#row] = direction;
		return true;
	}

	#network(ethertype: number, at: number, end: number, wireBytes: number): boolean {
		if (ethertype === ETHERTYPE_IPV4) return this.#ipv4(at, end, wireBytes);
		if (ethertype === ETHERTYPE_IPV6) return this.#ipv6(at, end, wireBytes);
		if (ethertype === ETHERTYPE_ARP) this.#tally.arp++;
		else if (ethertype < 0) this.#tally.headless++;
		else this.#tally.skipEthertype(ethertype);
		return false;
	}

	#ipv4(at: number, end: number, wireBytes: number): boolean {
		const view = this.#view;
		if (end - at < 20) return this.#headless();
		const head = view.getUint32(at);
		const headerBytes = ((head >>> 24) & 15) * 4;
		// A total length of 0 is a segmentation-offload packet captured before it was cut: the frame says how long it is.
		const ipBytes = (head & 0xffff) === 0 ? wireBytes : head & 0xffff;
		if (head >>> 28 !== 4 || headerBytes < 20 || ipBytes < headerBytes) return this.#malformed();
		const columns = this.#columns;
		const row = this.#row;
		const fragment = view.getUint32(at + 4);
		columns.family[row] = 4;
		columns.tos[row] = head >>> 16;
		columns.ipBytes[row] = ipBytes;
		columns.ipId[row] = fragment >>> 16;
		columns.ttl[row] = view.getUint8(at + 8);
		columns.src[row] = view.getUint32(at + 12);
		columns.dst[row] = view.getUint32(at + 16);
		this.#shape =
			(fragment & 0x2000 ? SHAPE_MORE_FRAGMENTS : 0) |
			(fragment & 0x1fff ? SHAPE_LATER_FRAGMENT : 0) |
			(fragment & 0x4000 ? SHAPE_DONT_FRAGMENT : 0);
		this.#end = Math.min(end, at + ipBytes);
		this.#proto = view.getUint8(at + 9);
		this.#transport(at + headerBytes, ipBytes - headerBytes);
		return true;
	}

	#ipv6(at: number, end: number, wireBytes: number): boolean {
		const view = this.#view;
		if (end - at < 40) return this.#headless();
		const head = view.getUint32(at);
		if (head >>> 28 !== 6) return this.#malformed();
		const declared = view.getUint16(at + 4);
		// A payload length of 0 is a jumbogram or an offload packet: the frame says how long it is.
		const ipBytes = declared === 0 && view.getUint8(at + 6) !== 59 ? Math.max(wireBytes, 40) : declared + 40;
		const src = this.#address(at + 8);
		const dst = this.#address(at + 24);
		if (src < 0 || dst < 0) {
			this.full = true;
			return false;
		}
		const columns = this.#columns;
		const row = this.#row;
		columns.family[row] = 6;
		columns.tos[row] = head >>> 20;
		columns.ipBytes[row] = ipBytes;
		columns.ipId[row] = 0;
		columns.ttl[row] = view.getUint8(at + 7);
		columns.src[row] = src;
		columns.dst[row] = dst;
		this.#shape = 0;
		this.#end = Math.min(end, at + ipBytes);
		const next = this.#extensions(view.getUint8(at + 6), at + 40);
		this.#transport(next, at + ipBytes - next);
		return true;
	}

	#address(at: number): number {
		const view = this.#view;
		return this.#addresses.intern(
			view.getUint32(at),
			view.getUint32(at + 4),
			view.getUint32(at + 8),
			view.getUint32(at + 12),
		);
	}

	/** Walks hop-by-hop, routing, destination, fragment, AH, mobility, HIP and Shim6 headers; sets protocol and fragment bits. */
	#extensions(first: number, start: number): number {
		const view = this.#view;
		let proto = first;
		let at = start;
		// Each turn moves on by 8 bytes or more, and none reads behind the captured end.
		while (isExtension(proto) && (this.#shape & SHAPE_LATER_FRAGMENT) === 0) {
			if (this.#end - at < 8) {
				this.#shape |= SHAPE_CUT;
				break;
			}
			let bytes = (view.getUint8(at + 1) + 1) * 8;
			if (proto === 44) {
				const fragment = view.getUint16(at + 2);
				this.#shape |= (fragment & 1 ? SHAPE_MORE_FRAGMENTS : 0) | (fragment >>> 3 ? SHAPE_LATER_FRAGMENT : 0);
				this.#columns.ipId[this.#row] = view.getUint32(at + 4);
				bytes = 8;
			} else if (proto === 51) bytes = (view.getUint8(at + 1) + 2) * 4;
			proto = view.getUint8(at);
			at += bytes;
		}
		this.#proto = proto;
		return at;
	}

	/** `at`: the transport header; `bytes`: what the IP header says is left from there (a lying one may make it negative). */
	#transport(at: number, bytes: number): void {
		const columns = this.#columns;
		const row = this.#row;
		const proto = this.#proto;
		columns.proto[row] = proto;
		if (proto === PROTO_TCP && this.#end - at >= 16 && (this.#shape & (SHAPE_LATER_FRAGMENT | SHAPE_CUT)) === 0) {
			this.#tcp(at, bytes);
		} else this.#other(at, bytes);
		columns.shape[row] = this.#shape;
	}

	/** A TCP header of which all but checksum and urgent pointer were captured. */
	#tcp(at: number, bytes: number): void {
		const columns = this.#columns;
		const row = this.#row;
		const view = this.#view;
		const ports = view.getUint32(at);
		const rest = view.getUint32(at + 12);
		columns.sport[row] = ports >>> 16;
		columns.dport[row] = ports;
		columns.seq[row] = view.getUint32(at + 4);
		columns.ack[row] = view.getUint32(at + 8);
		columns.tcpFlags[row] = rest >>> 16;
		columns.window[row] = rest;
		columns.payloadBytes[row] = Math.max(bytes - (rest >>> 28) * 4, 0);
	}

	#other(at: number, bytes: number): void {
		const columns = this.#columns;
		const row = this.#row;
		const proto = this.#proto;
		columns.sport[row] = 0;
		columns.dport[row] = 0;
		columns.tcpFlags[row] = 0;
		columns.seq[row] = 0;
		columns.ack[row] = 0;
		columns.window[row] = 0;
		columns.payloadBytes[row] = Math.max(bytes, 0);
		if ((this.#shape & (SHAPE_LATER_FRAGMENT | SHAPE_CUT)) === 0) {
			if (proto === PROTO_TCP) this.#cutTcp(at);
			else if (proto === PROTO_UDP) this.#udp(at, bytes);
			else if (proto === PROTO_ICMP) this.#icmp(at, bytes, false);
			else if (proto === PROTO_ICMPV6) this.#icmp(at, bytes, true);
			else if (proto === PROTO_SCTP) this.#sctp(at, bytes);
			else this.#hashPayload(at);
		} else this.#hashPayload(at);
		if (this.#shape & SHAPE_CUT) this.#tally.cut++;
	}

	#cutTcp(at: number): void {
		this.#ports(at);
		this.#shape |= SHAPE_CUT;
		if (this.#end - at >= 8) this.#columns.seq[this.#row] = this.#view.getUint32(at + 4);
		if (this.#end - at >= 12) this.#columns.ack[this.#row] = this.#view.getUint32(at + 8);
	}

	#udp(at: number, bytes: number): void {
		if (!this.#ports(at)) return;
		this.#columns.payloadBytes[this.#row] = Math.max(bytes - 8, 0);
		this.#hashPayload(at + 8);
		if (this.#decapsulate && this.#tunnelEnd === 0) this.#tunnel(at + 8);
	}

	#sctp(at: number, bytes: number): void {
		if (!this.#ports(at)) return;
		const row = this.#row;
		this.#columns.payloadBytes[row] = Math.max(bytes - 12, 0);
		this.#hashPayload(at + 12);
		if (this.#end - at < 13) this.#shape |= SHAPE_CUT;
		else this.#columns.tcpFlags[row] = this.#view.getUint8(at + 12);
		if (this.#end - at >= 8) this.#columns.seq[row] = this.#view.getUint32(at + 4);
	}

	#ports(at: number): boolean {
		if (this.#end - at < 4) {
			this.#shape |= SHAPE_CUT;
			return false;
		}
		this.#columns.sport[this.#row] = this.#view.getUint16(at);
		this.#columns.dport[this.#row] = this.#view.getUint16(at + 2);
		return true;
	}

	#icmp(at: number, bytes: number, v6: boolean): void {
		if (this.#end - at < 4) {
			this.#shape |= SHAPE_CUT;
			return;
		}
		const columns = this.#columns;
		const row = this.#row;
		const type = this.#view.getUint8(at);
		columns.dport[row] = this.#view.getUint16(at);
		columns.payloadBytes[row] = Math.max(bytes - ICMP_HEADER_BYTES, 0);
		if (isEcho(type, v6)) {
			if (this.#end - at < 8) {
				this.#shape |= SHAPE_CUT;
				return;
			}
			columns.sport[row] = this.#view.getUint16(at + 4);
			columns.seq[row] = this.#view.getUint16(at + 6);
		} else if (isIcmpError(type, v6)) this.#quoted(at + ICMP_HEADER_BYTES, v6);
	}

	/** The tuple of the packet that an ICMP error quotes; without it (too little captured) the error stands alone. */
	#quoted(at: number, v6: boolean): void {
		const columns = this.#columns;
		const row = this.#row;
		const view = this.#view;
		const left = this.#end - at;
		if (left < (v6 ? 44 : 24)) return;
		let ports: number;
		if (v6) {
			const src = this.#address(at + 8);
			const dst = this.#address(at + 24);
			if (src < 0 || dst < 0) return;
			columns.innerProto[row] = view.getUint8(at + 6);
			columns.innerSrc[row] = src;
			columns.innerDst[row] = dst;
			ports = at + 40;
		} else {
			columns.innerProto[row] = view.getUint8(at + 9);
			columns.innerSrc[row] = view.getUint32(at + 12);
			columns.innerDst[row] = view.getUint32(at + 16);
			ports = at + (view.getUint8(at) & 15) * 4;
		}
		if (this.#end - ports < 4) return;
		const proto = columns.innerProto[row];
		const icmp = proto === PROTO_ICMP || proto === PROTO_ICMPV6;
		const echo = icmp && this.#end - ports >= 6 && isEcho(view.getUint8(ports), v6);
		columns.innerSport[row] = icmp ? (echo ? view.getUint16(ports + 4) : 0) : view.getUint16(ports);
		columns.innerDport[row] = icmp ? view.getUint16(ports) : view.getUint16(ports + 2);
		this.#shape |= SHAPE_INNER;
	}

	/** Remembers that the UDP payload at `at` is a tunnelled frame; `#inner` reads it. */
	#tunnel(at: number): void {
		const port = this.#columns.dport[this.#row] as number;
		if (port === GENEVE_PORT) {
			if (this.#end - at < 8 || this.#view.getUint16(at + 2) !== 0x6558) return;
			this.#tunnelEnd = at + 8 + (this.#view.getUint8(at) & 63) * 4;
		} else if (VXLAN_PORTS.includes(port)) {
			if (this.#end - at < 8 || (this.#view.getUint8(at) & 8) === 0) return;
			this.#tunnelEnd = at + 8;
		} else return;
		this.#columns.vni[this.#row] = this.#view.getUint32(at + 4) >>> 8;
	}

	/** Reads the tunnelled frame over the row of the outer one. */
	#inner(): boolean {
		const row = this.#row;
		const vni = this.#columns.vni[row] as number;
		this.#columns.payloadHash[row] = 0;
		this.link.read(LINK_ETHERNET, this.#view, this.#tunnelEnd, this.#end);
		if (!this.#network(this.link.ethertype, this.link.next, this.#end, this.#end - this.link.next)) {
			this.#columns.vni[row] = -1;
			return false;
		}
		this.#columns.vni[row] = vni;
		this.#tally.tunnelled++;
		return true;
	}

	#hashPayload(at: number): void {
		if (this.#end - at < 8) return;
		const h = Math.imul(this.#view.getUint32(at) ^ 0x9e3779b1, 0xc2b2ae35);
		this.#columns.payloadHash[this.#row] = Math.imul((h ^ (h >>> 13)) + this.#view.getUint32(at + 4), 0x27d4eb2f);
	}

	#malformed(): boolean {
		this.#tally.malformed++;
		return false;
	}

	#headless(): boolean {
		this.#tally.headless++;
		return false;
	}
}

function isExtension(proto: number): boolean {
	return (
		proto === 0 ||
		proto === 43 ||
		proto === 44 ||
		proto === 51 ||
		proto === 60 ||
		proto === 135 ||
		proto === 139 ||
		proto === 140
	);
}

/** ICMP messages with an identifier: echo, timestamp, information, address mask; ICMPv6 echo. */
export function isEcho(type: number, v6: boolean): boolean {
	return v6 ? type === 128 || type === 129 : type === 0 || type === 8 || (type >= 13 && type <= 18);
}

/** ICMP messages that quote a packet. */
export function isIcmpError(type: number, v6: boolean): boolean {
	return v6 ? type >= 1 && type <= 4 : type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}
