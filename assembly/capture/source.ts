// One capture file as it is read: its input bytes, which JavaScript fills, what its headers have said so far, and what became
// of its packets. Bytes that no whole record fills yet move to the front when more come, so a record may span any blocks.

import { place, placeAsIs } from "../arena";
import * as L from "../layout";


@unmanaged
export class Source {
	input: u32;
	capacity: u32;
	start: u32;
	end: u32;
	base: u64;
	skip: u64;
	offset: u64;
	a: u64;
	b: u64;
	records: u64;
	rows: u64;
	arp: u64;
	malformed: u64;
	headless: u64;
	cut: u64;
	tunnelled: u64;
	ethertypes: u32;
	/** Rows in the columns being filled. */
	count: u32;
	id: u32;
	linktype: u32;
	name: u32;
	nameBytes: i32;
	description: u32;
	descriptionBytes: i32;
	format: u8;
	options: u8;
	/** The file's words are big-endian. */
	big: bool;
	/** pcap: its header is read; pcapng: a section header is. */
	begun: bool;
	/** pcap: nanoseconds a unit of a record's fraction. */
	unitNs: u32;
	/** Rows of the interface table below, of this section and of the file. */
	interfaces: u32;
	interfacesOfFile: u32;
	/** Address of the section's interfaces, SOURCE_INTERFACES_MAX of them. */
	section: u32;
	/** Address of the slots that find an interface by its ifindex. */
	ifindexes: u32;
	ifindexCount: u32;
	/** The interface that a status asked about; a packet waits for its number where `asksIfindex`. */
	asked: u32;
	asksIfindex: bool;
	/** What the next read ends with at once: damage behind the packet that waits; READ_INPUT: none. */
	deferred: u8;
	/** Time of the last packet, ns. */
	last: i64;


	@inline get strict(): bool {
		return (this.options & (<u8>L.SOURCE_STRICT)) != 0;
	}


	@inline get decapsulates(): bool {
		return (this.options & (<u8>L.SOURCE_DECAPSULATE)) != 0;
	}

	/** Ends a read with what was found at `at`, an address in the input. */
	fail(status: i32, at: usize, a: u64 = 0, b: u64 = 0): i32 {
		this.offset = this.base + <u64>(at - <usize>this.input);
		this.a = a;
		this.b = b;
		return status;
	}
}

/** An interface of the current section; a pcap file has one. */
@unmanaged
export class Interface {
	/** Row of the host's interface table. */
	index: u32;
	linktype: u32;
	/** 0: unlimited. */
	snaplen: u32;
	/** Nanoseconds a unit where that is 1 or 1000 and there is no offset; else 0. */
	unitNs: u32;
	/** Seconds added to its times. */
	offset: i64;
	/** if_tsresol as written: a power of ten, or of two where bit 7 is set. */
	resolution: u32;
	unused: u32;
}

const INTERFACE_BYTES: u32 = 32;
const ETHERTYPES: u32 = 65536;
/** Linux cooked v2: open addressing by (interface, ifindex); twice as many slots as a file may have interfaces. */
const IFINDEX_SLOTS: u32 = 8192;
const IFINDEX_BYTES: u32 = 12;

/** A file of `format` to be read; 0: memory is at its maximum. */
export function openSource(format: i32, options: i32): usize {
	const at = place(L.TABLE_CAPTURE, offsetof<Source>(), 1);
	const section = place(L.TABLE_CAPTURE, L.SOURCE_INTERFACES_MAX, INTERFACE_BYTES);
	const ifindexes = place(L.TABLE_CAPTURE, IFINDEX_SLOTS, IFINDEX_BYTES);
	const ethertypes = place(L.TABLE_CAPTURE, ETHERTYPES, 4);
	if (at == 0 || section == 0 || ifindexes == 0 || ethertypes == 0) return 0;
	const s = changetype<Source>(at);
	s.format = <u8>format;
	s.options = <u8>options;
	s.section = <u32>section;
	s.ifindexes = <u32>ifindexes;
	s.ethertypes = <u32>ethertypes;
	return at;
}

