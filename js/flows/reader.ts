// What every format has to offer to the pump in `open.ts`, and the limits that all of them keep.

import type { AddressTable } from "./addresses.ts";
import type { PacketColumns } from "./columns.ts";
import type { InterfaceTable } from "./interfaces.ts";
import type { FlowTally } from "./tally.ts";

/** Captured bytes of one packet. */
export const CAPLEN_MAX = 256 * 1024;
/** Bytes of one pcapng block. */
export const BLOCK_MAX = 16 * 1024 * 1024;
/** Interfaces of one file. */
export const INTERFACES_PER_FILE_MAX = 4096;

export interface ReaderContext {
	file: string;
	addresses: AddressTable;
	interfaces: InterfaceTable;
	tally: FlowTally;
	strict: boolean;
	decapsulate: boolean;
}

export interface FormatReader {
	/** Rows that one record may need; `read` stops where fewer are free. */
	readonly rowsPerRecord: number;
	/**
	 * Consumes whole records from `view` between `start` and `end` into `columns` until either is used up; `base` is the
	 * file offset of `view`'s first byte. Returns where the first unconsumed record begins; behind `end`, where bytes are
	 * to be skipped. Throws CaptureError or LineError; the rows made before stay in `columns`.
	 */
	read(view: DataView, start: number, end: number, base: number, columns: PacketColumns): number;
	/**
	 * The file ended with `start` to `end` unconsumed (`start` behind `end`: in the middle of what was to be skipped), with
	 * room for one record in `columns`. Throws where that is no place to end.
	 */
	finish(view: DataView, start: number, end: number, base: number, columns: PacketColumns): void;
}
