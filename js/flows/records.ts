// Flow records as CSV, `time,src,sport,dst,dport,proto,packets,bytes,flags`: one record is one direction of a flow, and
// becomes at most four rows (`repeat` counts their packets). A record has only its start time, so all its packets are at
// that time, in order. Sizes are `bytes / packets` each; where that does not divide, the last packets have one byte more,
// so that the total is exact. From the OR of the TCP flags: SYN makes the first packet a bare SYN, RST or FIN the last one
// a RST or FIN,ACK (RST where both are there), all others are ACK, with PSH where they carry data; one packet alone takes
// the opening flag. Left out: quoted fields, comments.

import { ipv6Words } from "./addresses.ts";
import {
	type PacketColumns,
	PROTO_ICMP,
	PROTO_ICMPV6,
	PROTO_SCTP,
	PROTO_TCP,
	PROTO_UDP,
	TCP_ACK,
	TCP_FIN,
	TCP_PSH,
	TCP_RST,
	TCP_SYN,
} from "./columns.ts";
import { LineError, shown } from "./errors.ts";
import { Inlet } from "./inlet.ts";
import type { FormatReader, ReaderContext } from "./reader.ts";
import { writeTime } from "./time.ts";

export const RECORD_HEADER = "time,src,sport,dst,dport,proto,packets,bytes,flags";
const FIELDS = RECORD_HEADER.split(",");
const LINE_BYTES_MAX = 4096;
/** What a record does not say. */
const TTL = 64;

const PROTOCOLS: Record<string, number> = {
	icmp: PROTO_ICMP,
	igmp: 2,
	ipip: 4,
	tcp: PROTO_TCP,
	udp: PROTO_UDP,
	gre: 47,
	esp: 50,
	ah: 51,
	icmpv6: PROTO_ICMPV6,
	"ipv6-icmp": PROTO_ICMPV6,
	sctp: PROTO_SCTP,
	udplite: 136,
};

const LF = 10;
const CR = 13;
const COMMA = 44;
const DOT = 46;

/** Rows that one record may need. */
const ROWS_PER_RECORD = 4;

export class RecordReader implements FormatReader {
	readonly #inlet = new Inlet();
	readonly #context: ReaderContext;
	#interface = -1;
	#line = 0;
	#bytes: Uint8Array = new Uint8Array(0);
	/** Where each field of the current line begins; one more: behind the line's end. */
	readonly #starts = new Int32Array(FIELDS.length + 1);
	#lineStart = 0;
	#family = 4;

	constructor(context: ReaderContext) {
		this.#context = context;
	}

	append(piece: Uint8Array): void {
		this.#inlet.append(piece);
		this.#bytes = this.#inlet.bytes;
	}

	read(columns: PacketColumns): boolean {
		const inlet = this.#inlet;
		while (columns.count + ROWS_PER_RECORD <= columns.capacity) {
			const length = this.#bytes.subarray(inlet.start, inlet.end).indexOf(LF);
			if ((length < 0 ? inlet.end - inlet.start : length) > LINE_BYTES_MAX) {
				throw new LineError(
					this.#context.file,
					this.#line + 1,
					LINE_BYTES_MAX,
					`a line of more than ${LINE_BYTES_MAX} bytes`,
					RECORD_HEADER,
				);
			}
			if (length < 0) return false;
			this.#take(inlet.start, inlet.start + length, columns);
			inlet.start += length + 1;
		}
		return true;
	}

