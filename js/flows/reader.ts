// What every format has to offer to the pump in `open.ts`.

import type { Recording } from "../../bindings/recording.ts";
import type { AddressTable } from "./addresses.ts";
import type { PacketColumns } from "./columns.ts";
import type { InterfaceTable } from "./interfaces.ts";
import type { FlowTally } from "./tally.ts";

export interface ReaderContext {
	file: string;
	/** The engine that reads, and its IPv6 addresses. */
	recording: Recording;
	addresses: AddressTable;
	interfaces: InterfaceTable;
	tally: FlowTally;
	strict: boolean;
	decapsulate: boolean;
}

/** A file that fills memory which its reader has ready. */
export interface BlockFile {
	/** Fills the beginning of `into` with the next bytes; how many, 0: the file has ended. */
	readInto(into: Uint8Array): number;
	/** To be awaited between reads: the host does what else it has to. */
	turn(): Promise<void>;
	close(): void;
}

export interface FormatReader {
	/** Takes the next bytes of the file: at most PIECE_BYTES. */
	append(piece: Uint8Array): void;
	/** Where it can: takes the next bytes straight from `file`; how many, 0: there are no more. */
	pull?(file: BlockFile): number;
	/**
	 * Consumes whole records into `columns`; true where it has no room for another one, false where the bytes are used up.
	 * Throws CaptureError or LineError; the rows made before stay in `columns`.
	 */
	read(columns: PacketColumns): boolean;
	/** The file ended, with room for one record in `columns`. Throws where that is no place to end. */
	finish(columns: PacketColumns): void;
}
