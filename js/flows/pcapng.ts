// pcapng files (draft-ietf-opsawg-pcapng): any number of sections in either byte order, interfaces with their names and
// time units, enhanced, simple and the obsolete packet blocks. Other blocks (name resolution, statistics, custom,
// secrets) are passed over. A simple packet block has no time: it gets that of the packet before it.

import { type PacketColumns, TIME_HIGH, TIME_LOW } from "./columns.ts";
import { CaptureError } from "./errors.ts";
import { knowsLinktype, LINK_SLL2, LINKTYPES_READ } from "./link.ts";
import { PacketDecoder } from "./packet.ts";
import { BLOCK_MAX, CAPLEN_MAX, type FormatReader, INTERFACES_PER_FILE_MAX, type ReaderContext } from "./reader.ts";
import { writeTime } from "./time.ts";

export const BLOCK_SECTION = 0x0a0d0d0a;
export const BLOCK_INTERFACE = 1;
const BLOCK_PACKET_OBSOLETE = 2;
const BLOCK_PACKET_SIMPLE = 3;
export const BLOCK_PACKET = 6;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

export const OPTION_COMMENT = 1;
export const OPTION_IF_NAME = 2;
export const OPTION_IF_DESCRIPTION = 3;
export const OPTION_IF_TSRESOL = 9;
const OPTION_IF_TSOFFSET = 14;
export const OPTION_EPB_FLAGS = 2;

const NS_MAX = (1n << 63n) - 1n;

/** An interface of the current section. */
interface SectionInterface {
	/** Index in the interface table. */
	index: number;
	linktype: number;
	/** Its link type is one that we read. */
	known: boolean;
	/** 0: unlimited. */
	snaplen: number;
	/** if_tsresol as written: a power of ten, or of two where bit 7 is set. */
	tsresol: number;
	tsoffset: bigint;
	/** Nanoseconds a unit where that is 1 or 1000 and there is no offset, so that no BigInt is needed; else 0. */
	unitNs: number;
	/** Linux cooked v2: the interface of each ifindex. */
	byIfindex: Map<number, number>;
}

export class PcapngReader implements FormatReader {
	readonly rowsPerRecord = 1;
	readonly #context: ReaderContext;
	readonly #decoder: PacketDecoder;
	#littleEndian = false;
	#sectionSeen = false;
	#interfaces: SectionInterface[] = [];
	#interfaceCount = 0;
	#lastHigh = 0;
	#lastLow = 0;

	constructor(context: ReaderContext) {
		this.#context = context;
		this.#decoder = new PacketDecoder(context.addresses, context.tally, context.decapsulate);
	}

