// The file of a snapshot: sections come back as they were; whatever happens to it on its way is said with its place.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SnapshotError } from "../../js/snapshot/error.ts";
import { FORMAT, type Section, SnapshotFile, writeFile } from "../../js/snapshot/file.ts";
import { readPages, writePages } from "../../js/snapshot/pages.ts";
import { runs } from "../runs.ts";

const section = (name: string, text: string, packs = true): Section => ({
	...{ name, packs, bytes: new TextEncoder().encode(text) },
});

const SECTIONS = [section("about", "what it is", false), section("objects", "x".repeat(10_000)), section("memory", "")];

async function readAll(file: Uint8Array<ArrayBuffer>): Promise<Section[]> {
	const read = new SnapshotFile(file);
	return Promise.all(
		read.names.map(async (name, i) => ({ name, packs: SECTIONS[i]?.packs === true, bytes: await read.section(name) })),
	);
}

const refusal = (file: Uint8Array<ArrayBuffer>) =>
	readAll(file).then(
		() => null,
		(error: unknown) => error as SnapshotError,
	);

describe("a file", () => {
	it("has its sections, packed where they are to be, and is the same bytes again", async () => {
		const file = await writeFile(SECTIONS);
		expect(await readAll(file)).toEqual(SECTIONS);
		expect(await writeFile(SECTIONS)).toEqual(file);
		expect(new SnapshotFile(file).sizeOf("objects").stored).toBeLessThan(200);
		expect(new TextDecoder().decode(file)).toContain("what it is");
	});

	it("that is damaged in any byte is refused, and says where", async () => {
		const file = await writeFile(SECTIONS);
		await fc.assert(
			fc.asyncProperty(fc.nat({ max: file.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
				const error = await refusal(file.with(at, (file[at] as number) ^ bits) as Uint8Array<ArrayBuffer>);
				expect(error).toBeInstanceOf(SnapshotError);
				expect(error?.message).toMatch(/^snapshot: \w+, byte \d+: |^snapshot: \w+: /);
			}),
			runs(300),
		);
	});

	it("that is cut off anywhere is refused, and says how long it is to be", async () => {
		const file = await writeFile(SECTIONS);
		for (let length = 0; length < file.length; length++) {
			const error = await refusal(file.slice(0, length));
			expect(error?.message).toMatch(/the file ends here: \d+ bytes are expected$/);
			expect(error?.offset).toBe(length);
		}
	});

	it("with something behind it is refused", async () => {
		const file = await writeFile(SECTIONS);
		const longer = new Uint8Array([...file, 0]);
		expect((await refusal(longer))?.message).toBe(`snapshot: end, byte ${file.length}: 1 bytes are left over`);
	});

	it.each([
		["another's", "PK\u0003\u0004", "snapshot: header, byte 0: this is no snapshot of podwire's"],
		["a manifest", "apiVersion: v1\n", "snapshot: header, byte 0: this is no snapshot of podwire's"],
	])("of %s is refused", async (_, text, message) => {
		expect((await refusal(new TextEncoder().encode(text)))?.message).toBe(message);
	});

	it("that went through a transfer as text is refused as such", async () => {
		const file = await writeFile(SECTIONS);
		const text = new Uint8Array([...file].filter((byte) => byte !== 0x0d));
		expect((await refusal(text))?.message).toBe(
			"snapshot: header, byte 4: this is no snapshot of podwire's, or was transferred as text",
		);
	});

	it.each([
		[FORMAT + 1, "a newer podwire's"],
		[0, "an older podwire's"],
	])("of format %i is %s", async (format, whose) => {
		const file = await writeFile(SECTIONS);
		new DataView(file.buffer).setUint32(8, format, true);
		expect((await refusal(file))?.message).toBe(
			`snapshot: header, byte 8: format ${format} is ${whose}; this one reads ${FORMAT} alone`,
		);
	});

	it("without a section that is asked for says so", async () => {
		const file = new SnapshotFile(await writeFile([section("about", "")]));
		await expect(file.section("memory")).rejects.toThrow("snapshot: directory: has no section memory");
	});
});

describe("pages of a memory", () => {
	it("come back as they were; empty ones take nothing", () => {
		fc.assert(
			fc.property(fc.array(fc.constantFrom(0, 0, 0, 7), { minLength: 1, maxLength: 40 }), (pages) => {
				const memory = new Uint8Array(pages.length * 4096);
				for (const [page, byte] of pages.entries()) memory[page * 4096 + 4095] = byte;
				const bytes = writePages(memory);
				expect(Buffer.compare(readPages("memory", bytes), memory)).toBe(0);
				const used = pages.filter((byte) => byte !== 0).length;
				expect(bytes.length).toBeLessThan(used * 4096 + 3 * pages.length + 3);
			}),
			runs(100),
		);
	});

	it.each([
		["more pages than a memory can have", [0xff, 0xff, 0xff, 0x7f]],
		["pages that end too early", [2, 0, 2, 1]],
		["no pages", [2, 1, 0]],
		["pages beyond the last", [1, 0, 2]],
	])("%s are refused", (_, bytes) => {
		expect(() => readPages("memory", Uint8Array.from(bytes))).toThrow(SnapshotError);
	});
});
