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

export interface FormatReader {
	/** Takes the next bytes of the file: at most PIECE_BYTES. */
	append(piece: Uint8Array): void;
	/**
	 * Consumes whole records into `columns`; true where it has no room for another one, false where the bytes are used up.
	 * Throws CaptureError or LineError; the rows made before stay in `columns`.
	 */
	read(columns: PacketColumns): boolean;
	/** The file ended, with room for one record in `columns`. Throws where that is no place to end. */
	finish(columns: PacketColumns): void;
}
