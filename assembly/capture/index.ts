// Recordings in the module's own memory: capture files as rows of columns. JavaScript writes a file's bytes where `captureRoom`
// says, and reads rows until there are no more; numbers of interfaces are its own. One instance holds the files that are
// read together, and nothing of a network.

import * as L from "../layout";
import { endPcap, readPcap } from "./pcap";
import { endPcapng, readPcapng } from "./pcapng";
import { answerInterface } from "./rows";
import { filled, openSource, roomFor, Source } from "./source";

/** Opens a capture of SOURCE_PCAP or SOURCE_PCAPNG; address of its SOURCE_ record, or 0: memory is at its maximum. */
export function captureOpen(format: i32, options: i32): usize {
	return openSource(format, options);
}

/** Where `bytes` more of the file may be written; 0: memory is at its maximum. */
export function captureRoom(source: usize, bytes: u32): usize {
	return roomFor(changetype<Source>(source), bytes);
}

/** `bytes` of the file were written there. */
export function captureFilled(source: usize, bytes: u32): void {
	filled(changetype<Source>(source), bytes);
}

/** Reads packets into `columns` from row `count` on, up to row `rows`; a READ_ status, and SOURCE_COUNT says how far it came. */
export function captureRead(source: usize, columns: usize, count: u32, rows: u32): i32 {
	const s = changetype<Source>(source);
	s.count = count;
	if (s.deferred != <u8>L.READ_INPUT) {
		const status = <i32>s.deferred;
		s.deferred = <u8>L.READ_INPUT;
		return status;
	}
	return s.format == <u8>L.SOURCE_PCAP ? readPcap(s, columns, rows) : readPcapng(s, columns, rows);
}

/** Number of the interface that READ_INTERFACE was about. */
export function captureInterface(source: usize, columns: usize, index: u32): void {
	answerInterface(changetype<Source>(source), columns, index);
}

/** The file has ended: READ_ENDED where it may, else what is missing. */
export function captureEnd(source: usize): i32 {
	const s = changetype<Source>(source);
	return s.format == <u8>L.SOURCE_PCAP ? endPcap(s) : endPcapng(s);
}
