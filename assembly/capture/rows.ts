// A captured packet as a row: its headers, its time, the interface that it was seen at. An interface that the host has not
// numbered yet ends the read with a question; the packet that brought it waits in its row.

import * as L from "../layout";
import { point, to } from "./columns";
import { ip, readFrame } from "./ip";
import { link, LINK_ETHERNET, LINK_SLL2 } from "./link";
import { readPlain } from "./plain";
import { addIfindex, findIfindex, interfaceAt, Source } from "./source";

/** As `otherRow`, of a frame as most are, whose interface has a number; false: it is none, and nothing is written. */
// @ts-ignore: decorator
@inline
export function plainRow(
	s: Source,
	columns: usize,
	interfaceIndex: u32,
	linktype: u32,
	frame: usize,
	caplen: u32,
	record: usize,
): bool {
	const row = s.count;
	if (linktype != LINK_ETHERNET || !readPlain(columns, row, frame, caplen)) return false;
	const eights = columns + ((<usize>row) << 3);
	store<i64>(eights, s.last, L.COLUMN_TIME);
	store<f64>(eights, <f64>(s.base + <u64>(record - <usize>s.input)), L.COLUMN_ORIGIN);
	store<u16>(columns + ((<usize>row) << 1), <u16>interfaceIndex, L.COLUMN_INTERFACE);
	s.count = row + 1;
	s.rows++;
	return true;
}

/**
 * Reads the frame at `frame` into the next row; `record`: where its record begins. READ_INPUT: read on, whether or not it was
 * an IP packet; READ_INTERFACE: so, once the interface has its number; READ_ADDRESSES and READ_INTERFACES: no row.
 */
export function otherRow(
	s: Source,
	columns: usize,
	id: u32,
	linktype: u32,
	frame: usize,
	caplen: u32,
	wireBytes: u32,
	record: usize,
): i32 {
	point(columns, s.count);
	if (!readFrame(s, linktype, frame, frame + caplen, wireBytes)) {
		return ip.full ? s.fail(L.READ_ADDRESSES, record) : L.READ_INPUT;
	}
	store<i64>(to.eights, s.last, L.COLUMN_TIME);
	store<f64>(to.eights, <f64>(s.base + <u64>(record - <usize>s.input)), L.COLUMN_ORIGIN);
	if (linktype == LINK_SLL2) {
		const index = findIfindex(s, id, link.ifindex);
		if (index < 0) {
			if (s.interfacesOfFile >= <u32>L.SOURCE_INTERFACES_MAX) return s.fail(L.READ_INTERFACES, record);
			s.asksIfindex = true;
			return askInterface(s, id, link.ifindex, linktype);
		}
		commit(s, index);
		return L.READ_INPUT;
	}
	commit(s, interfaceAt(s, id).index);
	return L.READ_INPUT;
}

// @ts-ignore: decorator
@inline
function commit(s: Source, index: u32): void {
	store<u16>(to.twos, <u16>index, L.COLUMN_INTERFACE);
	s.count++;
	s.rows++;
}

/** Asks the host for a number: interface `entry` of the section, `id` as the file calls it, nameless. */
export function askInterface(s: Source, entry: u32, id: u32, linktype: u32): i32 {
	s.asked = entry;
	s.id = id;
	s.linktype = linktype;
	s.nameBytes = -1;
	s.descriptionBytes = -1;
	return L.READ_INTERFACE;
}

/** The host's answer to READ_INTERFACE, and the columns that were being filled. */
export function answerInterface(s: Source, columns: usize, index: u32): void {
	if (!s.asksIfindex) {
		interfaceAt(s, s.asked).index = index;
		s.interfacesOfFile++;
		return;
	}
	s.asksIfindex = false;
	addIfindex(s, s.asked, s.id, index);
	point(columns, s.count);
	commit(s, index);
}
