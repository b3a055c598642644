// Packets of a recording as columns: one row a packet (or a run of equal packets, `repeat`), one typed array a field. They lie
// in the memory of the recording's engine, which fills them; no object a packet. Left out: payloads, link-layer addresses.

import * as L from "../assembly/layout.ts";

/** Index in `timeWords` of a row's low word is `row * 2 + TIME_LOW`. */
export const TIME_LOW = 0;
export const TIME_HIGH = 1;

export class PacketColumns {
	/** Byte address in the engine's memory. */
	readonly address: number;
	/** Rows that may be used: 8 to 4096. */
	readonly capacity: number;
	/** Rows in use: 0 to `capacity`. */
	count = 0;

	/** Nanoseconds since 1970, never negative. */
	timeNs!: BigInt64Array;
	/** The same memory as `timeNs`, for those who would else make a BigInt a packet. */
	timeWords!: Uint32Array;
	/** 4 or 6. */
	family!: Uint8Array;
	/** IP protocol number; behind IPv6 extension headers. */
	proto!: Uint8Array;
	/** IPv4: the address in host order. IPv6: its index in the source's `AddressTable`. */
	src!: Uint32Array;
	dst!: Uint32Array;
	/** Port; for ICMP the identifier of an echo, else 0; 0 where the protocol has none. */
	sport!: Uint16Array;
	/** Port; for ICMP `type << 8 | code`; 0 where the protocol has none. */
	dport!: Uint16Array;
	/** TCP: the flags byte, CWR to FIN. SCTP: the type of the first chunk. Else 0. */
	tcpFlags!: Uint8Array;
	ttl!: Uint8Array;
	/** The TOS or traffic class byte. */
	tos!: Uint8Array;
	/** IPv4 identification; IPv6: 0 unless fragmented, then the low half of the fragment's. */
	ipId!: Uint16Array;
	/** IP bytes of one packet, header included, as its header says. */
	ipBytes!: Uint32Array;
	/** Bytes behind the transport header, as the IP header says. */
	payloadBytes!: Uint32Array;
	/** TCP sequence number; SCTP verification tag; ICMP echo sequence number; else 0. */
	seq!: Uint32Array;
	ack!: Uint32Array;
	/** TCP: the highest of `ack` and the right edges of the SACK blocks. */
	sack!: Uint32Array;
	/** TCP window, unscaled. */
	window!: Uint16Array;
	/** TCPOPT_* of a SYN: window scale in the low four bits, 16 it is there, 32 SACK permitted. Else 0. */
	tcpOptions!: Uint8Array;
	/** Maximum segment size option; 0: none. */
	mss!: Uint16Array;
	/** SHAPE_*. */
	shape!: Uint8Array;
	/** UDP, SCTP and unknown protocols: a hash of the first 8 payload bytes, to tell packets apart; 0 where there are fewer. */
	payloadHash!: Uint32Array;
	/** Index in the source's `InterfaceTable`. */
	interfaceIndex!: Uint16Array;
	/** DIRECTION_*. */
	direction!: Uint8Array;
	/** VLAN id of the innermost 802.1Q tag; 0 is untagged or priority-tagged. */
	vlan!: Uint16Array;
	/** VXLAN or Geneve network id that the packet was taken out of; -1: it was in no tunnel. */
	vni!: Int32Array;
	/** Packets that the row stands for, all alike: 1 in captures. */
	repeat!: Uint32Array;
	/** Captures: byte offset of the packet's record in its file. Flow records: the line. */
	origin!: Float64Array;

	/** The quoted packet's tuple, in the conventions above; holds only where `shape` has `SHAPE_INNER`. */
	innerProto!: Uint8Array;
	innerSrc!: Uint32Array;
	innerDst!: Uint32Array;
	innerSport!: Uint16Array;
	innerDport!: Uint16Array;

	/** What becomes of the row, once it is classified: KIND_*. */
	kind!: Uint8Array;
	/** Its flow, counted from 0 in the order of first offers; NO_FLOW where there is none. */
	flow!: Uint32Array;
	/** The netns that offers the flow, by the caller's number; OUTSIDE: a host that is not ours. */
	netns!: Int32Array;

