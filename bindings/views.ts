// Views on the engine's memory: typed access to table rows by the offsets of `assembly/layout.ts`, and which rows of each
// configuration table are in use. Views are made anew after memory has grown.

import * as L from "../assembly/layout.ts";
import { type AddressExports, Addresses } from "./addresses.ts";
import { FreeBlocks, type FreeBlocksState } from "./blocks.ts";

/** What `core.wasm` exports; one line each is documented in `assembly/index.ts`. */
export interface CoreExports extends AddressExports {
	memory: WebAssembly.Memory;
	table(id: number): number;
	capacity(id: number): number;
	grow(id: number, rows: number): number;
}

/** A table is full, and memory is at its maximum. */
export class CapacityError extends Error {
	readonly table: number;
	readonly capacity: number;
	constructor(table: number, capacity: number) {
		super(`table ${table} is full: it holds ${capacity} rows`);
		this.name = "CapacityError";
		this.table = table;
		this.capacity = capacity;
	}
}

const STRIDE: Readonly<Record<number, number>> = {
	[L.TABLE_NETNS]: L.NETNS_STRIDE,
	[L.TABLE_DEVICE]: L.DEVICE_STRIDE,
	[L.TABLE_ADDRESS]: L.ADDRESS_STRIDE,
	[L.TABLE_ROUTE]: L.ROUTE_STRIDE,
	[L.TABLE_NEXTHOP]: L.NEXTHOP_STRIDE,
	[L.TABLE_CHAIN]: L.CHAIN_STRIDE,
	[L.TABLE_RULE]: L.RULE_STRIDE,
	[L.TABLE_MATCH]: L.MATCH_STRIDE,
	[L.TABLE_WORD]: 4,
	[L.TABLE_PATTERN]: L.PATTERN_STRIDE,
	[L.TABLE_SET]: L.SET_STRIDE,
	[L.TABLE_ENTRY]: L.ENTRY_STRIDE,
	[L.TABLE_STATE]: L.STATE_STRIDE,
};

/** They grow where a network, its rules or sets need more rows than there are. */
const GROWING: ReadonlySet<number> = new Set([
	L.TABLE_NETNS,
	L.TABLE_DEVICE,
	L.TABLE_ADDRESS,
	L.TABLE_ROUTE,
	L.TABLE_NEXTHOP,
	L.TABLE_SET,
	L.TABLE_ENTRY,
	L.TABLE_CHAIN,
	L.TABLE_RULE,
	L.TABLE_MATCH,
	L.TABLE_WORD,
	L.TABLE_PATTERN,
	L.TABLE_STATE,
]);

/** Which rows of which table are in use, or were. */
export interface RowsState {
	count: Map<number, number>;
	free: Map<number, FreeBlocksState>;
}

/** Hands out zeroed rows of configuration tables and reads rows back. Row indices are what other rows refer to. */
export class Rows {
	/** Numbers of addresses. */
	readonly addresses: Addresses;
	readonly #exports: CoreExports;
	readonly #count: Map<number, number>;
	readonly #free: Map<number, FreeBlocks>;
	#view: DataView;
	#bytes: Uint8Array;

	constructor(exports: CoreExports, { count, free }: RowsState = { count: new Map(), free: new Map() }) {
		this.#exports = exports;
		this.#count = count;
		this.#free = new Map([...free].map(([table, blocks]) => [table, new FreeBlocks(blocks)]));
		this.addresses = new Addresses(exports);
		this.#view = new DataView(exports.memory.buffer);
		this.#bytes = new Uint8Array(exports.memory.buffer);
	}

	/** Copied. */
	get state(): RowsState {
		const free = new Map([...this.#free].map(([table, blocks]) => [table, blocks.state]));
		return { count: new Map(this.#count), free };
	}

	/** The whole memory, little-endian access by byte address; until memory grows, which taking rows and engine calls may make it do. */
	get view(): DataView {
		this.#settle();
		return this.#view;
	}

	/** Memory may have grown. */
	#settle(): void {
		const { buffer } = this.#exports.memory;
		if (this.#view.buffer === buffer) return;
		this.#view = new DataView(buffer);
		this.#bytes = new Uint8Array(buffer);
	}

	/** Rows that have ever been in use. */
	count(table: number): number {
		return this.#count.get(table) ?? 0;
	}

	/** Byte address of a row. */
	at(table: number, index: number): number {
		return this.#exports.table(table) + index * stride(table);
	}

	/** Adds `rows` zeroed rows; returns the index of the first. Throws CapacityError. */
	append(table: number, rows = 1): number {
		const first = this.count(table);
		this.#reach(table, first + rows);
		this.#count.set(table, first + rows);
		this.#clear(table, first, rows);
		return first;
	}

	/** `rows` zeroed rows in one piece, such as were given back where there are; returns the index of the first. Throws CapacityError. */
	take(table: number, rows = 1): number {
		const first = this.#free.get(table)?.take(rows) ?? null;
		if (first === null) return this.append(table, rows);
		this.#clear(table, first, rows);
		return first;
	}

	/** So many rows, in whatever pieces, can be taken now. Throws CapacityError. */
	expect(table: number, rows: number): void {
		this.#reach(table, this.count(table) + rows);
	}

	/** Gives rows back that were taken or appended; nothing refers to them any more. */
	give(table: number, first: number, rows = 1): void {
		let free = this.#free.get(table);
		if (free === undefined) {
			free = new FreeBlocks();
			this.#free.set(table, free);
		}
		free.give(first, rows);
	}

	#clear(table: number, first: number, rows: number): void {
		const at = this.at(table, first);
		this.#settle();
		this.#bytes.fill(0, at, at + rows * stride(table));
	}

	#reach(table: number, rows: number): void {
		const capacity = this.#exports.capacity(table);
		if (rows <= capacity) return;
		const larger = Math.max(rows, Math.ceil(capacity * 1.25));
		if (!GROWING.has(table) || !this.#exports.grow(table, larger)) throw new CapacityError(table, capacity);
	}

	setU8(at: number, value: number): void {
		this.view.setUint8(at, value);
	}

	setU16(at: number, value: number): void {
		this.view.setUint16(at, value, true);
	}

	setU32(at: number, value: number): void {
		this.view.setUint32(at, value >>> 0, true);
	}

	setI32(at: number, value: number): void {
		this.view.setInt32(at, value, true);
	}
}

function stride(table: number): number {
	const bytes = STRIDE[table];
	if (bytes === undefined) throw new RangeError(`table ${table} is not a configuration table`);
	return bytes;
}
