// pcap files (draft-ietf-opsawg-pcap): both byte orders, microseconds and nanoseconds. Left out: the modified formats
// (0xa1b2cd34 and kin) and files older than version 2.3; they are errors.

import type { PacketColumns } from "./columns.ts";
import { CaptureError } from "./errors.ts";
import { knowsLinktype, LINK_SLL2, LINKTYPES_READ } from "./link.ts";
import { PacketDecoder } from "./packet.ts";
import { CAPLEN_MAX, type FormatReader, INTERFACES_PER_FILE_MAX, type ReaderContext } from "./reader.ts";
import { writeTime } from "./time.ts";

export const PCAP_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_NANOSECONDS = 0xa1b23c4d;
const HEADER_BYTES = 24;
const RECORD_BYTES = 16;

export function isPcapMagic(big: number, little: number): boolean {
	return [big, little].some((magic) => magic === PCAP_MICROSECONDS || magic === PCAP_NANOSECONDS);
}

export class PcapReader implements FormatReader {
	readonly rowsPerRecord = 1;
	readonly #context: ReaderContext;
	readonly #decoder: PacketDecoder;
	/** -1 until the file header is read. */
	#linktype = -1;
	#littleEndian = false;
	/** Nanoseconds a unit of the record's fraction. */
	#unitNs = 1000;
	#interface = 0;
	/** Linux cooked v2: the interface of each ifindex. */
	readonly #byIfindex = new Map<number, number>();

	constructor(context: ReaderContext) {
		this.#context = context;
		this.#decoder = new PacketDecoder(context.addresses, context.tally, context.decapsulate);
	}

	read(view: DataView, start: number, end: number, base: number, columns: PacketColumns): number {
		let at = start;
		if (this.#linktype < 0) {
			if (end - at < HEADER_BYTES) return at;
			this.#header(view, at, base + at);
			at += HEADER_BYTES;
		}
		const littleEndian = this.#littleEndian;
		const fractionMax = 1e9 / this.#unitNs;
		while (columns.count < columns.capacity && end - at >= RECORD_BYTES) {
			const caplen = view.getUint32(at + 8, littleEndian);
			const fraction = view.getUint32(at + 4, littleEndian);
			if (caplen > CAPLEN_MAX) {
				this.#oversize(caplen, base + at);
				return at + RECORD_BYTES + caplen;
			}
			const frame = at + RECORD_BYTES;
			if (end - frame < caplen) break;
			if (fraction >= fractionMax)
				throw this.#error(base + at + 4, `fraction of a second ${fraction}`, `less than ${fractionMax}`);
			this.#context.tally.records++;
			const wireBytes = Math.max(view.getUint32(at + 12, littleEndian), caplen);
			if (this.#decoder.decode(columns, this.#linktype, view, frame, frame + caplen, wireBytes)) {
				const row = columns.count;
				writeTime(columns.timeWords, row, view.getUint32(at, littleEndian), fraction * this.#unitNs);
				columns.interfaceIndex[row] = this.#linktype === LINK_SLL2 ? this.#ifindex(base + at) : this.#interface;
				columns.origin[row] = base + at;
				columns.count = row + 1;
				this.#context.tally.rows++;
			} else if (this.#decoder.full)
				throw this.#error(base + at, "too many IPv6 addresses", `at most ${this.#context.addresses.max}`);
			at = frame + caplen;
		}
		return at;
	}

	finish(_view: DataView, start: number, end: number, base: number): void {
		if (start === end && this.#linktype >= 0) return;
		if (this.#linktype < 0)
			throw this.#error(
				base + end,
				`the file ends after ${end - start} bytes`,
				`a pcap header of ${HEADER_BYTES} bytes`,
			);
		if (start > end) throw this.#error(base + end, "the file ends inside a packet record", `${start - end} bytes more`);
		if (end - start < RECORD_BYTES) {
			throw this.#error(
				base + start,
				`the file ends ${end - start} bytes into a record`,
				`a record header of ${RECORD_BYTES} bytes`,
			);
		}
		throw this.#error(
			base + start,
			`the file ends ${end - start} bytes into a packet record`,
			"the whole packet, as its header says",
		);
	}

	#header(view: DataView, at: number, offset: number): void {
		const big = view.getUint32(at, false);
		this.#littleEndian = big !== PCAP_MICROSECONDS && big !== PCAP_NANOSECONDS;
		this.#unitNs = view.getUint32(at, this.#littleEndian) === PCAP_NANOSECONDS ? 1 : 1000;
		const major = view.getUint16(at + 4, this.#littleEndian);
		const minor = view.getUint16(at + 6, this.#littleEndian);
		if (major !== 2 || minor < 3) throw this.#error(offset + 4, `pcap version ${major}.${minor}`, "2.3 or 2.4");
		// The upper half holds the length of the frame check sequence.
		const linktype = view.getUint32(at + 20, this.#littleEndian) & 0xffff;
		if (!knowsLinktype(linktype)) throw this.#error(offset + 20, `link type ${linktype}`, LINKTYPES_READ);
		this.#linktype = linktype;
		if (linktype !== LINK_SLL2) this.#interface = this.#addInterface(0);
	}

	#addInterface(id: number): number {
		const { file, interfaces } = this.#context;
		return interfaces.add({ file, id, name: null, description: null, linktype: this.#linktype, packets: true });
	}

	#ifindex(offset: number): number {
		const ifindex = this.#decoder.link.ifindex;
		let index = this.#byIfindex.get(ifindex);
		if (index === undefined) {
			if (this.#byIfindex.size >= INTERFACES_PER_FILE_MAX) {
				throw this.#error(
					offset,
					`more than ${INTERFACES_PER_FILE_MAX} interfaces`,
					`at most ${INTERFACES_PER_FILE_MAX}`,
				);
			}
			index = this.#addInterface(ifindex);
			this.#byIfindex.set(ifindex, index);
		}
		return index;
	}

	/** Throws in strict reading; else the record is passed over and counted. */
	#oversize(caplen: number, offset: number): void {
		const error = this.#error(offset + 8, `a packet of ${caplen} captured bytes`, `at most ${CAPLEN_MAX}`);
		if (this.#context.strict) throw error;
		this.#context.tally.records++;
		this.#context.tally.addDamage(error);
	}

	#error(offset: number, found: string, expected: string): CaptureError {
		return new CaptureError(this.#context.file, offset, found, expected);
	}
}