	finish(columns: PacketColumns): void {
		const { start, end } = this.#inlet;
		if (end > start) this.#take(start, end, columns);
		if (this.#line === 0) throw new LineError(this.#context.file, 1, 1, "an empty file", `the header ${RECORD_HEADER}`);
	}

	#take(start: number, lineEnd: number, columns: PacketColumns): void {
		this.#line++;
		this.#lineStart = start;
		const end = lineEnd > start && this.#bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
		if (this.#line === 1) this.#header(start, end);
		else if (end > start) {
			this.#split(start, end);
			this.#context.tally.records++;
			this.#record(columns);
		}
	}

	#header(start: number, end: number): void {
		const bom =
			this.#bytes[start] === 0xef && this.#bytes[start + 1] === 0xbb && this.#bytes[start + 2] === 0xbf ? 3 : 0;
		const words = this.#text(start + bom, end).split(",");
		let column = 1;
		for (let i = 0; i < Math.max(words.length, FIELDS.length); i++) {
			const word = words[i];
			if (word !== FIELDS[i]) {
				const found = word === undefined ? "the header ends" : `header ${shown(word)}`;
				const place = word === undefined ? column - 1 : column;
				throw new LineError(this.#context.file, 1, place, found, `${FIELDS[i] ?? "nothing"} (${RECORD_HEADER})`);
			}
			column += (word as string).length + 1;
		}
		const { file, interfaces } = this.#context;
		this.#interface = interfaces.add({ file, id: 0, name: null, description: null, linktype: null, packets: false });
	}

	#split(start: number, end: number): void {
		const bytes = this.#bytes;
		const starts = this.#starts;
		let count = 0;
		starts[count++] = start;
		for (let i = start; i < end; i++) {
			if (bytes[i] !== COMMA) continue;
			if (count === FIELDS.length)
				throw this.#error(i + 1, `more than ${FIELDS.length} fields`, `${FIELDS.length} fields (${RECORD_HEADER})`);
			starts[count++] = i + 1;
		}
		if (count < FIELDS.length) {
			throw this.#error(
				end,
				`a record of ${count} ${count === 1 ? "field" : "fields"}`,
				`${FIELDS.length} fields; next is ${FIELDS[count]} (${RECORD_HEADER})`,
			);
		}
		starts[count] = end + 1;
	}

	#record(columns: PacketColumns): void {
		// The time goes straight into the next row; `#row` copies it from there.
		this.#time(columns);
		const src = this.#address(1, 0);
		const family = this.#family;
		const sport = this.#uint(2, 0, 65535);
		const dst = this.#address(3, family);
		const dport = this.#uint(4, 0, 65535);
		const proto = this.#protocol(family);
		const packets = this.#uint(6, 1, 0xffffffff);
		const ipHeader = family === 4 ? 20 : 40;
		const bytes = this.#uint(7, 0, Number.MAX_SAFE_INTEGER);
		const base = Math.floor(bytes / packets);
		if (base < ipHeader || base >= 0xffffffff) {
			throw this.#error(
				this.#starts[7] as number,
				`${bytes} bytes in ${packets} packets`,
				`at least ${ipHeader} bytes a packet, an IPv${family} header`,
			);
		}
		const flags = this.#uint(8, 0, 255);
		const header = ipHeader + transportBytes(proto);
		const larger = packets - (bytes - base * packets);
		const hasFirst = proto === PROTO_TCP && (flags & TCP_SYN) !== 0;
		const hasLast = proto === PROTO_TCP && (flags & (TCP_FIN | TCP_RST)) !== 0 && (packets > 1 || !hasFirst);
		const first = columns.count;
		for (let packet = 0; packet < packets; ) {
			let until = packets;
			if (hasFirst && packet < 1) until = 1;
			if (hasLast && packet < packets - 1) until = Math.min(until, packets - 1);
			if (packet < larger) until = Math.min(until, larger);
			const ipBytes = base + (packet >= larger ? 1 : 0);
			const payload = Math.max(ipBytes - header, 0);
			let tcpFlags = 0;
			if (proto === PROTO_TCP) {
				if (hasFirst && packet === 0) tcpFlags = TCP_SYN;
				else if (hasLast && packet === packets - 1) tcpFlags = flags & TCP_RST ? TCP_RST : TCP_FIN | TCP_ACK;
				else tcpFlags = payload > 0 ? TCP_PSH | TCP_ACK : TCP_ACK;
			}
			const row = columns.count++;
			columns.timeWords[row * 2] = columns.timeWords[first * 2] as number;
			columns.timeWords[row * 2 + 1] = columns.timeWords[first * 2 + 1] as number;
			columns.family[row] = family;
			columns.proto[row] = proto;
			columns.src[row] = src;
			columns.dst[row] = dst;
			columns.sport[row] = sport;
			columns.dport[row] = dport;
			columns.tcpFlags[row] = tcpFlags;
			columns.ttl[row] = TTL;
			columns.tos[row] = 0;
			columns.ipId[row] = 0;
			columns.ipBytes[row] = ipBytes;
			columns.payloadBytes[row] = payload;
			columns.seq[row] = 0;
			columns.ack[row] = 0;
			columns.sack[row] = 0;
			columns.window[row] = 0;
			columns.shape[row] = 0;
			columns.interfaceIndex[row] = this.#interface;
			columns.repeat[row] = until - packet;
			columns.origin[row] = this.#line;
			packet = until;
		}
		this.#context.tally.rows += columns.count - first;
	}

	#time(columns: PacketColumns): void {
		const bytes = this.#bytes;
		const end = this.#fieldEnd(0);
		let at = this.#starts[0] as number;
		let sec = 0;
		let digits = 0;
		for (; at < end && isDigit(bytes[at] as number); at++, digits++) sec = sec * 10 + (bytes[at] as number) - 48;
		let nsec = 0;
		let decimals = 0;
		if (digits > 0 && bytes[at] === DOT && at < end) {
			for (at++; at < end && isDigit(bytes[at] as number); at++, decimals++)
				nsec = nsec * 10 + (bytes[at] as number) - 48;
			if (decimals === 0) digits = 0;
		}
		if (at !== end || digits === 0 || decimals > 9 || sec > 0xffffffff)
			throw this.#wrong(0, "seconds since 1970 with up to 9 decimals");
		for (; decimals < 9; decimals++) nsec *= 10;
		writeTime(columns.timeWords, columns.count, sec, nsec);
	}

	/** Row value of the address in field `index`; sets the family. `family` 0: either. */
	#address(index: number, family: number): number {
		const word = this.#ipv4(this.#starts[index] as number, this.#fieldEnd(index));
		let value = word;
		this.#family = 4;
		if (word < 0) {
			const words = ipv6Words(this.#field(index));
			if (words === null) throw this.#wrong(index, "an IPv4 or IPv6 address");
			this.#family = 6;
			value = this.#context.addresses.intern(words[0], words[1], words[2], words[3]);
			if (value < 0) throw this.#wrong(index, `at most ${this.#context.addresses.max} IPv6 addresses`);
		}
		if (family !== 0 && family !== this.#family) throw this.#wrong(index, `an IPv${family} address, as src is`);
		return value;
	}

	/** The host-order word of a dotted quad, or -1. */
	#ipv4(start: number, end: number): number {
		const bytes = this.#bytes;
		let word = 0;
		let at = start;
		for (let part = 0; part < 4; part++) {
			if (part > 0 && bytes[at++] !== DOT) return -1;
			let value = 0;
			const from = at;
			for (; at < end && isDigit(bytes[at] as number); at++) value = value * 10 + (bytes[at] as number) - 48;
			if (at === from || value > 255 || (at - from > 1 && bytes[from] === 48)) return -1;
			word = word * 256 + value;
		}
		return at === end ? word : -1;
	}

	#protocol(family: number): number {
		if (isDigit(this.#bytes[this.#starts[5] as number] as number)) return this.#uint(5, 0, 255);
		const proto = PROTOCOLS[this.#field(5).toLowerCase()];
		if (proto === undefined)
			throw this.#wrong(5, "a protocol: tcp, udp, icmp, icmpv6, sctp, … or a number from 0 to 255");
		return proto === PROTO_ICMP && family === 6 ? PROTO_ICMPV6 : proto;
	}

	#uint(index: number, min: number, max: number): number {
		const bytes = this.#bytes;
		const end = this.#fieldEnd(index);
		const start = this.#starts[index] as number;
		let value = 0;
		let at = start;
		for (; at < end && isDigit(bytes[at] as number); at++) value = value * 10 + (bytes[at] as number) - 48;
		if (at !== end || at === start || value < min || value > max)
			throw this.#wrong(index, `a number from ${min} to ${max}`);
		return value;
	}

	#fieldEnd(index: number): number {
		return (this.#starts[index + 1] as number) - 1;
	}

	#field(index: number): string {
		return this.#text(this.#starts[index] as number, this.#fieldEnd(index));
	}

	#text(start: number, end: number): string {
		return UTF8.decode(this.#bytes.subarray(start, end));
	}

	#wrong(index: number, expected: string): LineError {
		return this.#error(this.#starts[index] as number, `${FIELDS[index]} ${shown(this.#field(index))}`, expected);
	}

	#error(at: number, found: string, expected: string): LineError {
		return new LineError(this.#context.file, this.#line, at - this.#lineStart + 1, found, expected);
	}
}

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

function isDigit(byte: number): boolean {
	return byte >= 48 && byte <= 57;
}

function transportBytes(proto: number): number {
	if (proto === PROTO_TCP) return 20;
	if (proto === PROTO_SCTP) return 12;
	return proto === PROTO_UDP || proto === PROTO_ICMP || proto === PROTO_ICMPV6 ? 8 : 0;
}