/** Address behind the input where `bytes` more may be written; 0: memory is at its maximum. */
export function roomFor(s: Source, bytes: u32): usize {
	const kept = s.end - s.start;
	if (s.end + bytes > s.capacity) {
		let to = <usize>s.input;
		if (kept + bytes > s.capacity) {
			const capacity = max(s.capacity * 2, kept + bytes);
			to = placeAsIs(L.TABLE_CAPTURE, capacity, 1);
			if (to == 0) return 0;
			s.capacity = capacity;
		}
		memory.copy(to, <usize>s.input + s.start, kept);
		s.base += s.start;
		s.input = <u32>to;
		s.start = 0;
		s.end = kept;
	}
	return <usize>s.input + s.end;
}

/** `bytes` were written where `roomFor` said. */
export function filled(s: Source, bytes: u32): void {
	s.end += bytes;
	const passed = <u32>min<u64>(s.skip, s.end - s.start);
	s.start += passed;
	s.skip -= passed;
}

/** Interface `id` of the section, which has that many. */
// @ts-ignore: decorator
@inline
export function interfaceAt(s: Source, id: u32): Interface {
	return changetype<Interface>(<usize>s.section + <usize>(id * INTERFACE_BYTES));
}

/** A new section has no interfaces yet. */
export function endSection(s: Source): void {
	s.interfaces = 0;
	if (s.ifindexCount > 0) memory.fill(<usize>s.ifindexes, 0, IFINDEX_SLOTS * IFINDEX_BYTES);
	s.ifindexCount = 0;
}

export function countEthertype(s: Source, ethertype: u32): void {
	// 16 bits: within the 65,536 counters
	const at = <usize>s.ethertypes + <usize>((ethertype & 0xffff) << 2);
	store<u32>(at, load<u32>(at) + 1);
}

/* A slot: interface + 1 (0: free), ifindex, row of the host's table. A file has fewer interfaces than half the slots. */
function ifindexSlot(s: Source, id: u32, ifindex: u32): usize {
	let slot = ((ifindex * 0x9e3779b1) ^ (id * 0x85ebca6b)) >>> 19;
	let at = <usize>s.ifindexes + <usize>(slot * IFINDEX_BYTES);
	while (load<u32>(at) != 0 && (load<u32>(at) != id + 1 || load<u32>(at, 4) != ifindex)) {
		slot = (slot + 1) & (IFINDEX_SLOTS - 1);
		at = <usize>s.ifindexes + <usize>(slot * IFINDEX_BYTES);
	}
	return at;
}

/** Row of the host's interface table for an ifindex seen at interface `id`; -1: it is new. */
export function findIfindex(s: Source, id: u32, ifindex: u32): i32 {
	const at = ifindexSlot(s, id, ifindex);
	return load<u32>(at) == 0 ? -1 : load<i32>(at, 8);
}

export function addIfindex(s: Source, id: u32, ifindex: u32, index: u32): void {
	const at = ifindexSlot(s, id, ifindex);
	store<u32>(at, id + 1);
	store<u32>(at, ifindex, 4);
	store<u32>(at, index, 8);
	s.ifindexCount++;
	s.interfacesOfFile++;
}

// The description in layout.ts must agree; a drift fails the build.
function verify(): void {
	if (offsetof<Source>("start") != L.SOURCE_START) ERROR("SOURCE_START");
	if (offsetof<Source>("base") != L.SOURCE_BASE) ERROR("SOURCE_BASE");
	if (offsetof<Source>("skip") != L.SOURCE_SKIP) ERROR("SOURCE_SKIP");
	if (offsetof<Source>("offset") != L.SOURCE_OFFSET) ERROR("SOURCE_OFFSET");
	if (offsetof<Source>("records") != L.SOURCE_RECORDS) ERROR("SOURCE_RECORDS");
	if (offsetof<Source>("tunnelled") != L.SOURCE_TUNNELLED) ERROR("SOURCE_TUNNELLED");
	if (offsetof<Source>("ethertypes") != L.SOURCE_ETHERTYPES) ERROR("SOURCE_ETHERTYPES");
	if (offsetof<Source>("count") != L.SOURCE_COUNT) ERROR("SOURCE_COUNT");
	if (offsetof<Source>("descriptionBytes") != L.SOURCE_DESCRIPTION_BYTES) ERROR("SOURCE_DESCRIPTION_BYTES");
	if (offsetof<Interface>() != INTERFACE_BYTES) ERROR("INTERFACE_BYTES");
}
verify();
