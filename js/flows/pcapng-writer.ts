// pcapng files (draft-ietf-opsawg-pcapng) of what podwire carried: one interface a hop (`NETNS/DEV`), nanosecond times,
// the direction in epb_flags and the hook and rule as the packet's comment. Blocks are returned as bytes; who writes the
// file is somebody else. Big-endian throughout, so that the same packets give the same bytes everywhere.

import { DIRECTION_UNKNOWN } from "./columns.ts";

const LINK_ETHERNET = 1;
export const BLOCK_SECTION = 0x0a0d0d0a;
const BLOCK_INTERFACE = 1;
const BLOCK_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION_COMMENT = 1;
const OPTION_IF_NAME = 2;
const OPTION_IF_DESCRIPTION = 3;
const OPTION_IF_TSRESOL = 9;
const OPTION_EPB_FLAGS = 2;
const OPTION_SHB_USERAPPL = 4;
const OPTION_BYTES_MAX = 65535;
const UTF8 = new TextEncoder();

export interface CapturedFrame {
	/** Nanoseconds since 1970: 0 to 2^64 - 1. */
	timeNs: bigint;
	/** `NETNS/DEV`; the first frame of an interface declares it. */
	interface: string;
	bytes: Uint8Array;
	/** Length on the wire where `bytes` is only its beginning. */
	wireBytes?: number;
	comment?: string;
	/** `DIRECTION_…` */
	direction?: number;
}

export class PcapngWriter {
	readonly #interfaces = new Map<string, number>();
	readonly #linktype: number;

	/** `linktype`: of all interfaces; default Ethernet. */
	constructor(linktype: number = LINK_ETHERNET) {
		this.#linktype = linktype;
	}

	/** What a file begins with. */
	header(application = "podwire"): Uint8Array {
		const body = new Uint8Array(16);
		const view = new DataView(body.buffer);
		view.setUint32(0, BYTE_ORDER_MAGIC);
		view.setUint16(4, 1);
		view.setBigInt64(8, -1n);
		return block(BLOCK_SECTION, [body, ...options([[OPTION_SHB_USERAPPL, UTF8.encode(application)]])]);
	}

	/** Declares an interface ahead of its first frame, with a description; empty where it is known. */
	declare(name: string, description?: string): Uint8Array {
		if (this.#interfaces.has(name)) return new Uint8Array(0);
		this.#interfaces.set(name, this.#interfaces.size);
		const body = new Uint8Array(8);
		new DataView(body.buffer).setUint16(0, this.#linktype);
		const list: [number, Uint8Array][] = [[OPTION_IF_NAME, UTF8.encode(name)]];
		if (description !== undefined) list.push([OPTION_IF_DESCRIPTION, UTF8.encode(description)]);
		list.push([OPTION_IF_TSRESOL, Uint8Array.of(9)]);
		return block(BLOCK_INTERFACE, [body, ...options(list)]);
	}

	/** The frame's block, behind that of its interface where that is new. */
	frame(frame: CapturedFrame): Uint8Array {
		const declared = this.declare(frame.interface);
		const body = new Uint8Array(20);
		const view = new DataView(body.buffer);
		view.setUint32(0, this.#interfaces.get(frame.interface) as number);
		view.setBigUint64(4, frame.timeNs);
		view.setUint32(12, frame.bytes.length);
		view.setUint32(16, frame.wireBytes ?? frame.bytes.length);
		const list: [number, Uint8Array][] = [];
		if (frame.comment !== undefined) list.push([OPTION_COMMENT, UTF8.encode(frame.comment)]);
		const direction = frame.direction ?? DIRECTION_UNKNOWN;
		if (direction !== DIRECTION_UNKNOWN) list.push([OPTION_EPB_FLAGS, Uint8Array.of(0, 0, 0, direction)]);
		return joined([declared, block(BLOCK_PACKET, [body, frame.bytes, padding(frame.bytes.length), ...options(list)])]);
	}
}

/** A whole file in memory: for traces. Longer captures write what `PcapngWriter` returns piece by piece. */
export function pcapngFile(frames: Iterable<CapturedFrame>): Uint8Array {
	const writer = new PcapngWriter();
	const pieces = [writer.header()];
	for (const frame of frames) pieces.push(writer.frame(frame));
	return joined(pieces);
}

function block(type: number, parts: Uint8Array[]): Uint8Array {
	const length = 12 + parts.reduce((sum, part) => sum + part.length, 0);
	const head = new Uint8Array(8);
	const headView = new DataView(head.buffer);
	headView.setUint32(0, type);
	headView.setUint32(4, length);
	return joined([head, ...parts, head.slice(4)]);
}

/** A list of options, closed by opt_endofopt; nothing for no options. Values past 65,535 bytes are cut. */
function options(list: readonly [number, Uint8Array][]): Uint8Array[] {
	if (list.length === 0) return [];
	const parts = list.flatMap(([code, whole]) => {
		const value = whole.subarray(0, OPTION_BYTES_MAX);
		const head = new Uint8Array(4);
		const view = new DataView(head.buffer);
		view.setUint16(0, code);
		view.setUint16(2, value.length);
		return [head, value, padding(value.length)];
	});
	return [...parts, new Uint8Array(4)];
}

function padding(bytes: number): Uint8Array {
	return new Uint8Array((4 - (bytes % 4)) % 4);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
	const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of parts) {
		all.set(part, at);
		at += part.length;
	}
	return all;
}
