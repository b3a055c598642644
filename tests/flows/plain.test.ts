// Most frames are read at once (`assembly/capture/plain`). The same packet without a link layer is not: both are to be the same row,
// whatever is in the headers and wherever the capture cuts them.

import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import type { EngineModule } from "../../bindings/core.ts";
import { loadModule } from "../../bindings/node.ts";
import { openFlows } from "../../js/flows/open.ts";
import { runs } from "../runs.ts";
import { pcap } from "./capture.ts";
import { type Row, rowOf } from "./rows.ts";

const [ETHERNET, IPV4] = [1, 228];
type Read = Omit<Row, "origin"> & { sack: number };

let module: EngineModule;

beforeAll(async () => {
	module = await loadModule();
});

/** IPv4 with TCP, mostly plain: any addresses, ports and numbers, then a few bytes changed and the end cut off. */
const packet = fc
	.record({
		bytes: fc.uint8Array({ minLength: 60, maxLength: 60 }),
		fragment: fc.constantFrom(0, 0, 0x4000, 0x8000, 0x2000, 1),
		length: fc.constantFrom(40, 40, 52, 60, 39, 20, 0, 65535),
		changes: fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 2 }),
		captured: fc.constantFrom(60, 60, 60, 60, 52, 40, 39, 36, 20),
	})
	.map(({ bytes, fragment, length, changes, captured }) => {
		const packet = bytes.slice();
		const view = new DataView(packet.buffer);
		packet[0] = 0x45;
		view.setUint16(2, length);
		view.setUint16(6, fragment);
		packet[9] = 6;
		packet[32] = 0x50;
		for (const [at, value] of changes) packet[at] = value;
		return packet.subarray(0, captured);
	});

async function rowsOf(link: number, frames: readonly Uint8Array[]): Promise<Read[]> {
	const packets = frames.map((frame, i) => ({ timeNs: BigInt(i), frame }));
	const stream = new Blob([pcap(packets, link, true, true) as Uint8Array<ArrayBuffer>]).stream();
	const rows: Read[] = [];
	for await (const columns of openFlows({ name: "test", stream }, { module, strict: false })) {
		for (let i = 0; i < columns.count; i++) {
			const { origin, ...row } = rowOf(columns, i, (family, address) => `${family} ${address}`);
			rows.push({ ...row, sack: columns.sack[i] as number });
		}
	}
	return rows;
}

it("reads the frame of most packets as it reads any other", async () => {
	let rows = 0;
	await fc.assert(
		fc.asyncProperty(fc.array(packet, { minLength: 1, maxLength: 8 }), async (packets) => {
			const addresses = Uint8Array.of(2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0);
			const frames = packets.map((bytes) => Uint8Array.from([...addresses, ...bytes]));
			const ethernet = await rowsOf(ETHERNET, frames);
			expect(ethernet).toEqual(await rowsOf(IPV4, packets));
			rows += ethernet.length;
		}),
		runs(500),
	);
	expect(rows).toBeGreaterThan(500);
});
