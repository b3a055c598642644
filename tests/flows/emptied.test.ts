// An engine that has read recordings and is emptied is a fresh one, whatever it has read, whole or not: byte for byte as far as a
// fresh one's memory goes, and whatever lies behind that, it reads as a fresh one does.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import * as L from "../../assembly/layout.ts";
import type { EngineModule } from "../../bindings/core.ts";
import { loadModule } from "../../bindings/node.ts";
import { Recording } from "../../bindings/recording.ts";
import { SpareRecordings } from "../../bindings/spares.ts";
import { AddressTable } from "../../js/flows/addresses.ts";
import { buildPacket } from "../../js/flows/frame.ts";
import { Offers, OUTSIDE } from "../../js/flows/offer.ts";
import { openFlows } from "../../js/flows/open.ts";
import { runs } from "../runs.ts";
import { frameSpec } from "./arbitrary.ts";
import { linked, pcap } from "./capture.ts";

const LINK = 101;
let module: EngineModule;

beforeAll(async () => {
	module = await loadModule();
});

/** A page of the memory: of a fresh engine the last one is free. */
const PAGE = 65536;

/** Memory below `end`, and variables, 8 bytes each. */
function image({ engine }: Recording, end: number): { memory: Buffer; variables: bigint[] } {
	const memory = Buffer.from(new Uint8Array(engine.memory.buffer, 0, end));
	const at = engine.memory.buffer.byteLength;
	engine.stretch(at + PAGE);
	const globals = new BigInt64Array(engine.memory.buffer, at, engine.saveGlobals(at) / 8);
	const variables = [...globals];
	globals.fill(0n);
	return { memory, variables };
}

/** Whatever another reading may have left behind `from`. */
function litter({ engine }: Recording, from: number): void {
	new Uint8Array(engine.memory.buffer, from).fill(0xa5);
}

const file = fc.tuple(fc.array(frameSpec, { minLength: 1, maxLength: 40 }), fc.nat(60)).map(([specs, cut]) => {
	const packets = specs.map((spec, i) => ({
		timeNs: 1_795_354_258_000_000_000n + BigInt(i) * 1000n,
		frame: linked(LINK, buildPacket(spec), 0, 7),
	}));
	const bytes = pcap(packets, LINK, true, true);
	return bytes.subarray(0, Math.max(24, bytes.length - cut));
});

/** Reads a file as a replay does: told apart, surveyed, kept, and made records of. */
async function use(recording: Recording, bytes: Uint8Array): Promise<string> {
	const addresses = new AddressTable(undefined, () => recording);
	const source = openFlows(
		{
			name: "random.pcap",
			stream: (async function* () {
				yield bytes;
			})(),
		},
		{ module, addresses, truncated: "end" },
	);
	const offers = new Offers(source, {
		netnsOfInterface: () => OUTSIDE,
		ownerOf: (family, address) => (family === 4 ? address % 3 : OUTSIDE),
		forwards: (netns) => netns === 0,
	});
	const { engine } = recording;
	const said: unknown[] = [];
	for await (const columns of source) {
		offers.classify(columns);
		recording.survey(columns);
		const kept = recording.keep(columns);
		engine.batchReset();
		recording.placed(engine.batchRecords());
		for (let owner = 0; owner < 3; owner++) engine.setOwnerRow(owner, owner + 5);
		if (kept !== null) engine.fillDrafts(kept.address, 0, kept.count, L.COLUMN_ROWS, 1n << 62n, 1);
		const records = recording.bytes(engine.batchRecords() >>> 0, engine.batchCount() * L.BATCH_STRIDE);
		said.push([...columns.kind.subarray(0, columns.count)], Buffer.from(records).toString("hex"));
	}
	return JSON.stringify([said, offers.tally, [...recording.answerers()], recording.answerers6()]);
}

describe("an engine that has read", () => {
	it("is a fresh one once it is emptied, and reads as one", async () => {
		const plain = new Recording(module);
		const end = plain.engine.memory.buffer.byteLength - PAGE;
		const fresh = image(plain, end);
		const recording = new Recording(module);
		await fc.assert(
			fc.asyncProperty(file, async (bytes) => {
				expect(await use(recording, bytes)).toBe(await use(new Recording(module), bytes));
				expect(recording.makeEmpty()).toBe(true);
				litter(recording, end);
				const emptied = image(recording, end);
				expect(emptied.memory.equals(fresh.memory)).toBe(true);
				// One says up to where memory is another reading's.
				const differing = fresh.variables.filter((variable, i) => variable !== emptied.variables[i]);
				expect(differing).toEqual([0n]);
			}),
			runs(60),
		);
	});

	it("is lent again once it was read to the end, not where that failed", async () => {
		const spares = new SpareRecordings();
		const lent = (fails: boolean) =>
			spares.lend(async (take) => {
				const recording = take(module);
				if (fails) throw new Error("damaged");
				return recording;
			});
		const first = await lent(false);
		expect(await lent(false)).toBe(first);
		await expect(lent(true)).rejects.toThrow("damaged");
		expect(await lent(false)).not.toBe(first);
		const last = await lent(false);
		spares.clear();
		expect(await lent(false)).not.toBe(last);
	});
});
