// An Ethernet frame from a description of its headers, checksums included: what a traced packet would look like on the
// wire, for captures that Wireshark opens. IPv4 and IPv6 with TCP, UDP, ICMP and ICMPv6 (echo and errors) or SCTP (one
// chunk). Left out: IP options, extension headers, TCP options.

import { ipv4ToNumber, parseIpv6 } from "../net/address.ts";
import { crc32c, onesSum } from "./checksum.ts";
import { PROTO_ICMP, PROTO_ICMPV6, PROTO_SCTP, PROTO_TCP, PROTO_UDP } from "./columns.ts";

export interface FrameSpec {
	/** Canonical texts, both of one family. */
	src: string;
	dst: string;
	/** IP protocol number. */
	proto: number;
	/** Port; ICMP: the echo identifier. */
	sport?: number;
	/** Port; ICMP: `type << 8 | code`. */
	dport?: number;
	/** Default 64. */
	ttl?: number;
	tos?: number;
	ipId?: number;
	/** TCP flags, default ACK; SCTP: the chunk type. */
	tcpFlags?: number;
	/** TCP; ICMP echo: the sequence number; SCTP: the verification tag. */
	seq?: number;
	ack?: number;
	window?: number;
	/** Behind the transport header. An ICMP error: the quoted packet, from its IP header. */
	payload?: Uint8Array;
	/** `aa:bb:cc:dd:ee:ff`; default: locally administered zeros. */
	srcMac?: string;
	dstMac?: string;
	/** An 802.1Q tag. */
	vlan?: number;
}

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERNET_BYTES = 14;
const NO_PAYLOAD = new Uint8Array(0);

