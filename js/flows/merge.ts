// Several sources as one, in time order: a k-way merge of rows that are in order within each source; equal times go in the
// order in which the sources were given.

import { AddressTable } from "./addresses.ts";
import { BATCH_ROWS, compareTimes, copyRow, PacketColumns } from "./columns.ts";
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
	const out = new PacketColumns(batchRows);
	try {
		for (const lane of lanes) await advance(lane);
		for (;;) {
			const lane = earliest(lanes);
			if (lane === null) break;
			const limit = earliest(lanes, lane);
			copyRun(lane, limit, lanes, out);
			if (out.count === out.capacity) {
				yield out;
				out.count = 0;
			}
			if (lane.row === (lane.batch as PacketColumns).count) await advance(lane);
		}
	} catch (error) {
		if (out.count > 0) yield out;
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
function copyRun(lane: Lane, limit: Lane | null, lanes: readonly Lane[], out: PacketColumns): void {
	const batch = lane.batch as PacketColumns;
	// An equal time goes first only in the source that was given first.
	const most = limit !== null && lanes.indexOf(limit) < lanes.indexOf(lane) ? -1 : 0;
	do {
		copyRow(batch, lane.row++, out, out.count++);
	} while (
		out.count < out.capacity &&
		lane.row < batch.count &&
		(limit === null || compareTimes(batch, lane.row, limit.batch as PacketColumns, limit.row) <= most)
	);
}
