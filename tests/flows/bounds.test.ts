// What the engine reads of a capture is inside it: rows do not depend on how the file is cut into blocks, nor on what the memory
// behind the bytes holds, and no bytes make it trap. Packets in every link type and container, then with bytes changed.

import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
	READ_ENDED,
	READ_INPUT,
	READ_INTERFACE,
	SOURCE_DECAPSULATE,
	SOURCE_PCAP,
	SOURCE_PCAPNG,
} from "../../assembly/layout.ts";
import { Capture } from "../../bindings/capture.ts";
import { Recording } from "../../bindings/recording.ts";
import { buildPacket } from "../../js/flows/frame.ts";
import { ipv4FromNumber } from "../../js/net/address.ts";
import { runs } from "../runs.ts";
import { frameSpec } from "./arbitrary.ts";
import { bytesOf, linked, pcap, pcapngBlocks } from "./capture.ts";
import { type Row, rowOf } from "./rows.ts";

const T0 = 1_795_354_258_000_000_000n;
const LINKS = [0, 1, 12, 14, 101, 108, 113, 228, 229, 276];
const modules = ["build/core.wasm", "build/core.checked.wasm"].filter((path) => existsSync(path));

/** A file: its format, its bytes, and how many of its packets are rows (a link type of one family holds no others). */
const file = fc
	.tuple(fc.array(frameSpec, { minLength: 1, maxLength: 6 }), fc.constantFrom(...LINKS), fc.boolean(), fc.boolean())
	.map(([specs, link, little, ng]) => {
		const frames = specs.map((spec, i) => linked(link, buildPacket(spec), i % 5, 7 + (i % 2)));
		const packets = frames.map((frame, i) => ({ timeNs: T0 + BigInt(i) * 1000n, frame }));
		const six = specs.filter(({ src }) => src.includes(":")).length;
		const rows = link === 228 ? specs.length - six : link === 229 ? six : specs.length;
		if (!ng) return { format: SOURCE_PCAP, bytes: pcap(packets, link, true, little), rows };
		const b = pcapngBlocks(little);
		const blocks = packets.map(({ timeNs, frame }, i) =>
			i % 3 === 2 ? b.simple(frame) : b.packet(0, timeNs, frame, [[2, b.u32(1 + (i % 2))]]),
		);
		return { format: SOURCE_PCAPNG, bytes: bytesOf(b.section(), b.interface(link, [[9, [9]]]), ...blocks), rows };
	});

interface Read {
	rows: Row[];
	status: number;
	found: { offset: number; a: bigint; b: bigint };
}

/** Reads a file given in blocks that end at `cuts`, over memory full of `filler`. */
function read(module: WebAssembly.Module, format: number, bytes: Uint8Array, cuts: number[], filler: number): Read {
	const recording = new Recording(module);
	const capture = new Capture(recording, format, SOURCE_DECAPSULATE);
	const columns = recording.columns(4096);
	const ends = [...new Set([...cuts.map((cut) => cut % bytes.length), bytes.length])].sort((a, b) => a - b);
	let status = READ_INPUT;
	let from = 0;
	for (const end of ends) {
		const room = capture.room(end - from + 512).fill(filler);
		room.set(bytes.subarray(from, end));
		capture.filled(end - from);
		from = end;
		for (status = capture.read(columns); status === READ_INTERFACE; status = capture.read(columns))
			capture.numbered(columns, 0);
		if (status !== READ_INPUT) break;
	}
	if (status === READ_INPUT) status = capture.end();
	const text = (family: number, value: number) => (family === 4 ? ipv4FromNumber(value) : `v6 ${value}`);
	const rows = Array.from({ length: columns.count }, (_, i) => rowOf(columns, i, text));
	const { offset, a, b } = capture.found(status);
	return { rows, status, found: { offset, a, b } };
}

const cuts = fc.array(fc.nat(), { maxLength: 6 });
const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 });

describe.each(modules)("%s", (path) => {
	const module = new WebAssembly.Module(readFileSync(path));

	it("makes a row of every packet, however the file is cut", () => {
		fc.assert(
			fc.property(file, cuts, ({ format, bytes, rows }, at) => {
				const whole = read(module, format, bytes, [], 0);
				expect(whole.status).toBe(READ_ENDED);
				expect(whole.rows).toHaveLength(rows);
				expect(read(module, format, bytes, at, 255)).toEqual(whole);
			}),
			runs(300),
		);
	});

	it("reads nothing behind the bytes of a file, whatever they are", () => {
		fc.assert(
			fc.property(file, cuts, changes, ({ format, bytes }, at, changed) => {
				const broken = bytes.slice();
				for (const [place, value] of changed) broken[place % broken.length] = value;
				const one = read(module, format, broken, at, 0);
				for (const filler of [0x45, 255]) expect(read(module, format, broken, at, filler)).toEqual(one);
			}),
			runs(600),
		);
	});
});

it("has a module to test", () => {
	expect(modules).not.toEqual([]);
});
