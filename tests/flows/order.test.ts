// Time order within a source and over several, and the interning of IPv6 addresses.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadModule } from "../../bindings/node.ts";
import { AddressTable, ipv6Words } from "../../js/flows/addresses.ts";
import { CaptureError } from "../../js/flows/errors.ts";
import { buildFrame } from "../../js/flows/frame.ts";
import { mergeFlows, openAll } from "../../js/flows/merge.ts";
import { timeText, writeTime } from "../../js/flows/time.ts";
import { runs } from "../runs.ts";
import { pcap } from "./capture.ts";
import { chunked, type Row, rowsAndError, rowsOf, source } from "./rows.ts";

/** A capture whose packet `i` is at `times[i]` and has `i` as its source port. */
const capture = (times: number[]) =>
	pcap(
		times.map((time, i) => ({
			timeNs: 1_000_000_000n + BigInt(time),
			frame: buildFrame({ src: "10.0.0.1", dst: "10.0.0.2", proto: 17, sport: i, dport: 9 }),
		})),
		1,
		true,
		true,
	);

const stable = (rows: { timeNs: bigint }[]) =>
	[...rows].sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
const ports = (rows: Row[]) => rows.map((row) => row.sport);

describe("one source", () => {
	it("is in time order, equal times as they came, where rows are at most a batch late", async () => {
		// Blocks of 8 shuffled in themselves: no row is 8 or more places away from its own.
		const blocks = fc.array(fc.array(fc.nat(50), { minLength: 8, maxLength: 8 }), { maxLength: 12 });
		await fc.assert(
			fc.asyncProperty(blocks, async (deltas) => {
				const times = deltas.flatMap((block, i) => block.map((delta) => i * 51 + delta));
				const rows = await rowsOf(source(capture(times), { batchRows: 8 }));
				const expected = stable(times.map((time, i) => ({ timeNs: BigInt(time), i }))) as unknown as { i: number }[];
				expect(ports(rows)).toEqual(expected.map(({ i }) => i));
			}),
			runs(200),
		);
	});

	it("is refused where a row is later than that, after the rows before it", async () => {
		const times = [
			...Array.from({ length: 40 }, (_, i) => 100 + i),
			3,
			...Array.from({ length: 20 }, (_, i) => 200 + i),
		];
		const { rows, error } = await rowsAndError(source(capture(times), { batchRows: 8 }));
		expect(error).toBeInstanceOf(CaptureError);
		expect((error as CaptureError).message).toMatch(
			/offset=\d+: time 1\.000000003, .* before a row already passed on; expected rows within 8 of time order/,
		);
		expect((error as CaptureError).offset).toBe(24 + 40 * (16 + 42));
		expect(rows.length).toBeGreaterThanOrEqual(24);
		expect(rows.every((row, i) => row.sport === i)).toBe(true);
	});

	it("is moved up and counted where that is lenient", async () => {
		const times = [
			...Array.from({ length: 40 }, (_, i) => 100 + i),
			3,
			...Array.from({ length: 20 }, (_, i) => 200 + i),
		];
		const flows = source(capture(times), { batchRows: 8, strict: false });
		const rows = await rowsOf(flows);
		expect(rows).toHaveLength(61);
		expect(rows).toEqual(stable(rows));
		expect(flows.tally.damageCount).toBe(1);
	});
});

describe("several sources", () => {
	it("merge in time order, equal times in the order of the sources", async () => {
		const times = fc.array(fc.nat(60), { maxLength: 40 }).map((list) => list.sort((a, b) => a - b));
		await fc.assert(
			fc.asyncProperty(fc.array(times, { minLength: 1, maxLength: 4 }), async (lists) => {
				const inputs = lists.map((list, i) => ({ name: `${i}.pcap`, stream: chunked(capture(list), 100) }));
				const sources = openAll(inputs, { batchRows: 8 });
				const rows = await rowsOf(sources[0]!, mergeFlows(sources, 8));
				const expected = stable(
					lists.flatMap((list, file) => list.map((time, i) => ({ timeNs: BigInt(time), file, i }))),
				) as unknown as {
					file: number;
					i: number;
				}[];
				const files = sources[0]!.interfaces.list.map(({ file }) => Number(file[0]));
				expect(rows.map((row) => ({ file: files[row.interfaceIndex], i: row.sport }))).toEqual(
					expected.map(({ file, i }) => ({ file, i })),
				);
			}),
			runs(150),
		);
	});

	it("stop at one's damage, after the rows before it", async () => {
		const whole = capture([1, 3, 5]);
		const sources = openAll([
			{ name: "a.pcap", stream: chunked(whole.subarray(0, whole.length - 1)) },
			{ name: "b.pcap", stream: chunked(capture([2, 4, 6])) },
		]);
		const { rows, error } = await rowsAndError(sources[0]!, mergeFlows(sources));
		expect((error as Error).message).toMatch(/^a\.pcap: offset=/);
		expect(rows.map((row) => Number(row.timeNs % 10n))).toEqual([1, 2, 3]);
	});

	it("must share their tables", () => {
		expect(() => mergeFlows([source(capture([])), source(capture([]))])).toThrow(TypeError);
	});
});

describe("addresses", () => {
	it("keep their index, and come back as their text", async () => {
		const table = new AddressTable();
		table.recordingOf(await loadModule());
		const word = fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 1, 0xfd000000));
		fc.assert(
			fc.property(fc.array(fc.tuple(word, word, word, word), { maxLength: 400 }), (list) => {
				const first = list.map((words) => table.intern(...words));
				expect(list.map((words) => table.intern(...words))).toEqual(first);
				for (const [i, words] of list.entries()) expect(ipv6Words(table.text(first[i]!))).toEqual(words);
			}),
			runs(50),
		);
		expect(table.text(table.intern(0xfd000000, 0, 0, 1))).toBe("fd00::1");
		expect(table.addressText(4, 0x0a000001)).toBe("10.0.0.1");
	});

	it("end at the table's limit with an error that names it", async () => {
		const frames = Array.from({ length: 6 }, (_, i) =>
			buildFrame({ src: `fd00::${i + 1}`, dst: "fd00::ff", proto: 17 }),
		);
		const bytes = pcap(
			frames.map((frame, i) => ({ timeNs: BigInt(i), frame })),
			1,
			true,
			true,
		);
		const { rows, error } = await rowsAndError(source(bytes, { addresses: new AddressTable(4) }));
		expect(rows).toHaveLength(3);
		expect((error as Error).message).toMatch(/too many IPv6 addresses; expected at most 4/);
	});
});

describe("times", () => {
	it("are exact for every second and nanosecond", () => {
		const view = new BigInt64Array(1);
		const words = new Uint32Array(view.buffer);
		fc.assert(
			fc.property(fc.nat(0xffffffff), fc.nat(999_999_999), (sec, nsec) => {
				writeTime(words, 0, sec, nsec);
				expect(view[0]).toBe(BigInt(sec) * 1_000_000_000n + BigInt(nsec));
				expect(timeText(view[0]!)).toBe(`${sec}.${String(nsec).padStart(9, "0")}`);
			}),
		);
	});
});
