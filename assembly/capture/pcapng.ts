// pcapng files (draft-ietf-opsawg-pcapng): any number of sections in either byte order, interfaces with their names and
// time units, enhanced, simple and the obsolete packet blocks. Other blocks (name resolution, statistics, custom,
// secrets) are passed over. A simple packet block has no time: it gets that of the packet before it.

import * as L from "../layout";
import { byte, file16, file32, file64 } from "./bytes";
import { knowsLinktype } from "./link";
import { askInterface, otherRow, plainRow } from "./rows";
import { endSection, Interface, interfaceAt, Source } from "./source";
import { timeOf, timeFailed } from "./time";

const BLOCK_SECTION: u32 = 0x0a0d0d0a;
const BLOCK_INTERFACE: u32 = 1;
const BLOCK_PACKET_OBSOLETE: u32 = 2;
const BLOCK_PACKET_SIMPLE: u32 = 3;
const BLOCK_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b3c4d;

const OPTION_END: u32 = 0;
const OPTION_IF_NAME: u32 = 2;
const OPTION_IF_DESCRIPTION: u32 = 3;
const OPTION_IF_TSRESOL: u32 = 9;
const OPTION_IF_TSOFFSET: u32 = 14;
const OPTION_EPB_FLAGS: u32 = 2;

/** Consumes whole blocks into `columns` until either is used up; a READ_ status. */
export function readPcapng(s: Source, columns: usize, rows: u32): i32 {
	const end = <usize>s.input + s.end;
	let at = <usize>s.input + s.start;
	let status: i32 = L.READ_INPUT;
	while (<u32>(end - at) >= 12) {
		if (s.count >= rows) {
			status = L.READ_FULL;
			break;
		}
		const section = load<u32>(at) == BLOCK_SECTION;
		if (section) {
			const magic = file32(at + 8, true);
			if (magic != BYTE_ORDER_MAGIC && bswap<u32>(magic) != BYTE_ORDER_MAGIC) {
				status = s.fail(L.READ_BYTE_ORDER, at + 8, magic);
				break;
			}
			s.big = magic == BYTE_ORDER_MAGIC;
		}
		const length = file32(at + 4, s.big);
		if (length < 12 || (length & 3) != 0 || length > <u32>L.BLOCK_MAX) {
			status = s.fail(L.READ_BLOCK_BYTES, at + 4, length);
			break;
		}
		if (<u32>(end - at) < length) break;
		const trailer = file32(at + length - 4, s.big);
		if (trailer != length) {
			status = s.fail(L.READ_TRAILER, at + length - 4, trailer, length);
			break;
		}
		status = section ? sectionHeader(s, at, length) : block(s, columns, at, length);
		if (status == L.READ_INPUT) {
			at += length;
			continue;
		}
		// What may go on goes on behind the block.
		if (status == L.READ_INTERFACE || status == L.READ_CAPLEN) at += length;
		break;
	}
	s.start = <u32>(at - <usize>s.input);
	return status;
}

/** The file ended; a READ_ status. */
export function endPcapng(s: Source): i32 {
	if (s.start == s.end) return L.READ_ENDED;
	return s.fail(L.READ_BLOCK, <usize>s.input + s.start, s.end - s.start);
}

function sectionHeader(s: Source, at: usize, length: u32): i32 {
	if (length < 28) return s.fail(L.READ_SHORT_BLOCK, at + 4, length, 28);
	const major = file16(at + 12, s.big);
	if (major != 1) return s.fail(L.READ_VERSION, at + 12, major, 0xffff);
	endSection(s);
	s.begun = true;
	return L.READ_INPUT;
}

function block(s: Source, columns: usize, at: usize, length: u32): i32 {
	if (!s.begun) return s.fail(L.READ_NO_SECTION, at);
	const type = file32(at, s.big);
	const least: u32 =
		type == BLOCK_PACKET || type == BLOCK_PACKET_OBSOLETE
			? 32
			: type == BLOCK_INTERFACE
				? 20
				: type == BLOCK_PACKET_SIMPLE
					? 16
					: 0;
	if (length < least) return s.fail(L.READ_SHORT_BLOCK, at + 4, length, least);
	if (type == BLOCK_PACKET) return packet(s, columns, at, length, file32(at + 8, s.big));
	if (type == BLOCK_PACKET_OBSOLETE) return packet(s, columns, at, length, file16(at + 8, s.big));
	if (type == BLOCK_PACKET_SIMPLE) return simple(s, columns, at, length);
	return type == BLOCK_INTERFACE ? description(s, at, length) : L.READ_INPUT;
}

