// Packets as columns: one row a packet (or a run of equal packets, `repeat`), one typed array a field, reused from batch
// to batch so that reading makes no object a packet. Filled by the decoder (`packet.ts`) and the flow record reader.
// Left out: payloads, link-layer addresses, TCP options.

export const DIRECTION_UNKNOWN = 0;
export const DIRECTION_IN = 1;
export const DIRECTION_OUT = 2;

/** Bits of `shape`. */
export const SHAPE_MORE_FRAGMENTS = 1;
/** A fragment with an offset: it has no transport header, so ports and flags are 0. */
export const SHAPE_LATER_FRAGMENT = 2;
export const SHAPE_DONT_FRAGMENT = 4;
/** The capture ends inside the transport header: fields behind the cut are 0. */
export const SHAPE_CUT = 8;
/** An ICMP error; the `inner…` columns hold the tuple of the packet it quotes. */
export const SHAPE_INNER = 16;

export const TCP_FIN = 1;
export const TCP_SYN = 2;
export const TCP_RST = 4;
export const TCP_PSH = 8;
export const TCP_ACK = 16;

export const PROTO_ICMP = 1;
export const PROTO_TCP = 6;
export const PROTO_UDP = 17;
export const PROTO_ICMPV6 = 58;
export const PROTO_SCTP = 132;

/** Rows of a batch unless a reader is told otherwise. */
export const BATCH_ROWS = 4096;

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Index in `timeWords` of a row's low word is `row * 2 + TIME_LOW`; the high word is the other one. */
export const TIME_LOW = LITTLE_ENDIAN ? 0 : 1;
export const TIME_HIGH = 1 - TIME_LOW;

export class PacketColumns {
	readonly capacity: number;
	/** Rows in use: 0 to `capacity`. */
	count = 0;

	/** Nanoseconds since 1970, never negative. */
	readonly timeNs: BigInt64Array;
	/** The same memory as `timeNs`, for writers that would else make a BigInt a packet. */
	readonly timeWords: Uint32Array;
	/** 4 or 6. */
	readonly family: Uint8Array;
	/** IP protocol number; behind IPv6 extension headers. */
	readonly proto: Uint8Array;
	/** IPv4: the address in host order. IPv6: its index in the source's `AddressTable`. */
	readonly src: Uint32Array;
	readonly dst: Uint32Array;
	/** Port; for ICMP the identifier of an echo, else 0; 0 where the protocol has none. */
	readonly sport: Uint16Array;
	/** Port; for ICMP `type << 8 | code`; 0 where the protocol has none. */
	readonly dport: Uint16Array;
	/** TCP: the flags byte, CWR to FIN. SCTP: the type of the first chunk. Else 0. */
	readonly tcpFlags: Uint8Array;
	readonly ttl: Uint8Array;
	/** The TOS or traffic class byte. */
	readonly tos: Uint8Array;
	/** IPv4 identification; IPv6: 0 unless fragmented, then the low half of the fragment's. */
	readonly ipId: Uint16Array;
	/** IP bytes of one packet, header included, as its header says. */
	readonly ipBytes: Uint32Array;
	/** Bytes behind the transport header, as the IP header says. */
	readonly payloadBytes: Uint32Array;
	/** TCP sequence number; SCTP verification tag; ICMP echo sequence number; else 0. */
	readonly seq: Uint32Array;
	readonly ack: Uint32Array;
	/** TCP window, unscaled. */
	readonly window: Uint16Array;
	readonly shape: Uint8Array;
	/** UDP, SCTP and unknown protocols: a hash of the first 8 payload bytes, to tell packets apart; 0 where there are fewer. */
	readonly payloadHash: Uint32Array;
	/** Index in the source's `InterfaceTable`. */
	readonly interfaceIndex: Uint16Array;
	readonly direction: Uint8Array;
	/** VLAN id of the innermost 802.1Q tag; 0 is untagged or priority-tagged. */
	readonly vlan: Uint16Array;
	/** VXLAN or Geneve network id that the packet was taken out of; -1: it was in no tunnel. */
	readonly vni: Int32Array;
	/** Packets that the row stands for, all alike: 1 in captures. */
	readonly repeat: Uint32Array;
	/** Captures: byte offset of the packet's record in its file. Flow records: the line. */
	readonly origin: Float64Array;

	/** The quoted packet's tuple, in the conventions above; holds only where `shape` has `SHAPE_INNER`. */
	readonly innerProto: Uint8Array;
	readonly innerSrc: Uint32Array;
	readonly innerDst: Uint32Array;
	readonly innerSport: Uint16Array;
	readonly innerDport: Uint16Array;

