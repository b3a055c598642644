// Several sources as one, in time order: a k-way merge of rows that are in order within each source; equal times go in the
// order in which the sources were given.

import type { Recording } from "../../bindings/recording.ts";
import { AddressTable } from "./addresses.ts";
import { BATCH_ROWS, compareTimes, type PacketColumns } from "./columns.ts";
import { InterfaceTable } from "./interfaces.ts";
import { type FlowInput, type FlowOptions, type FlowSource, openFlows } from "./open.ts";

/** Sources over the same address and interface tables; throws a TypeError where they are not. */
export function mergeFlows(
	sources: readonly FlowSource[],
	batchRows: number = BATCH_ROWS,
): AsyncIterable<PacketColumns> {
	const first = sources[0];
	for (const source of sources) {
		if (source.addresses !== first?.addresses || source.interfaces !== first.interfaces) {
			throw new TypeError(`${source.name}: its own address or interface table; expected those of ${first?.name}`);
		}
	}
	if (first !== undefined && sources.length === 1) return first;
	return { [Symbol.asyncIterator]: () => merged(sources, batchRows) };
}

/** Opens all inputs over shared tables. Iterate the result of `mergeFlows` over them, or each alone. */
export function openAll(inputs: readonly FlowInput[], options: FlowOptions = {}): FlowSource[] {
	const addresses = options.addresses ?? new AddressTable();
	const interfaces = options.interfaces ?? new InterfaceTable();
	return inputs.map((input) => openFlows(input, { ...options, addresses, interfaces }));
}

interface Lane {
	iterator: AsyncIterator<PacketColumns>;
	/** null: the source has ended. */
	batch: PacketColumns | null;
	row: number;
}

async function* merged(
	sources: readonly FlowSource[],
	batchRows: number,
): AsyncGenerator<PacketColumns, void, undefined> {
	const lanes: Lane[] = sources.map((source) => ({ iterator: source[Symbol.asyncIterator](), batch: null, row: 0 }));
	let out: PacketColumns | null = null;
	try {
		for (const lane of lanes) await advance(lane);
		const { recording } = (sources[0] as FlowSource).addresses;
		out = recording.columns(batchRows);
		for (;;) {
			const lane = earliest(lanes);
			if (lane === null) break;
			const limit = earliest(lanes, lane);
			copyRun(recording, lane, limit, lanes, out);
			if (out.count === out.capacity) {
				yield out;
				out.count = 0;
			}
			if (lane.row === (lane.batch as PacketColumns).count) await advance(lane);
		}
	} catch (error) {
		if (out !== null && out.count > 0) yield out;
		throw error;
	} finally {
		for (const lane of lanes) await lane.iterator.return?.();
	}
	if (out.count > 0) yield out;
}

/** The next batch that has rows. */
async function advance(lane: Lane): Promise<void> {
	lane.row = 0;
	do {
		const next = await lane.iterator.next();
		lane.batch = next.done ? null : next.value;
	} while (lane.batch !== null && lane.batch.count === 0);
}

function earliest(lanes: readonly Lane[], except: Lane | null = null): Lane | null {
	let best: Lane | null = null;
	for (const lane of lanes) {
		if (lane === except || lane.batch === null) continue;
		if (best === null || compareTimes(lane.batch, lane.row, best.batch as PacketColumns, best.row) < 0) best = lane;
	}
	return best;
}

/** Copies rows of `lane` until `out` is full, the batch ends, or `limit` is due. */
function copyRun(
	recording: Recording,
	lane: Lane,
	limit: Lane | null,
	lanes: readonly Lane[],
	out: PacketColumns,
): void {
	const batch = lane.batch as PacketColumns;
	let end = batch.count;
	if (limit !== null) {
		const dueNs = (limit.batch as PacketColumns).timeNs[limit.row] as bigint;
		// An equal time goes first only in the source that was given first.
		end = recording.firstAfter(batch, lane.row + 1, dueNs, lanes.indexOf(limit) < lanes.indexOf(lane));
	}
	const rows = Math.min(end - lane.row, out.capacity - out.count);
	recording.append(out, batch, lane.row, rows);
	lane.row += rows;
}
