// Half-written, broken and hostile captures: every failure is a CaptureError with its place, after the packets before it.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CaptureError, LineError } from "../../js/flows/errors.ts";
import { buildFrame, buildPacket } from "../../js/flows/frame.ts";
import { runs } from "../runs.ts";
import { bytesOf, linked, pcap, pcapngBlocks, type TestPacket } from "./capture.ts";
import { rowsAndError, rowsOf, source } from "./rows.ts";

const T0 = 1_795_354_258_000_000_000n;
const frames = [
	buildFrame({ src: "10.0.0.1", dst: "10.0.0.2", proto: 6, sport: 4000, dport: 80, tcpFlags: 2, seq: 7 }),
	buildFrame({
		src: "fd00::1",
		dst: "fd00::2",
		proto: 17,
		sport: 4000,
		dport: 53,
		payload: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9),
	}),
	buildFrame({
		src: "10.0.0.2",
		dst: "10.0.0.1",
		proto: 1,
		dport: 0x0303,
		payload: buildPacket({ src: "10.0.0.1", dst: "10.0.0.2", proto: 17, sport: 4001, dport: 5353 }),
	}),
];
const packets: TestPacket[] = frames.map((frame, i) => ({ timeNs: T0 + BigInt(i) * 1000n, frame }));

/** The pieces of a file: whether each holds a packet, and its bytes. */
type Pieces = [packet: boolean, bytes: Uint8Array][];

function pcapPieces(nano: boolean, little: boolean): Pieces {
	const records = packets.map((packet): Pieces[number] => [true, pcap([packet], 1, nano, little).subarray(24)]);
	return [[false, pcap([], 1, nano, little)], ...records];
}

function pcapngPieces(little: boolean): Pieces {
	const b = pcapngBlocks(little);
	return [
		[false, b.section()],
		[
			false,
			b.interface(1, [
				[2, [...Buffer.from("pod shop/a")]],
				[9, [9]],
			]),
		],
		[true, b.packet(0, T0, frames[0]!, [[2, b.u32(1)]])],
		[false, b.block(4, [[0, 0, 0, 0]])],
		[
			true,
			b.packet(0, T0 + 1000n, frames[1]!, [
				[1, [...Buffer.from("why")]],
				[2, b.u32(2)],
			]),
		],
		[true, b.packet(0, T0 + 2000n, frames[2]!)],
	];
}

const files: Record<string, Pieces> = {
	"pcap little": pcapPieces(false, true),
	"pcap big nano": pcapPieces(true, false),
	"pcapng little": pcapngPieces(true),
	"pcapng big": pcapngPieces(false),
};

describe.each(Object.entries(files))("%s", (_, pieces) => {
	const bytes = bytesOf(...pieces.map(([, piece]) => piece));

	it("gives the same columns for chunks of any size", async () => {
		const whole = await rowsOf(source(bytes));
		expect(whole).toHaveLength(3);
		for (const size of [1, 7, 4096]) expect(await rowsOf(source(bytes, { size }))).toEqual(whole);
	});

	it("cut at any byte, gives the packets before and a place", async () => {
		const whole = await rowsOf(source(bytes));
		let at = 0;
		let before = 0;
		for (const [packet, piece] of pieces) {
			for (let end = at; end < at + piece.length; end++) {
				const { rows, error } = await rowsAndError(source(bytes.subarray(0, end), { size: 61 }));
				expect(rows).toEqual(whole.slice(0, before));
				if (end === at && at > 0) {
					expect(error).toBeNull();
					continue;
				}
				expect(error).toBeInstanceOf(CaptureError);
				expect((error as CaptureError).message).toMatch(/^flows\.bin: offset=\d+: .*; expected /);
				expect([0, at, end]).toContain((error as CaptureError).offset);
			}
			at += piece.length;
			before += packet ? 1 : 0;
		}
	});

	it("with any bytes changed, throws nothing but CaptureError and never reads behind", async () => {
		const change = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
		await fc.assert(
			fc.asyncProperty(change, fc.boolean(), async (changes, strict) => {
				const broken = bytes.slice();
				for (const [at, value] of changes) broken[at] = value;
				const { error } = await rowsAndError(source(broken, { strict, decapsulate: true }));
				// A first byte that makes it text is read as flow records, and refused as such.
				if (error !== null && !(error instanceof CaptureError || error instanceof LineError)) throw error;
			}),
			runs(600),
		);
	});
});