	read(view: DataView, start: number, end: number, base: number, columns: PacketColumns): number {
		let at = start;
		while (columns.count < columns.capacity && end - at >= 12) {
			const section = view.getUint32(at) === BLOCK_SECTION;
			if (section) this.#byteOrder(view, at, base + at);
			const length = view.getUint32(at + 4, this.#littleEndian);
			if (length < 12 || length % 4 !== 0 || length > BLOCK_MAX) {
				throw this.#error(base + at + 4, `a block of ${length} bytes`, `12 to ${BLOCK_MAX}, a multiple of 4`);
			}
			if (end - at < length) break;
			const trailer = view.getUint32(at + length - 4, this.#littleEndian);
			if (trailer !== length)
				throw this.#error(
					base + at + length - 4,
					`a block length of ${trailer} behind a block of ${length}`,
					`${length}`,
				);
			if (section) this.#section(view, at, length, base + at);
			else this.#block(view, at, length, base + at, columns);
			at += length;
		}
		return at;
	}

	finish(_view: DataView, start: number, end: number, base: number): void {
		if (start !== end)
			throw this.#error(base + start, `the file ends ${end - start} bytes into a block`, "the whole block");
	}

	#byteOrder(view: DataView, at: number, offset: number): void {
		const big = view.getUint32(at + 8, false);
		if (big !== BYTE_ORDER_MAGIC && view.getUint32(at + 8, true) !== BYTE_ORDER_MAGIC) {
			throw this.#error(
				offset + 8,
				`byte-order magic 0x${big.toString(16).padStart(8, "0")}`,
				"0x1a2b3c4d in either order",
			);
		}
		this.#littleEndian = big !== BYTE_ORDER_MAGIC;
	}

	#block(view: DataView, at: number, length: number, offset: number, columns: PacketColumns): void {
		if (!this.#sectionSeen) throw this.#error(offset, "a block before any section header", "a section header block");
		const littleEndian = this.#littleEndian;
		const type = view.getUint32(at, littleEndian);
		const body = at + 8;
		if (type === BLOCK_PACKET) {
			this.#need(length, 32, offset);
			this.#packet(
				view,
				body,
				body + 20,
				view.getUint32(body, littleEndian),
				body + 4,
				at + length - 4,
				offset,
				columns,
			);
		} else if (type === BLOCK_INTERFACE) {
			this.#need(length, 20, offset);
			this.#interface(view, body, at + length - 4, offset);
		} else if (type === BLOCK_PACKET_OBSOLETE) {
			this.#need(length, 32, offset);
			this.#packet(
				view,
				body,
				body + 20,
				view.getUint16(body, littleEndian),
				body + 4,
				at + length - 4,
				offset,
				columns,
			);
		} else if (type === BLOCK_PACKET_SIMPLE) {
			this.#need(length, 16, offset);
			this.#simple(view, body, at + length - 4, offset, columns);
		}
	}

	#section(view: DataView, at: number, length: number, offset: number): void {
		this.#need(length, 28, offset);
		const major = view.getUint16(at + 12, this.#littleEndian);
		if (major !== 1) throw this.#error(offset + 12, `pcapng version ${major}`, "1");
		this.#interfaces = [];
		this.#sectionSeen = true;
	}

	#interface(view: DataView, body: number, end: number, offset: number): void {
		if (this.#interfaceCount >= INTERFACES_PER_FILE_MAX) {
			throw this.#error(
				offset,
				`more than ${INTERFACES_PER_FILE_MAX} interfaces`,
				`at most ${INTERFACES_PER_FILE_MAX}`,
			);
		}
		const littleEndian = this.#littleEndian;
		const linktype = view.getUint16(body, littleEndian);
		const entry: SectionInterface = {
			index: 0,
			linktype,
			known: knowsLinktype(linktype),
			snaplen: view.getUint32(body + 4, littleEndian),
			tsresol: 6,
			tsoffset: 0n,
			unitNs: 0,
			byIfindex: new Map(),
		};
		let name: string | null = null;
		let description: string | null = null;
		this.#options(view, body + 8, end, offset, (code, value, bytes) => {
			if (code === OPTION_IF_NAME) name = text(view, value, bytes);
			else if (code === OPTION_IF_DESCRIPTION) description = text(view, value, bytes);
			else if (code === OPTION_IF_TSRESOL && bytes === 1) entry.tsresol = view.getUint8(value);
			else if (code === OPTION_IF_TSOFFSET && bytes === 8) entry.tsoffset = view.getBigInt64(value, littleEndian);
		});
		if (entry.tsoffset === 0n) entry.unitNs = entry.tsresol === 9 ? 1 : entry.tsresol === 6 ? 1000 : 0;
		const id = this.#interfaces.length;
		entry.index = this.#context.interfaces.add({
			file: this.#context.file,
			id,
			name,
			description,
			linktype,
			packets: true,
		});
		this.#interfaceCount++;
		this.#interfaces.push(entry);
	}

	#options(
		view: DataView,
		start: number,
		end: number,
		offset: number,
		take: (code: number, at: number, bytes: number) => void,
	): void {
		let at = start;
		while (end - at >= 4) {
			const code = view.getUint16(at, this.#littleEndian);
			const bytes = view.getUint16(at + 2, this.#littleEndian);
			if (code === 0) return;
			if (bytes > end - at - 4)
				throw this.#error(offset, `option ${code} of ${bytes} bytes runs over its block`, `at most ${end - at - 4}`);
			take(code, at + 4, bytes);
			at += 4 + ((bytes + 3) & ~3);
		}
	}

	/** The packet block whose data begins at `frame`; `time`: its two timestamp words, then both lengths. */
	#packet(
		view: DataView,
		body: number,
		frame: number,
		id: number,
		time: number,
		end: number,
		offset: number,
		columns: PacketColumns,
	): void {
		const littleEndian = this.#littleEndian;
		const entry = this.#interfaces[id];
		if (entry === undefined)
			throw this.#error(offset + 8, `interface ${id}`, `one of the section's ${this.#interfaces.length}`);
		const caplen = view.getUint32(body + 12, littleEndian);
		const wireBytes = view.getUint32(body + 16, littleEndian);
		this.#time(entry, view.getUint32(time, littleEndian), view.getUint32(time + 4, littleEndian), offset);
		if (!this.#row(view, entry, frame, caplen, wireBytes, end, offset, columns)) return;
		const options = frame + ((caplen + 3) & ~3);
		if (end - options >= 8) this.#direction(view, options, end, offset, columns);
	}

	#direction(view: DataView, start: number, end: number, offset: number, columns: PacketColumns): void {
		const littleEndian = this.#littleEndian;
		let at = start;
		while (end - at >= 4) {
			const code = view.getUint16(at, littleEndian);
			const bytes = view.getUint16(at + 2, littleEndian);
			if (code === 0) return;
			if (bytes > end - at - 4)
				throw this.#error(offset, `option ${code} of ${bytes} bytes runs over its block`, `at most ${end - at - 4}`);
			if (code === OPTION_EPB_FLAGS && bytes === 4) {
				const direction = view.getUint32(at + 4, littleEndian) & 3;
				if (direction === 1 || direction === 2) columns.direction[columns.count - 1] = direction;
			}
			at += 4 + ((bytes + 3) & ~3);
		}
	}

	#simple(view: DataView, body: number, end: number, offset: number, columns: PacketColumns): void {
		const entry = this.#interfaces[0];
		if (entry === undefined)
			throw this.#error(
				offset,
				"a simple packet block without an interface",
				"an interface description block before it",
			);
		const wireBytes = view.getUint32(body, this.#littleEndian);
		const caplen = Math.min(wireBytes, entry.snaplen === 0 ? wireBytes : entry.snaplen, end - body - 4);
		this.#row(view, entry, body + 4, caplen, wireBytes, end, offset, columns);
	}

	/** True where the packet became the last row of `columns`. */
	#row(
		view: DataView,
		entry: SectionInterface,
		frame: number,
		caplen: number,
		wireBytes: number,
		end: number,
		offset: number,
		columns: PacketColumns,
	): boolean {
		const tally = this.#context.tally;
		if (caplen > end - frame)
			throw this.#error(
				offset,
				`${caplen} captured bytes in a block that holds ${end - frame}`,
				`at most ${end - frame}`,
			);
		tally.records++;
		if (caplen > CAPLEN_MAX) {
			const error = this.#error(offset, `a packet of ${caplen} captured bytes`, `at most ${CAPLEN_MAX}`);
			if (this.#context.strict) throw error;
			tally.addDamage(error);
			return false;
		}
		if (!entry.known) throw this.#error(offset, `a packet of link type ${entry.linktype}`, LINKTYPES_READ);
		const row = columns.count;
		if (!this.#decoder.decode(columns, entry.linktype, view, frame, frame + caplen, Math.max(wireBytes, caplen))) {
			if (this.#decoder.full)
				throw this.#error(offset, "too many IPv6 addresses", `at most ${this.#context.addresses.max}`);
			return false;
		}
		columns.timeWords[row * 2 + TIME_HIGH] = this.#lastHigh;
		columns.timeWords[row * 2 + TIME_LOW] = this.#lastLow;
		columns.interfaceIndex[row] = entry.linktype === LINK_SLL2 ? this.#ifindex(entry, offset) : entry.index;
		columns.origin[row] = offset;
		columns.count = row + 1;
		tally.rows++;
		return true;
	}

	#ifindex(entry: SectionInterface, offset: number): number {
		const ifindex = this.#decoder.link.ifindex;
		const known = entry.byIfindex.get(ifindex);
		if (known !== undefined) return known;
		if (this.#interfaceCount >= INTERFACES_PER_FILE_MAX) {
			throw this.#error(
				offset,
				`more than ${INTERFACES_PER_FILE_MAX} interfaces`,
				`at most ${INTERFACES_PER_FILE_MAX}`,
			);
		}
		this.#interfaceCount++;
		const index = this.#context.interfaces.add({
			file: this.#context.file,
			id: ifindex,
			name: null,
			description: null,
			linktype: entry.linktype,
			packets: true,
		});
		entry.byIfindex.set(ifindex, index);
		return index;
	}

	/** Turns a timestamp into `#lastHigh` and `#lastLow`. Nanoseconds and microseconds, the usual units, make no BigInt. */
	#time(entry: SectionInterface, high: number, low: number, offset: number): void {
		if (entry.unitNs === 1) {
			if (high > 0x7fffffff) throw this.#error(offset, "a timestamp past 2^63 ns", "one before the year 2262");
			this.#lastHigh = high;
			this.#lastLow = low;
			return;
		}
		// Below 2^20 in the high word the sum is exact; as microseconds that lasts until the year 2112.
		if (entry.unitNs === 1000 && high < 0x100000) {
			const ticks = high * 0x1_0000_0000 + low;
			const sec = Math.floor(ticks / 1e6);
			if (sec <= 0xffffffff) {
				writeTime(SCRATCH, 0, sec, (ticks - sec * 1e6) * 1000);
				this.#lastHigh = SCRATCH[TIME_HIGH] as number;
				this.#lastLow = SCRATCH[TIME_LOW] as number;
				return;
			}
		}
		const ticks = (BigInt(high) << 32n) | BigInt(low);
		const exponent = BigInt(entry.tsresol & 127);
		const units = entry.tsresol & 128 ? 1n << exponent : 10n ** exponent;
		const ns = (ticks * 1_000_000_000n) / units + entry.tsoffset * 1_000_000_000n;
		if (ns < 0n || ns > NS_MAX) throw this.#error(offset, `a timestamp of ${ns} ns`, "0 to 2^63 - 1");
		this.#lastHigh = Number(ns >> 32n);
		this.#lastLow = Number(ns & 0xffffffffn);
	}

	#need(length: number, least: number, offset: number): void {
		if (length < least) throw this.#error(offset + 4, `a block of ${length} bytes`, `at least ${least} for its type`);
	}

	#error(offset: number, found: string, expected: string): CaptureError {
		return new CaptureError(this.#context.file, offset, found, expected);
	}
}

const SCRATCH = new Uint32Array(2);

const UTF8 = new TextDecoder();

function text(view: DataView, at: number, bytes: number): string {
	return UTF8.decode(new Uint8Array(view.buffer, view.byteOffset + at, bytes));
}