/** An interface description block: it is kept when the host has numbered it. */
function description(s: Source, at: usize, length: u32): i32 {
	if (s.interfacesOfFile >= <u32>L.SOURCE_INTERFACES_MAX) return s.fail(L.READ_INTERFACES, at);
	const big = s.big;
	const linktype = file16(at + 8, big);
	const entry = interfaceAt(s, s.interfaces);
	entry.linktype = linktype;
	entry.snaplen = file32(at + 12, big);
	entry.resolution = 6;
	entry.offset = 0;
	const status = askInterface(s, s.interfaces, s.interfaces, linktype);
	const end = at + length - 4;
	let option = at + 16;
	while (<u32>(end - option) >= 4) {
		const code = file16(option, big);
		const bytes = file16(option + 2, big);
		if (code == OPTION_END) break;
		const room = <u32>(end - option) - 4;
		if (bytes > room) return s.fail(L.READ_OPTION, at, code, ((<u64>bytes) << 32) | (<u64>room));
		describe(s, entry, code, option + 4, bytes);
		option += 4 + ((bytes + 3) & ~3);
	}
	entry.unitNs = 0;
	if (entry.offset == 0) entry.unitNs = entry.resolution == 9 ? 1 : entry.resolution == 6 ? 1000 : 0;
	s.interfaces++;
	return status;
}

function describe(s: Source, entry: Interface, code: u32, at: usize, bytes: u32): void {
	if (code == OPTION_IF_NAME) {
		s.name = <u32>at;
		s.nameBytes = <i32>bytes;
	} else if (code == OPTION_IF_DESCRIPTION) {
		s.description = <u32>at;
		s.descriptionBytes = <i32>bytes;
	} else if (code == OPTION_IF_TSRESOL && bytes == 1) entry.resolution = byte(at);
	else if (code == OPTION_IF_TSOFFSET && bytes == 8) entry.offset = <i64>file64(at, s.big);
}

/** An enhanced packet block, or the obsolete one: they differ in the interface's number. */
function packet(s: Source, columns: usize, at: usize, length: u32, id: u32): i32 {
	if (id >= s.interfaces) return s.fail(L.READ_NO_INTERFACE, at + 8, id, s.interfaces);
	const big = s.big;
	const entry = interfaceAt(s, id);
	const caplen = file32(at + 20, big);
	const wireBytes = file32(at + 24, big);
	const ticks = ((<u64>file32(at + 12, big)) << 32) | (<u64>file32(at + 16, big));
	const time = timeOf(entry, ticks);
	if (timeFailed()) {
		s.id = <u32>entry.offset;
		s.linktype = <u32>(entry.offset >> 32);
		return s.fail(L.READ_TIME, at, ticks, entry.resolution);
	}
	s.last = time;
	const before = s.count;
	const end = at + length - 4;
	const status = row(s, columns, id, at + 28, caplen, wireBytes, at, end);
	// A packet that waits for its interface is a row as well.
	const made = s.count > before || (status == L.READ_INTERFACE && s.asksIfindex);
	const options = at + 28 + ((caplen + 3) & ~3);
	if (!made || <i32>(end - options) < 8) return status;
	const wrong = flags(s, columns, before, at, options, end);
	if (wrong == L.READ_INPUT) return status;
	if (status != L.READ_INTERFACE) return wrong;
	s.deferred = <u8>wrong;
	return status;
}

/** The direction in a packet's flags, into its row. */
function flags(s: Source, columns: usize, row: u32, at: usize, start: usize, end: usize): i32 {
	let option = start;
	while (<i32>(end - option) >= 4) {
		const code = file16(option, s.big);
		const bytes = file16(option + 2, s.big);
		if (code == OPTION_END) return L.READ_INPUT;
		const room = <u32>(end - option) - 4;
		if (bytes > room) return s.fail(L.READ_OPTION, at, code, ((<u64>bytes) << 32) | (<u64>room));
		if (code == OPTION_EPB_FLAGS && bytes == 4) {
			const direction = file32(option + 4, s.big) & 3;
			// row < COLUMN_ROWS: it was just made
			if (direction == 1 || direction == 2) store<u8>(columns + <usize>row, <u8>direction, L.COLUMN_DIRECTION);
		}
		option += 4 + ((bytes + 3) & ~3);
	}
	return L.READ_INPUT;
}

function simple(s: Source, columns: usize, at: usize, length: u32): i32 {
	if (s.interfaces == 0) return s.fail(L.READ_NO_INTERFACE_YET, at);
	const snaplen = interfaceAt(s, 0).snaplen;
	const wireBytes = file32(at + 8, s.big);
	const caplen = min(min(wireBytes, snaplen == 0 ? wireBytes : snaplen), length - 16);
	return row(s, columns, 0, at + 12, caplen, wireBytes, at, at + length - 4);
}

function row(
	s: Source,
	columns: usize,
	id: u32,
	frame: usize,
	caplen: u32,
	wireBytes: u32,
	at: usize,
	end: usize,
): i32 {
	const room = <u32>(end - frame);
	if (caplen > room) return s.fail(L.READ_BEYOND, at, caplen, room);
	s.records++;
	if (caplen > <u32>L.CAPLEN_MAX) return s.fail(L.READ_CAPLEN, at, caplen);
	const from = interfaceAt(s, id);
	const linktype = from.linktype;
	if (!knowsLinktype(linktype)) return s.fail(L.READ_PACKET_LINKTYPE, at, linktype);
	if (plainRow(s, columns, from.index, linktype, frame, caplen, at)) return L.READ_INPUT;
	return otherRow(s, columns, id, linktype, frame, caplen, max(wireBytes, caplen), at);
}
