// Views on the engine's memory: typed access to table rows by the offsets of `assembly/layout.ts`, and the append
// position of each configuration table. Views are made anew after memory has grown.

import * as L from "../assembly/layout.ts";
import { type AddressExports, Addresses } from "./addresses.ts";

/** What `core.wasm` exports; one line each is documented in `assembly/index.ts`. */
export interface CoreExports extends AddressExports {
	memory: WebAssembly.Memory;
	table(id: number): number;
	capacity(id: number): number;
}

/** A configuration table is full: the caller re-seals into a larger memory. */
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

/** Appends zeroed rows to configuration tables and reads rows back. Row indices are what other rows refer to. */
export class Rows {
	/** Numbers of addresses. */
	readonly addresses: Addresses;
	readonly #exports: CoreExports;
	readonly #count = new Map<number, number>();
	#view: DataView;

	constructor(exports: CoreExports) {
		this.#exports = exports;
		this.addresses = new Addresses(exports);
		this.#view = new DataView(exports.memory.buffer);
	}

	/** The whole memory, little-endian access by byte address. */
	get view(): DataView {
		if (this.#view.buffer !== this.#exports.memory.buffer) this.#view = new DataView(this.#exports.memory.buffer);
		return this.#view;
	}

	/** Rows in use. */
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
		const capacity = this.#exports.capacity(table);
		if (first + rows > capacity) throw new CapacityError(table, capacity);
		this.#count.set(table, first + rows);
		const bytes = rows * stride(table);
		new Uint8Array(this.view.buffer, this.at(table, first), bytes).fill(0);
		return first;
	}

	/** Adds words to TABLE_WORD; returns the index of the first. */
	words(values: readonly number[]): number {
		const first = this.append(L.TABLE_WORD, values.length);
		const at = this.at(L.TABLE_WORD, first);
		for (const [i, value] of values.entries()) this.view.setUint32(at + i * 4, value >>> 0, true);
		return first;
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