	/** Columns at `address`; `Recording.columns` makes them. Throws a RangeError for a capacity that is none. */
	constructor(buffer: ArrayBuffer, address: number, capacity: number) {
		if (!Number.isInteger(capacity) || capacity < 8 || capacity > L.COLUMN_ROWS) {
			throw new RangeError(`columns of ${capacity} rows; expected 8 to ${L.COLUMN_ROWS}`);
		}
		this.address = address;
		this.capacity = capacity;
		this.bind(buffer);
	}

	/** Makes the views anew: the memory has grown, and those on the old buffer are gone. */
	bind(buffer: ArrayBuffer): void {
		const rows = this.capacity;
		const u8 = (column: number) => new Uint8Array(buffer, this.address + column, rows);
		const u16 = (column: number) => new Uint16Array(buffer, this.address + column, rows);
		const u32 = (column: number) => new Uint32Array(buffer, this.address + column, rows);
		const i32 = (column: number) => new Int32Array(buffer, this.address + column, rows);
		this.timeNs = new BigInt64Array(buffer, this.address + L.COLUMN_TIME, rows);
		this.timeWords = new Uint32Array(buffer, this.address + L.COLUMN_TIME, rows * 2);
		this.origin = new Float64Array(buffer, this.address + L.COLUMN_ORIGIN, rows);
		this.src = u32(L.COLUMN_SRC);
		this.dst = u32(L.COLUMN_DST);
		this.ipBytes = u32(L.COLUMN_IPBYTES);
		this.payloadBytes = u32(L.COLUMN_PAYLOAD);
		this.seq = u32(L.COLUMN_SEQ);
		this.ack = u32(L.COLUMN_ACK);
		this.sack = u32(L.COLUMN_SACK);
		this.payloadHash = u32(L.COLUMN_HASH);
		this.vni = i32(L.COLUMN_VNI);
		this.repeat = u32(L.COLUMN_REPEAT);
		this.innerSrc = u32(L.COLUMN_INNER_SRC);
		this.innerDst = u32(L.COLUMN_INNER_DST);
		this.flow = u32(L.COLUMN_FLOW);
		this.netns = i32(L.COLUMN_NETNS);
		this.sport = u16(L.COLUMN_SPORT);
		this.dport = u16(L.COLUMN_DPORT);
		this.ipId = u16(L.COLUMN_IPID);
		this.window = u16(L.COLUMN_WINDOW);
		this.interfaceIndex = u16(L.COLUMN_INTERFACE);
		this.vlan = u16(L.COLUMN_VLAN);
		this.innerSport = u16(L.COLUMN_INNER_SPORT);
		this.innerDport = u16(L.COLUMN_INNER_DPORT);
		this.mss = u16(L.COLUMN_MSS);
		this.family = u8(L.COLUMN_FAMILY);
		this.proto = u8(L.COLUMN_PROTO);
		this.tcpFlags = u8(L.COLUMN_TCP);
		this.ttl = u8(L.COLUMN_TTL);
		this.tos = u8(L.COLUMN_TOS);
		this.shape = u8(L.COLUMN_SHAPE);
		this.direction = u8(L.COLUMN_DIRECTION);
		this.innerProto = u8(L.COLUMN_INNER_PROTO);
		this.tcpOptions = u8(L.COLUMN_OPTIONS);
		this.kind = u8(L.COLUMN_KIND);
	}
}

/** Less than 0, 0 or more than 0 as row `i` of `a` is before, at or after row `j` of `b` in time. */
export function compareTimes(a: PacketColumns, i: number, b: PacketColumns, j: number): number {
	const high = (a.timeWords[i * 2 + TIME_HIGH] as number) - (b.timeWords[j * 2 + TIME_HIGH] as number);
	if (high !== 0) return high;
	return (a.timeWords[i * 2 + TIME_LOW] as number) - (b.timeWords[j * 2 + TIME_LOW] as number);
}
