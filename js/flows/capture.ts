// Capture files, pcap and pcapng, read by the engine (`assembly/capture`): here are its files' interfaces by name, and what it
// says about damage, in words.

import * as L from "../../assembly/layout.ts";
import { Capture, type ReadStatus } from "../../bindings/capture.ts";
import type { PacketColumns } from "./columns.ts";
import { CaptureError } from "./errors.ts";
import type { BlockFile, FormatReader, ReaderContext } from "./reader.ts";

const LINKTYPES_READ =
	"Ethernet (1), Linux cooked v1 (113) or v2 (276), raw IP (101, 12, 14, 228, 229), BSD loopback (0, 108)";

/** Bytes that are read at once: they stay in the second-level cache until they are parsed. */
const BLOCK_BYTES = 1 << 18;

/** Ends of a file that say nothing against what comes before them. */
const TRUNCATED: ReadonlySet<number> = new Set([L.READ_RECORD_HEADER, L.READ_RECORD, L.READ_SKIPPED, L.READ_BLOCK]);

export class CaptureReader implements FormatReader {
	readonly #context: ReaderContext;
	readonly #capture: Capture;

	constructor(context: ReaderContext, format: number) {
		this.#context = context;
		const options = (context.strict ? L.SOURCE_STRICT : 0) | (context.decapsulate ? L.SOURCE_DECAPSULATE : 0);
		this.#capture = new Capture(context.recording, format, options);
		context.tally.ethertypes = () => this.#capture.ethertypes();
	}

	append(piece: Uint8Array): void {
		this.#capture.room(piece.length).set(piece);
		this.#capture.filled(piece.length);
	}

	pull(file: BlockFile): number {
		const count = file.readInto(this.#capture.room(BLOCK_BYTES));
		this.#capture.filled(count);
		return count;
	}

	read(columns: PacketColumns): boolean {
		for (;;) {
			const status = this.#capture.read(columns);
			if (status === L.READ_INTERFACE) {
				const { file, interfaces } = this.#context;
				const index = interfaces.add({ file, ...this.#capture.described(), packets: true });
				this.#capture.numbered(columns, index);
				continue;
			}
			Object.assign(this.#context.tally, this.#capture.counts);
			if (status === L.READ_INPUT || status === L.READ_FULL) return columns.count === columns.capacity;
			const error = this.#error(status);
			if (status !== L.READ_CAPLEN || this.#context.strict) throw error;
			this.#context.tally.addDamage(error);
		}
	}

	finish(): void {
		const status = this.#capture.end();
		if (status !== L.READ_ENDED) throw this.#error(status);
	}

	#error(status: number): CaptureError {
		const found = this.#capture.found(status);
		const [what, expected] = words(found, this.#capture, this.#context.addresses.max);
		return new CaptureError(this.#context.file, found.offset, what, expected, { truncated: TRUNCATED.has(status) });
	}
}

/** What was found, and what was expected there. */
function words(
	{ status, a, b }: ReadStatus,
	capture: Capture,
	addressesMax: number,
): [found: string, expected: string] {
	switch (status) {
		case L.READ_HEADER:
			return [`the file ends after ${a} bytes`, "a pcap header of 24 bytes"];
		case L.READ_RECORD_HEADER:
			return [`the file ends ${a} bytes into a record`, "a record header of 16 bytes"];
		case L.READ_RECORD:
			return [`the file ends ${a} bytes into a packet record`, "the whole packet, as its header says"];
		case L.READ_SKIPPED:
			return ["the file ends inside a packet record", `${a} bytes more`];
		case L.READ_BLOCK:
			return [`the file ends ${a} bytes into a block`, "the whole block"];
		case L.READ_VERSION:
			return b === 0xffffn ? [`pcapng version ${a}`, "1"] : [`pcap version ${a}.${b}`, "2.3 or 2.4"];
		case L.READ_LINKTYPE:
			return [`link type ${a}`, LINKTYPES_READ];
		case L.READ_PACKET_LINKTYPE:
			return [`a packet of link type ${a}`, LINKTYPES_READ];
		case L.READ_FRACTION:
			return [`fraction of a second ${a}`, `less than ${b}`];
		case L.READ_CAPLEN:
			return [`a packet of ${a} captured bytes`, `at most ${L.CAPLEN_MAX}`];
		case L.READ_BLOCK_BYTES:
			return [`a block of ${a} bytes`, `12 to ${L.BLOCK_MAX}, a multiple of 4`];
		case L.READ_TRAILER:
			return [`a block length of ${a} behind a block of ${b}`, `${b}`];
		case L.READ_BYTE_ORDER:
			return [`byte-order magic 0x${a.toString(16).padStart(8, "0")}`, "0x1a2b3c4d in either order"];
		case L.READ_NO_SECTION:
			return ["a block before any section header", "a section header block"];
		case L.READ_SHORT_BLOCK:
			return [`a block of ${a} bytes`, `at least ${b} for its type`];
		case L.READ_INTERFACES:
			return [`more than ${L.SOURCE_INTERFACES_MAX} interfaces`, `at most ${L.SOURCE_INTERFACES_MAX}`];
		case L.READ_NO_INTERFACE:
			return [`interface ${a}`, `one of the section's ${b}`];
		case L.READ_NO_INTERFACE_YET:
			return ["a simple packet block without an interface", "an interface description block before it"];
		case L.READ_OPTION:
			return [`option ${a} of ${b >> 32n} bytes runs over its block`, `at most ${b & 0xffffffffn}`];
		case L.READ_BEYOND:
			return [`${a} captured bytes in a block that holds ${b}`, `at most ${b}`];
		case L.READ_TIME:
			return time(a, b, capture.offsetSeconds);
		case L.READ_ADDRESSES:
			return ["too many IPv6 addresses", `at most ${addressesMax}`];
		default:
			throw new RangeError(`the engine read a capture to status ${status}, which is none`);
	}
}

/** A timestamp of `ticks` that no 64-bit nanoseconds hold; `resolution` as if_tsresol. */
function time(ticks: bigint, resolution: bigint, offsetSeconds: bigint): [found: string, expected: string] {
	if (resolution === 9n && offsetSeconds === 0n) return ["a timestamp past 2^63 ns", "one before the year 2262"];
	const exponent = resolution & 127n;
	const units = resolution & 128n ? 1n << exponent : 10n ** exponent;
	const ns = (ticks * 1_000_000_000n) / units + offsetSeconds * 1_000_000_000n;
	return [`a timestamp of ${ns} ns`, "0 to 2^63 - 1"];
}