/** Bytes of the frame. RangeError for addresses that are none, a family mix, or more than 65,535 bytes. */
export function buildFrame(spec: FrameSpec): Uint8Array {
	const packet = buildPacket(spec);
	const tagBytes = spec.vlan === undefined ? 0 : 4;
	const frame = new Uint8Array(ETHERNET_BYTES + tagBytes + packet.length);
	const view = new DataView(frame.buffer);
	frame.set(macBytes(spec.dstMac), 0);
	frame.set(macBytes(spec.srcMac), 6);
	if (spec.vlan !== undefined) view.setUint32(12, 0x81000000 + (spec.vlan & 0xfff));
	view.setUint16(12 + tagBytes, (packet[0] as number) >>> 4 === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
	frame.set(packet, ETHERNET_BYTES + tagBytes);
	return frame;
}

/** Bytes of the IP packet; errors as `buildFrame`. */
export function buildPacket(spec: FrameSpec): Uint8Array {
	const six = parseIpv6(spec.src);
	const headerBytes = six === null ? 20 : 40;
	const segment = transport(spec);
	if (headerBytes + segment.length > 65535)
		throw new RangeError(`a packet of ${headerBytes + segment.length} bytes; expected at most 65535`);
	const packet = new Uint8Array(headerBytes + segment.length);
	packet.set(segment, headerBytes);
	if (six === null) ipv4Header(packet, spec);
	else ipv6Header(packet, spec, six);
	finishChecksum(packet, headerBytes, spec.proto);
	return packet;
}

function ipv4Header(packet: Uint8Array, spec: FrameSpec): void {
	const view = new DataView(packet.buffer);
	view.setUint16(0, 0x4500 | (spec.tos ?? 0));
	view.setUint16(2, packet.length);
	view.setUint16(4, spec.ipId ?? 0);
	view.setUint16(6, 0x4000);
	view.setUint8(8, spec.ttl ?? 64);
	view.setUint8(9, spec.proto);
	view.setUint32(12, ipv4ToNumber(spec.src));
	view.setUint32(16, ipv4ToNumber(spec.dst));
	view.setUint16(10, ~onesSum(packet.subarray(0, 20), 0) & 0xffff);
}

function ipv6Header(packet: Uint8Array, spec: FrameSpec, src: readonly number[]): void {
	const dst = parseIpv6(spec.dst);
	if (dst === null) throw new RangeError(`expected an IPv6 address, got ${JSON.stringify(spec.dst)}`);
	const view = new DataView(packet.buffer);
	view.setUint32(0, (0x60000000 | ((spec.tos ?? 0) << 20)) >>> 0);
	view.setUint16(4, packet.length - 40);
	view.setUint8(6, spec.proto);
	view.setUint8(7, spec.ttl ?? 64);
	for (const [i, group] of [...src, ...dst].entries()) view.setUint16(8 + i * 2, group);
}

/** The transport header and payload, checksum still 0. */
function transport(spec: FrameSpec): Uint8Array {
	if (spec.proto === PROTO_TCP) return tcp(spec);
	if (spec.proto === PROTO_UDP) return withPorts(spec, 8, (view) => view.setUint16(4, view.byteLength));
	if (spec.proto === PROTO_SCTP) return sctp(spec);
	if (spec.proto === PROTO_ICMP || spec.proto === PROTO_ICMPV6) return icmp(spec);
	return spec.payload ?? NO_PAYLOAD;
}

function withPorts(spec: FrameSpec, headerBytes: number, fill: (view: DataView) => void): Uint8Array {
	const payload = spec.payload ?? NO_PAYLOAD;
	const segment = new Uint8Array(headerBytes + payload.length);
	segment.set(payload, headerBytes);
	const view = new DataView(segment.buffer);
	view.setUint16(0, spec.sport ?? 0);
	view.setUint16(2, spec.dport ?? 0);
	fill(view);
	return segment;
}

function tcp(spec: FrameSpec): Uint8Array {
	return withPorts(spec, 20, (view) => {
		view.setUint32(4, spec.seq ?? 0);
		view.setUint32(8, spec.ack ?? 0);
		view.setUint8(12, 0x50);
		view.setUint8(13, spec.tcpFlags ?? 16);
		view.setUint16(14, spec.window ?? 65535);
	});
}

/** The common header and one chunk that holds the payload, padded to four bytes. */
function sctp(spec: FrameSpec): Uint8Array {
	const value = spec.payload ?? NO_PAYLOAD;
	const padded = new Uint8Array((value.length + 3) & ~3);
	padded.set(value);
	return withPorts({ ...spec, payload: padded }, 16, (view) => {
		view.setUint32(4, spec.seq ?? 0);
		view.setUint8(12, spec.tcpFlags ?? 0);
		view.setUint16(14, 4 + value.length);
	});
}

function icmp(spec: FrameSpec): Uint8Array {
	const v6 = spec.proto === PROTO_ICMPV6;
	const typeCode = spec.dport ?? (v6 ? 128 : 8) << 8;
	const payload = spec.payload ?? NO_PAYLOAD;
	const segment = new Uint8Array(8 + payload.length);
	segment.set(payload, 8);
	const view = new DataView(segment.buffer);
	view.setUint16(0, typeCode);
	if (isEcho(typeCode >>> 8, v6)) {
		view.setUint16(4, spec.sport ?? 0);
		view.setUint16(6, (spec.seq ?? 0) & 0xffff);
	} else if (!isIcmpError(typeCode >>> 8, v6)) view.setUint32(4, spec.seq ?? 0);
	return segment;
}

function finishChecksum(packet: Uint8Array, headerBytes: number, proto: number): void {
	const segment = packet.subarray(headerBytes);
	const view = new DataView(packet.buffer, headerBytes);
	if (proto === PROTO_SCTP) {
		view.setUint32(8, crc32c(segment), true);
		return;
	}
	const at =
		proto === PROTO_TCP ? 16 : proto === PROTO_UDP ? 6 : proto === PROTO_ICMP || proto === PROTO_ICMPV6 ? 2 : -1;
	if (at < 0) return;
	const addresses = headerBytes === 20 ? packet.subarray(12, 20) : packet.subarray(8, 40);
	const pseudo = proto === PROTO_ICMP ? 0 : onesSum(addresses, proto + segment.length);
	const sum = ~onesSum(segment, pseudo) & 0xffff;
	// 0 says "no checksum" in UDP (RFC 768), so a computed 0 is sent as its other form.
	view.setUint16(at, sum === 0 && proto === PROTO_UDP ? 0xffff : sum);
}

function macBytes(text: string | undefined): Uint8Array {
	if (text === undefined) return Uint8Array.of(2, 0, 0, 0, 0, 0);
	const match = /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.exec(text);
	if (match === null) throw new RangeError(`expected a MAC address, got ${JSON.stringify(text)}`);
	return Uint8Array.from(text.split(":"), (byte) => Number.parseInt(byte, 16));
}

/** ICMP messages with an identifier: echo, timestamp, information, address mask; ICMPv6 echo. */
function isEcho(type: number, v6: boolean): boolean {
	return v6 ? type === 128 || type === 129 : type === 0 || type === 8 || (type >= 13 && type <= 18);
}

/** ICMP messages that quote a packet. */
export function isIcmpError(type: number, v6: boolean): boolean {
	return v6 ? type >= 1 && type <= 4 : type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}