describe("errors", () => {
	const failure = async (bytes: Uint8Array | string) =>
		((await rowsAndError(source(bytes))).error as Error | null)?.message;

	it.each([
		["nothing", new Uint8Array(0), /offset=0: an empty file; expected pcap/],
		["another format", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0), /offset=0: first bytes 28 b5 2f fd; expected pcap/],
		["a truncated gzip", Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0), /gzip data that cannot be undone/],
		["an unknown link type", pcap([], 105, false, true), /offset=20: link type 105; expected Ethernet/],
		["a version from the future", pcap([], 1, false, true).with(4, 3), /offset=4: pcap version 3\.4/],
		[
			"a packet over the limit",
			bytesOf(pcap([], 1, false, true), [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0, 1, 0, 4, 0]),
			/offset=32: a packet of 262145 captured bytes; expected at most 262144/,
		],
		[
			"a fraction over a second",
			bytesOf(pcap([], 1, false, true), [0, 0, 0, 0, 64, 66, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
			/offset=28: fraction of a second 1000000/,
		],
		[
			"a block over the limit",
			bytesOf(pcapngBlocks(true).section(), [6, 0, 0, 0, 4, 0, 0, 1]).slice(),
			/the file ends 8 bytes into a block/,
		],
		[
			"a block over the limit, whole head",
			bytesOf(pcapngBlocks(true).section(), [6, 0, 0, 0, 4, 0, 0, 1, 0, 0, 0, 0]),
			/a block of 16777220 bytes; expected 12 to 16777216/,
		],
		[
			"an interface that is not there",
			bytesOf(pcapngBlocks(true).section(), pcapngBlocks(true).packet(3, 0n, frames[0]!)),
			/interface 3; expected one of the section's 0/,
		],
		["a packet before any section", pcapngBlocks(false).packet(0, 0n, frames[0]!), /first bytes 00 00 00 06/],
	])("names the place of %s", async (_, bytes, message) => {
		expect(await failure(bytes)).toMatch(message);
	});

	it("passes over an oversize packet when lenient, and says so", async () => {
		const big = bytesOf(new Uint8Array(12), [...new Uint8Array(4)]);
		new DataView(big.buffer).setUint32(8, 300_000, true);
		const bytes = bytesOf(
			pcap([packets[0]!], 1, false, true),
			big,
			new Uint8Array(300_000),
			pcap([packets[1]!], 1, false, true).subarray(24),
		);
		const flows = source(bytes, { strict: false, size: 5000 });
		const rows = await rowsOf(flows);
		expect(rows.map((row) => row.proto)).toEqual([6, 17]);
		expect(flows.tally.damage[0]?.message).toMatch(/a packet of 300000 captured bytes/);
	});

	it("limits interfaces of one file to 4,096", async () => {
		const b = pcapngBlocks(true);
		const bytes = bytesOf(b.section(), ...Array.from({ length: 4097 }, () => b.interface(1)));
		expect(await failure(bytes)).toMatch(/more than 4096 interfaces/);
	});

	it("passes a failing stream's own error on, after the rows before", async () => {
		const bytes = pcap(packets, 1, false, true);
		async function* failing() {
			yield bytes.subarray(0, bytes.length - 3);
			throw new Error("disk gone");
		}
		const { openFlows } = await import("../../js/flows/open.ts");
		const { rows, error } = await rowsAndError(openFlows({ name: "x", stream: failing() }));
		expect(rows).toHaveLength(2);
		expect((error as Error).message).toBe("disk gone");
	});
});

describe("snapped packets", () => {
	it.each([1, 113, 276, 101, 0, 108])("of link type %i decode as far as they go", async (linktype) => {
		const whole = linked(
			linktype,
			buildPacket({ src: "10.0.0.1", dst: "10.0.0.2", proto: 6, sport: 4000, dport: 80, payload: new Uint8Array(30) }),
		);
		for (let caplen = 0; caplen <= whole.length; caplen++) {
			const flows = source(
				pcap([{ timeNs: T0, frame: whole.subarray(0, caplen), wireBytes: whole.length }], linktype, false, true),
			);
			const rows = await rowsOf(flows);
			expect(flows.tally.records).toBe(1);
			const header = whole.length - 70;
			expect(rows).toHaveLength(caplen >= header + 20 ? 1 : 0);
			if (caplen >= header + 20)
				expect(rows[0]).toMatchObject({ ipBytes: 70, proto: 6, shape: caplen >= header + 36 ? 4 : 12 });
			if (caplen >= header + 24) expect(rows[0]).toMatchObject({ sport: 4000, dport: 80 });
		}
	});
});