	/** `capacity` rows: 8 to 1 Mi. */
	constructor(capacity: number = BATCH_ROWS) {
		if (!Number.isInteger(capacity) || capacity < 8 || capacity > 1 << 20) {
			throw new RangeError(`columns of ${capacity} rows; expected 8 to ${1 << 20}`);
		}
		this.capacity = capacity;
		this.timeNs = new BigInt64Array(capacity);
		this.timeWords = new Uint32Array(this.timeNs.buffer);
		this.family = new Uint8Array(capacity);
		this.proto = new Uint8Array(capacity);
		this.src = new Uint32Array(capacity);
		this.dst = new Uint32Array(capacity);
		this.sport = new Uint16Array(capacity);
		this.dport = new Uint16Array(capacity);
		this.tcpFlags = new Uint8Array(capacity);
		this.ttl = new Uint8Array(capacity);
		this.tos = new Uint8Array(capacity);
		this.ipId = new Uint16Array(capacity);
		this.ipBytes = new Uint32Array(capacity);
		this.payloadBytes = new Uint32Array(capacity);
		this.seq = new Uint32Array(capacity);
		this.ack = new Uint32Array(capacity);
		this.window = new Uint16Array(capacity);
		this.shape = new Uint8Array(capacity);
		this.payloadHash = new Uint32Array(capacity);
		this.interfaceIndex = new Uint16Array(capacity);
		this.direction = new Uint8Array(capacity);
		this.vlan = new Uint16Array(capacity);
		this.vni = new Int32Array(capacity);
		this.repeat = new Uint32Array(capacity);
		this.origin = new Float64Array(capacity);
		this.innerProto = new Uint8Array(capacity);
		this.innerSrc = new Uint32Array(capacity);
		this.innerDst = new Uint32Array(capacity);
		this.innerSport = new Uint16Array(capacity);
		this.innerDport = new Uint16Array(capacity);
		this.reset();
	}

	/**
	 * Empties the columns. What is the same in nearly all rows is set here once, and written only where it differs: so a
	 * writer that gives a row up restores these.
	 */
	reset(): void {
		this.count = 0;
		this.direction.fill(DIRECTION_UNKNOWN);
		this.vlan.fill(0);
		this.vni.fill(-1);
		this.repeat.fill(1);
		this.payloadHash.fill(0);
	}
}

/** Copies row `i` of `from` over row `j` of `to`; `count` is the caller's. */
export function copyRow(from: PacketColumns, i: number, to: PacketColumns, j: number): void {
	to.timeWords[j * 2] = from.timeWords[i * 2] as number;
	to.timeWords[j * 2 + 1] = from.timeWords[i * 2 + 1] as number;
	to.family[j] = from.family[i] as number;
	to.proto[j] = from.proto[i] as number;
	to.src[j] = from.src[i] as number;
	to.dst[j] = from.dst[i] as number;
	to.sport[j] = from.sport[i] as number;
	to.dport[j] = from.dport[i] as number;
	to.tcpFlags[j] = from.tcpFlags[i] as number;
	to.ttl[j] = from.ttl[i] as number;
	to.tos[j] = from.tos[i] as number;
	to.ipId[j] = from.ipId[i] as number;
	to.ipBytes[j] = from.ipBytes[i] as number;
	to.payloadBytes[j] = from.payloadBytes[i] as number;
	to.seq[j] = from.seq[i] as number;
	to.ack[j] = from.ack[i] as number;
	to.window[j] = from.window[i] as number;
	to.shape[j] = from.shape[i] as number;
	to.payloadHash[j] = from.payloadHash[i] as number;
	to.interfaceIndex[j] = from.interfaceIndex[i] as number;
	to.direction[j] = from.direction[i] as number;
	to.vlan[j] = from.vlan[i] as number;
	to.vni[j] = from.vni[i] as number;
	to.repeat[j] = from.repeat[i] as number;
	to.origin[j] = from.origin[i] as number;
	if (((from.shape[i] as number) & SHAPE_INNER) === 0) return;
	to.innerProto[j] = from.innerProto[i] as number;
	to.innerSrc[j] = from.innerSrc[i] as number;
	to.innerDst[j] = from.innerDst[i] as number;
	to.innerSport[j] = from.innerSport[i] as number;
	to.innerDport[j] = from.innerDport[i] as number;
}

/** Less than 0, 0 or more than 0 as row `i` of `a` is before, at or after row `j` of `b` in time. */
export function compareTimes(a: PacketColumns, i: number, b: PacketColumns, j: number): number {
	const high = (a.timeWords[i * 2 + TIME_HIGH] as number) - (b.timeWords[j * 2 + TIME_HIGH] as number);
	if (high !== 0) return high;
	return (a.timeWords[i * 2 + TIME_LOW] as number) - (b.timeWords[j * 2 + TIME_LOW] as number);
}
