// A row of TABLE_BATCH as the segment that conntrack judges: flags, numbers, window and options. For packets that are not
// carried, so that none of the packet table is taken for them.

import { Packet } from "./packet";
import * as L from "./layout";

const SEGMENT: usize = memory.data(L.PACKET_STRIDE, 16);
let ownSegment: usize = SEGMENT;

/** Where this thread makes segments, PACKET_STRIDE bytes. */
export function keepSegmentAt(at: usize): void {
	ownSegment = at;
}

/** The row at `at`, as far as TCP is concerned; it holds until the next is asked for. */
// @ts-ignore: decorator
@inline
export function segmentAt(at: usize): Packet {
	const p = changetype<Packet>(ASC_FEATURE_THREADS ? ownSegment : SEGMENT);
	p.tcp = load<u8>(at, L.PACKET_TCP);
	p.payload = load<u32>(at, L.PACKET_PAYLOAD);
	p.seq = load<u32>(at, L.BATCH_SEQ);
	p.ack = load<u32>(at, L.BATCH_ACK);
	p.window = load<u16>(at, L.BATCH_WINDOW);
	p.portId = load<u8>(at, L.BATCH_OPTIONS);
	p.sack = load<u32>(at, L.BATCH_SACK);
	return p;
}
