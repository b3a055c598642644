// pcap files (draft-ietf-opsawg-pcap): both byte orders, microseconds and nanoseconds. Left out: the modified formats
// (0xa1b2cd34 and kin) and files older than version 2.3; they are errors.

import * as L from "../layout";
import { file16, file32 } from "./bytes";
import { knowsLinktype, LINK_SLL2 } from "./link";
import { askInterface, otherRow, plainRow } from "./rows";
import { interfaceAt, Source } from "./source";

const MICROSECONDS: u32 = 0xa1b2c3d4;
const NANOSECONDS: u32 = 0xa1b23c4d;
const HEADER_BYTES: i32 = 24;
const RECORD_BYTES: u32 = 16;

/** Consumes whole records into `columns` until either is used up; a READ_ status. */
export function readPcap(s: Source, columns: usize, rows: u32): i32 {
	if (!s.begun) {
		if (<i32>(s.end - s.start) < HEADER_BYTES) return L.READ_INPUT;
		const status = header(s);
		if (status != L.READ_INPUT) return status;
	}
	const big = s.big;
	const unitNs = s.unitNs;
	const fractionMax: u32 = 1_000_000_000 / unitNs;
	const entry = interfaceAt(s, 0);
	const linktype = entry.linktype;
	const index = entry.index;
	const end = <usize>s.input + s.end;
	let at = <usize>s.input + s.start;
	let status: i32 = L.READ_INPUT;
	while (<u32>(end - at) >= RECORD_BYTES) {
		if (s.count >= rows) {
			status = L.READ_FULL;
			break;
		}
		const caplen = file32(at + 8, big);
		const fraction = file32(at + 4, big);
		if (caplen > <u32>L.CAPLEN_MAX) {
			status = s.fail(L.READ_CAPLEN, at + 8, caplen);
			if (s.strict) break;
			s.records++;
			const have = <u64>(end - at);
			const bytes = <u64>RECORD_BYTES + <u64>caplen;
			s.skip = bytes > have ? bytes - have : 0;
			at += <usize>min(have, bytes);
			break;
		}
		const frame = at + RECORD_BYTES;
		if (<u32>(end - frame) < caplen) break;
		if (fraction >= fractionMax) {
			status = s.fail(L.READ_FRACTION, at + 4, fraction, fractionMax);
			break;
		}
		s.records++;
		s.last = <i64>file32(at, big) * 1_000_000_000 + <i64>fraction * <i64>unitNs;
		// Most are read here: a call a packet is a tenth of its time.
		if (plainRow(s, columns, index, linktype, frame, caplen, at)) {
			at = frame + caplen;
			continue;
		}
		const wireBytes = max(file32(at + 12, big), caplen);
		const made = otherRow(s, columns, 0, linktype, frame, caplen, wireBytes, at);
		if (made == L.READ_ADDRESSES) {
			status = made;
			break;
		}
		at = frame + caplen;
		if (made != L.READ_INPUT) {
			status = made;
			break;
		}
	}
	s.start = <u32>(at - <usize>s.input);
	return status;
}

function header(s: Source): i32 {
	const at = <usize>s.input + s.start;
	const magic = file32(at, true);
	const big = magic == MICROSECONDS || magic == NANOSECONDS;
	const major = file16(at + 4, big);
	const minor = file16(at + 6, big);
	if (major != 2 || minor < 3) return s.fail(L.READ_VERSION, at + 4, major, minor);
	// The upper half holds the length of the frame check sequence.
	const linktype = file32(at + 20, big) & 0xffff;
	if (!knowsLinktype(linktype)) return s.fail(L.READ_LINKTYPE, at + 20, linktype);
	s.big = big;
	s.unitNs = file32(at, big) == NANOSECONDS ? 1 : 1000;
	s.begun = true;
	s.start += HEADER_BYTES;
	const entry = interfaceAt(s, 0);
	entry.linktype = linktype;
	entry.snaplen = 0;
	s.interfaces = 1;
	// Linux cooked v2 names the interface of each packet.
	return linktype == LINK_SLL2 ? L.READ_INPUT : askInterface(s, 0, 0, linktype);
}

/** The file ended; a READ_ status. */
export function endPcap(s: Source): i32 {
	const end = <usize>s.input + s.end;
	const at = <usize>s.input + s.start;
	const left = s.end - s.start;
	if (!s.begun) return s.fail(L.READ_HEADER, end, left);
	if (s.skip > 0) return s.fail(L.READ_SKIPPED, end, s.skip);
	if (left == 0) return L.READ_ENDED;
	if (left < RECORD_BYTES) return s.fail(L.READ_RECORD_HEADER, at, left);
	return s.fail(L.READ_RECORD, at, left);
}
