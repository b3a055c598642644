// The frame that most frames of most captures are: Ethernet without tags, IPv4 without options and whole, TCP without options,
// captured to the end of its header. Read at once, byte order by one shuffle a header; `ip` and `transport` read all others, and
// would read this one to the same row.

import * as L from "../layout";

/** Link, network and transport header. */
const HEADERS: u32 = 54;
/** Ethertype IPv4, version 4, five words of header: the first three bytes behind the addresses. */
const IPV4: u32 = 0x450008;
const FRAGMENT: u32 = 0x3fff;
const DONT_FRAGMENT: u32 = 0x4000;

/** Reads the frame at `frame` into row `row` of `columns`, time and origin aside; false: it is none of these, and nothing is written. */
// @ts-ignore: decorator
@inline
export function readPlain(columns: usize, row: u32, frame: usize, caplen: u32): bool {
	if (caplen < HEADERS || (load<u32>(frame, 12) & 0xffffff) != IPV4) return false;
	// Total length, identification, fragment: lanes 0 to 2; TTL and protocol: lane 3.
	const head = i8x16.swizzle(v128.load(frame, 14), i8x16(3, 2, 5, 4, 7, 6, 8, 9, 16, 16, 16, 16, 16, 16, 16, 16));
	const ipBytes = <u32>i16x8.extract_lane_u(head, 0);
	const fragment = <u32>i16x8.extract_lane_u(head, 2);
	const life = <u32>i16x8.extract_lane_u(head, 3);
	if (ipBytes < 40 || (fragment & FRAGMENT) != 0 || life >>> 8 != L.PROTO_TCP) return false;
	// Acknowledgement: lane 0; header's length and flags, window: u16 lanes 2 and 3.
	const acks = i8x16.swizzle(v128.load(frame, 38), i8x16(7, 6, 5, 4, 9, 8, 11, 10, 16, 16, 16, 16, 16, 16, 16, 16));
	const flags = <u32>i16x8.extract_lane_u(acks, 2);
	if (flags >>> 12 != 5) return false;
	// Source, destination: lanes 0 and 1; ports: u16 lanes 4 and 5; sequence number: lane 3.
	const ends = i8x16.swizzle(v128.load(frame, 26), i8x16(3, 2, 1, 0, 7, 6, 5, 4, 9, 8, 11, 10, 15, 14, 13, 12));
	const fours = columns + ((<usize>row) << 2);
	const twos = columns + ((<usize>row) << 1);
	const ones = columns + <usize>row;
	const ack = i32x4.extract_lane(acks, 0);
	store<u32>(fours, i32x4.extract_lane(ends, 0), L.COLUMN_SRC);
	store<u32>(fours, i32x4.extract_lane(ends, 1), L.COLUMN_DST);
	store<u32>(fours, ipBytes, L.COLUMN_IPBYTES);
	store<u32>(fours, ipBytes - 40, L.COLUMN_PAYLOAD);
	store<u32>(fours, i32x4.extract_lane(ends, 3), L.COLUMN_SEQ);
	store<u32>(fours, ack, L.COLUMN_ACK);
	store<u32>(fours, ack, L.COLUMN_SACK);
	store<u16>(twos, i16x8.extract_lane_u(ends, 4), L.COLUMN_SPORT);
	store<u16>(twos, i16x8.extract_lane_u(ends, 5), L.COLUMN_DPORT);
	store<u16>(twos, i16x8.extract_lane_u(head, 1), L.COLUMN_IPID);
	store<u16>(twos, i16x8.extract_lane_u(acks, 3), L.COLUMN_WINDOW);
	store<u8>(ones, 4, L.COLUMN_FAMILY);
	store<u8>(ones, <u8>L.PROTO_TCP, L.COLUMN_PROTO);
	store<u8>(ones, <u8>flags, L.COLUMN_TCP);
	store<u8>(ones, <u8>life, L.COLUMN_TTL);
	store<u8>(ones, load<u8>(frame, 15), L.COLUMN_TOS);
	store<u8>(ones, (fragment & DONT_FRAGMENT) != 0 ? <u8>L.SHAPE_DONT_FRAGMENT : 0, L.COLUMN_SHAPE);
	return true;
}
