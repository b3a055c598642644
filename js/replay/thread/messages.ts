// What the thread that reads a recording and the one that carries it say to each other. Bytes of files and drafts of rows are handed
// over, not copied; the rest is small. It is plain: an error is its fields.

import { EngineError } from "../../../bindings/core.ts";
import { CaptureError, LineError } from "../../flows/errors.ts";
import type { Owned } from "../owners.ts";
import type { PlainOptions, ReadingTally } from "../reading.ts";

/** What to read. */
export interface Asked {
	kind: "read";
	module: WebAssembly.Module;
	/** Names of the sources. */
	files: readonly string[];
	owned: Owned;
	options: PlainOptions;
	/** Only packets before this time; null: all. */
	untilNs: bigint | null;
}

/** The next bytes of a file. */
export interface FileBlock {
	kind: "block";
	/** Its place among the sources. */
	file: number;
	block: ArrayBuffer;
	/** Bytes in it; 0: the file has ended. */
	count: number;
}

/** Rows have been carried: there may be others where they were. */
export interface Taken {
	kind: "taken";
	drafts: ArrayBuffer;
}

export type ToReader = Asked | FileBlock | Taken;

/** The next bytes of a file are wanted, in a block of BLOCK bytes. Blocks go to and fro: fresh memory costs more than copying. */
export interface Wanted {
	kind: "wanted";
	file: number;
	block: ArrayBuffer;
}

/** Bytes of a block. */
export const BLOCK = 1 << 18;

/** Rows, as drafts of batch records (`assembly/capture/draft`). */
export interface Rows {
	kind: "rows";
	drafts: ArrayBuffer;
	count: number;
	/** Of the first and the last row read, whether or not it is offered, ns. */
	firstNs: bigint;
	lastNs: bigint;
	/** Netns names of machines outside, and IPv6 addresses (16 bytes each, as in packets), that came up with these rows. */
	names: readonly string[];
	addresses: Uint8Array<ArrayBuffer>;
}

/** Everything has been read. */
export interface Read {
	kind: "read";
	tally: ReadingTally;
	isWhole: boolean;
}

export interface Failed {
	kind: "failed";
	error: PlainError;
}

export type FromReader = Wanted | Rows | Read | Failed;

interface PlainError {
	name: string;
	message: string;
	stack: string | undefined;
	cause: PlainError | null;
	/** What an error of its kind has besides. */
	fields: Record<string, unknown>;
}

/** Errors that who replays a recording tells from others. */
const KINDS = { CaptureError, EngineError, LineError, RangeError, TypeError };

export function plainError(error: unknown): PlainError {
	if (!(error instanceof Error)) return plainError(new Error(String(error)));
	const { name, message, stack, cause, ...fields } = error;
	return { name, message, stack, cause: cause === undefined ? null : plainError(cause), fields };
}

/** The error again, of its class where it is one that has a meaning here. */
export function errorOf({ name, message, stack, cause, fields }: PlainError): Error {
	const kind = Object.hasOwn(KINDS, name) ? KINDS[name as keyof typeof KINDS] : Error;
	const error = new Error(message, cause === null ? {} : { cause: errorOf(cause) });
	Object.setPrototypeOf(error, kind.prototype);
	if (stack !== undefined) error.stack = stack;
	return Object.assign(error, fields, kind.prototype.name === name ? {} : { name });
}
